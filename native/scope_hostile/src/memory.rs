//! How much memory something takes, by an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what the thread holds and the most that it ever held.
struct Counting;

thread_local! {
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    HELD.with(|held| {
        let (now, most) = held.get();
        held.set((now + bytes, most.max(now + bytes)));
    });
}

// SAFETY: every call is passed on unchanged to the system's allocator; the counter is a constant
// thread-local without destructor, so it neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above, and `at` came from `alloc`, which is the system's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs something that may hold at most `most` bytes at a time, beyond what was held before.
pub(crate) fn within<T>(most: usize, run: impl FnOnce() -> T) -> T {
    let before = HELD.with(|held| {
        let (now, outer) = held.get();
        held.set((now, now));
        (now, outer)
    });
    let result = run();
    let peak = HELD.with(|held| {
        let (now, peak) = held.get();
        held.set((now, peak.max(before.1)));
        usize::try_from(peak - before.0).unwrap_or(0)
    });
    assert!(peak <= most, "{peak} bytes were held, {most} are allowed");
    result
}
