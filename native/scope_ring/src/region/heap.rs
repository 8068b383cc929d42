//! The memory of the lanes from the allocator: for systems without `mmap`, Miri and the model.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io::{Error, ErrorKind};

/// A zeroed allocation cut into equal lanes. Pages are not given back to the system.
pub(crate) struct Region {
    base: *mut u8,
    layout: Layout,
    lane: usize,
}

// SAFETY: the region only owns memory; who may touch which bytes of it is the lanes' protocol.
unsafe impl Send for Region {}
// SAFETY: as above, `&Region` hands out nothing but addresses.
unsafe impl Sync for Region {}

impl Region {
    /// The unit that areas are rounded to.
    pub(crate) fn page() -> usize {
        if cfg!(loom) { 32 } else { 4096 }
    }

    pub(crate) fn reserve(lanes: usize, lane: usize) -> Result<Self, Error> {
        let layout = Layout::from_size_align(lanes * lane, Self::page())
            .map_err(|_| Error::from(ErrorKind::OutOfMemory))?;
        // SAFETY: a lane has at least one page, so the layout is not empty.
        let base = unsafe { alloc_zeroed(layout) };
        if base.is_null() {
            return Err(Error::from(ErrorKind::OutOfMemory));
        }
        Ok(Self { base, layout, lane })
    }

    /// The first byte of a lane.
    pub(crate) fn lane(&self, index: usize) -> *mut u8 {
        debug_assert!((index + 1) * self.lane <= self.layout.size());
        // SAFETY: `index` is below the number of lanes that were reserved.
        unsafe { self.base.add(index * self.lane) }
    }

    /// Gives whole pages of `[at, at + len)` back.
    ///
    /// # Safety
    /// Nobody reads or writes the range meanwhile, nor relies on what was in it.
    pub(crate) unsafe fn discard(at: *mut u8, len: usize) -> usize {
        // Overwritten, so that a test sees it when the bytes were still wanted.
        // SAFETY: the caller has the range to itself.
        unsafe { at.write_bytes(0xDD, len) };
        len
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated in `reserve` with this layout, and freed once.
        unsafe { dealloc(self.base, self.layout) }
    }
}
