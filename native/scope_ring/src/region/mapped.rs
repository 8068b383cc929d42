//! The memory of the lanes as a private mapping: nothing is resident until it is written.
//!
//! A lane is claimed inside a tracer callback, with a process's locks held: no mapping may be made
//! then. So the whole table is mapped at start, with an inaccessible page after each lane that
//! turns an overrun into a fault instead of into a neighbour's events.

use std::io::Error;
use std::ptr::null_mut;

/// Address space for all lanes, each followed by a guard page.
pub(crate) struct Region {
    base: *mut u8,
    bytes: usize,
    stride: usize,
}

// SAFETY: the region only owns memory; who may touch which bytes of it is the lanes' protocol.
unsafe impl Send for Region {}
// SAFETY: as above, `&Region` hands out nothing but addresses.
unsafe impl Sync for Region {}

impl Region {
    /// The system's page size.
    pub(crate) fn page() -> usize {
        // SAFETY: `sysconf` only reads.
        usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
    }

    /// Reserves everything, then opens the lanes and leaves the guards closed.
    pub(crate) fn reserve(lanes: usize, lane: usize) -> Result<Self, Error> {
        let stride = lane + Self::page();
        let region = Self {
            base: reserve(lanes * stride)?,
            bytes: lanes * stride,
            stride,
        };
        (0..lanes).try_for_each(|index| open(region.lane(index), lane))?;
        region.forbid_huge_pages();
        Ok(region)
    }

    /// The first byte of a lane.
    pub(crate) fn lane(&self, index: usize) -> *mut u8 {
        debug_assert!((index + 1) * self.stride <= self.bytes);
        // SAFETY: `index` is below the number of lanes that were reserved.
        unsafe { self.base.add(index * self.stride) }
    }

    /// Gives the whole pages inside `[at, at + len)` back to the system; how many bytes it was.
    ///
    /// # Safety
    /// Nobody reads or writes the range meanwhile, nor relies on what was in it.
    pub(crate) unsafe fn discard(at: *mut u8, len: usize) -> usize {
        let page = Self::page();
        let from = at.align_offset(page).min(len);
        let whole = (len - from) / page * page;
        // SAFETY: pages of our own mapping which the caller says nobody uses.
        let done =
            whole > 0 && unsafe { libc::madvise(at.add(from).cast(), whole, GIVE_BACK) } == 0;
        if done { whole } else { 0 }
    }

    /// A huge page would make the first event of a lane clear 2 MiB, and an idle lane keep them.
    #[cfg(target_os = "linux")]
    fn forbid_huge_pages(&self) {
        // SAFETY: our own mapping. A kernel without huge pages answers with an error: as well.
        unsafe { libc::madvise(self.base.cast(), self.bytes, libc::MADV_NOHUGEPAGE) };
    }

    #[cfg(not(target_os = "linux"))]
    fn forbid_huge_pages(&self) {}
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: mapped in `reserve` with this size, and unmapped once.
        unsafe { libc::munmap(self.base.cast(), self.bytes) };
    }
}

/// Elsewhere `MADV_DONTNEED` is only a hint; `MADV_FREE` is what lets the pages go.
#[cfg(target_os = "linux")]
const GIVE_BACK: libc::c_int = libc::MADV_DONTNEED;
#[cfg(not(target_os = "linux"))]
const GIVE_BACK: libc::c_int = libc::MADV_FREE;

fn reserve(bytes: usize) -> Result<*mut u8, Error> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
    // SAFETY: a new anonymous mapping at an address of the kernel's choice.
    let base = unsafe { libc::mmap(null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return Err(Error::last_os_error());
    }
    Ok(base.cast())
}

fn open(at: *mut u8, bytes: usize) -> Result<(), Error> {
    // SAFETY: whole pages of our own mapping, which nobody uses yet.
    match unsafe { libc::mprotect(at.cast(), bytes, libc::PROT_READ | libc::PROT_WRITE) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
