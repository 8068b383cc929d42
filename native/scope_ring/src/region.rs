//! The memory of all lanes: address space at start, pages when a lane first writes to them.

#[cfg(any(not(unix), miri, loom))]
mod heap;
#[cfg(all(unix, not(miri), not(loom)))]
mod mapped;

#[cfg(any(not(unix), miri, loom))]
pub(crate) use heap::Region;
#[cfg(all(unix, not(miri), not(loom)))]
pub(crate) use mapped::Region;
