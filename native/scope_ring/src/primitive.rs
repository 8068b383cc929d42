//! The atomics, and under `--cfg loom` their modelled twins.
//!
//! The rest of the crate takes every atomic, lock and fence from here, so that the same lines run in
//! production and in the model checker. Raw memory has no twin: [`Shadow`] stands beside it.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, fence};

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(all(not(loom), any(not(target_os = "linux"), miri)))]
pub(crate) use std::sync::Condvar;
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Tells the model checker who touches which bytes of raw memory; nothing at all in production.
///
/// One cell stands for [`Shadow::UNIT`] bytes. An access that is not ordered after an earlier
/// conflicting one is a race, and the model fails.
#[cfg(loom)]
pub(crate) struct Shadow(Box<[loom::cell::UnsafeCell<()>]>);

#[cfg(loom)]
impl Shadow {
    const UNIT: usize = 8;

    pub(crate) fn new(bytes: usize) -> Self {
        Self(
            (0..bytes.div_ceil(Self::UNIT))
                .map(|_| loom::cell::UnsafeCell::new(()))
                .collect(),
        )
    }

    fn cells(&self, at: usize, len: usize) -> &[loom::cell::UnsafeCell<()>] {
        let past = if len == 0 {
            at / Self::UNIT
        } else {
            (at + len).div_ceil(Self::UNIT)
        };
        &self.0[at / Self::UNIT..past]
    }

    pub(crate) fn write(&self, at: usize, len: usize) {
        self.cells(at, len)
            .iter()
            .for_each(|cell| cell.with_mut(|_| ()));
    }

    pub(crate) fn read(&self, at: usize, len: usize) {
        self.cells(at, len)
            .iter()
            .for_each(|cell| cell.with(|_| ()));
    }
}

/// See the modelled twin: in production there is nothing to watch.
#[cfg(not(loom))]
pub(crate) struct Shadow;

#[cfg(not(loom))]
impl Shadow {
    pub(crate) fn new(_bytes: usize) -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn write(&self, _at: usize, _len: usize) {}

    #[inline(always)]
    pub(crate) fn read(&self, _at: usize, _len: usize) {}
}
