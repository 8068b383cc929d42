//! A fence that costs the rare side everything and the frequent side nothing.
//!
//! Source: asymmetric fences (Goldblatt, WG21 P1202) over Linux's `membarrier(2)`.
//!
//! Two questions of the crate are Dekker's: "did the producer see that I sleep, or do I see its
//! event?" and "did it see that I took the room back, or do I see that it is writing?". Each side
//! stores, then loads what the other stored; a full fence between the two on both sides makes it
//! impossible that both read the old value. The producer would pay that fence for every event (6 to
//! 8 ns), the consumer a few times a second. `membarrier` lets the consumer run the fence on every
//! thread of the process, so that the producer only has to keep the compiler from reordering.

use crate::primitive::fence;
use std::sync::atomic::Ordering::SeqCst;

/// How the fences of the two sides are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// The consumer fences for everybody.
    Asymmetric,
    /// No `membarrier` here (another system, an old kernel, a strict sandbox): both sides fence.
    Symmetric,
}

impl Barrier {
    /// Registers the process with the kernel, which may be done any number of times.
    pub(crate) fn of_this_system() -> Self {
        if membarrier::register() {
            Self::Asymmetric
        } else {
            Self::Symmetric
        }
    }

    /// The producer's side.
    #[inline(always)]
    pub(crate) fn light(self) {
        match self {
            Self::Asymmetric => std::sync::atomic::compiler_fence(SeqCst),
            Self::Symmetric => fence(SeqCst),
        }
    }

    /// The consumer's side; false if the kernel refused, and nothing may be concluded.
    #[must_use]
    pub(crate) fn heavy(self) -> bool {
        match self {
            Self::Asymmetric => membarrier::everywhere(),
            Self::Symmetric => {
                fence(SeqCst);
                true
            }
        }
    }
}

#[cfg(all(target_os = "linux", not(miri), not(loom)))]
mod membarrier {
    pub(super) fn register() -> bool {
        call(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
    }

    pub(super) fn everywhere() -> bool {
        call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
    }

    fn call(command: libc::c_int) -> bool {
        // SAFETY: the call takes no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }
}

#[cfg(any(not(target_os = "linux"), miri, loom))]
mod membarrier {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn everywhere() -> bool {
        false
    }
}
