//! The budget of one session, and how lanes take from it without meeting each other often.
//!
//! Source: guided self-scheduling (Polychronopoulos and Kuck, IEEE ToC 1987): a taker gets its share
//! of what is left, at most 1,024 and at least one. While there is plenty a lane comes back once in
//! 1,024 events; towards the end shares shrink, so that idle lanes do not sit on the last credits.

use crate::primitive::AtomicU64;
use crossbeam_utils::Backoff;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The most credits that a lane takes at once.
pub(crate) const CREDITS: u64 = 1024;
/// Each failure means that another lane succeeded, which it then does not do again for a while:
/// the bound is never reached in practice and makes the producer wait-free.
const ATTEMPTS: usize = 64;

/// One word: the session's id in the top 16 bits, the credits left below. 0 is closed.
///
/// Invariant: credits leave the word only by an exchange that names the id, so that no credit is
/// taken twice, lost, or taken from a later session in the same seat.
pub(crate) struct Pool(AtomicU64);

impl Pool {
    const ID: u32 = 48;
    /// More than any session can use.
    pub(crate) const MOST: u64 = (1 << Self::ID) - 1;

    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Ordering: relaxed; a session that closes is noticed a moment later, which is allowed.
    #[inline(always)]
    pub(crate) fn is_open(&self, id: u16) -> bool {
        self.id() == id
    }

    pub(crate) fn id(&self) -> u16 {
        (self.0.load(Relaxed) >> Self::ID) as u16
    }

    /// Ordering: release, so that a lane that sees the id sees the seat prepared for it.
    pub(crate) fn open(&self, id: u16, credits: u64) {
        self.0.store(word(id, credits.min(Self::MOST)), Release);
    }

    /// What nobody had taken.
    pub(crate) fn close(&self) -> u64 {
        self.0.swap(0, Acquire) & Self::MOST
    }

    /// Credits of a session still open.
    pub(crate) fn left(&self, id: u16) -> Option<u64> {
        let word = self.0.load(Acquire);
        (word >> Self::ID == u64::from(id)).then_some(word & Self::MOST)
    }

    /// A share for one lane out of `lanes`; 0 if nothing is left or the session is over.
    pub(crate) fn take(&self, id: u16, lanes: u64) -> u64 {
        let backoff = Backoff::new();
        for _ in 0..ATTEMPTS {
            let Some(left @ 1..) = self.left(id) else {
                return 0;
            };
            let share = (left / lanes.max(1)).clamp(1, CREDITS);
            if self.exchange(id, left, left - share) {
                return share;
            }
            backoff.spin();
        }
        0
    }

    /// Adds credits; how many it could, or nothing if the session is over.
    pub(crate) fn add(&self, id: u16, credits: u64) -> Option<u64> {
        loop {
            let left = self.left(id)?;
            let more = credits.min(Self::MOST - left);
            if self.exchange(id, left, left + more) {
                return Some(more);
            }
        }
    }

    fn exchange(&self, id: u16, left: u64, now: u64) -> bool {
        self.0
            .compare_exchange_weak(word(id, left), word(id, now), Relaxed, Relaxed)
            .is_ok()
    }
}

fn word(id: u16, credits: u64) -> u64 {
    u64::from(id) << Pool::ID | credits
}
