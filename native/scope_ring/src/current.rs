//! Which lane the running thread has.
//!
//! The thread-local is const and has no destructor: it costs one look-up and registers nothing.
//! A destructor would be code of this library that runs when a thread ends, possibly after the
//! library was unloaded, which has crashed VMs. So a thread keeps its lane for ever, which is
//! right for schedulers: they end with the VM.

use crate::lane::Lane;
use std::cell::Cell;
use std::ptr::null;

thread_local! {
    static HOME: Home = const { Home { owner: Cell::new(null()), lane: Cell::new(null()) } };
}

/// The table that the thread records in, and its lane there: none if it came too late.
struct Home {
    owner: Cell<*const ()>,
    lane: Cell<*const Lane>,
}

const _: () = assert!(!std::mem::needs_drop::<Home>());

/// The thread's lane in the table of this owner; the first time, whatever `claim` says.
///
/// A thread has one home, the first that it asked for: a VM has one table. Elsewhere it is a
/// stranger.
#[inline(always)]
pub(crate) fn lane<T>(
    owner: &'static T,
    claim: impl FnOnce(&'static T) -> Option<&'static Lane>,
) -> Option<&'static Lane> {
    HOME.with(|home| {
        let key = std::ptr::from_ref(owner).cast();
        if home.owner.get() == key {
            // SAFETY: set below from a reference that lives for ever, as its owner does.
            unsafe { home.lane.get().as_ref() }
        } else if home.owner.get().is_null() {
            home.settle(key, claim(owner))
        } else {
            None
        }
    })
}

impl Home {
    #[cold]
    fn settle(&self, owner: *const (), lane: Option<&'static Lane>) -> Option<&'static Lane> {
        self.owner.set(owner);
        self.lane.set(lane.map_or(null(), std::ptr::from_ref));
        lane
    }
}
