//! The same over a lock and a condition. A waker takes the lock for a moment, once per sleep.

use crate::primitive::{AtomicU32, Condvar, Mutex, MutexGuard};
use std::sync::atomic::Ordering::Acquire;
use std::time::Duration;

/// The lock orders "look at the word, then sleep" before or after "change it, then wake".
pub(crate) struct Gate {
    lock: Mutex<()>,
    changed: Condvar,
}

impl Gate {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            lock: Mutex::new(()),
            changed: Condvar::new(),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            lock: Mutex::new(()),
            changed: Condvar::new(),
        }
    }

    /// Sleeps while the word holds `expected`. May return early: the caller looks again.
    pub(crate) fn wait(&self, word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
        let guard = self.lock();
        if word.load(Acquire) != expected {
            return;
        }
        match timeout {
            Some(timeout) => drop(self.changed.wait_timeout(guard, timeout)),
            None => drop(self.changed.wait(guard)),
        }
    }

    /// Wakes whoever sleeps on the word.
    pub(crate) fn wake(&self, _word: &AtomicU32) {
        let _guard = self.lock();
        self.changed.notify_all();
    }

    /// The lock guards no data, so a panic under it has broken nothing.
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
