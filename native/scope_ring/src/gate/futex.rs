//! The kernel compares the word and sleeps in one step, so that no lock is needed.

use crate::primitive::AtomicU32;
use std::ptr::{from_ref, null};
use std::time::Duration;

/// The futex needs no state of its own.
pub(crate) struct Gate;

impl Gate {
    pub(crate) const fn new() -> Self {
        Self
    }

    /// Sleeps while the word holds `expected`. May return early: the caller looks again.
    pub(crate) fn wait(&self, word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
        let timeout = timeout.map(timespec);
        let until = timeout.as_ref().map_or(null(), from_ref);
        call(word, libc::FUTEX_WAIT, expected, until);
    }

    /// Wakes whoever sleeps on the word.
    pub(crate) fn wake(&self, word: &AtomicU32) {
        call(word, libc::FUTEX_WAKE, i32::MAX.cast_unsigned(), null());
    }
}

fn timespec(time: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX),
        // Below a billion, which fits the type of every system.
        tv_nsec: time.subsec_nanos() as _,
    }
}

fn call(word: &AtomicU32, op: libc::c_int, value: u32, timeout: *const libc::timespec) {
    let op = op | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the time outlive the call. Whatever it answers (changed already, timed
    // out, interrupted), the caller's next look at the word decides.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), op, value, timeout) };
}
