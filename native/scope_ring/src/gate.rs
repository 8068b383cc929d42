//! Sleeping on a word until it changes: a futex on Linux, a lock and a condition elsewhere.

#[cfg(all(target_os = "linux", not(miri), not(loom)))]
mod futex;
#[cfg(any(not(target_os = "linux"), miri, loom))]
mod portable;

#[cfg(all(target_os = "linux", not(miri), not(loom)))]
pub(crate) use futex::Gate;
#[cfg(any(not(target_os = "linux"), miri, loom))]
pub(crate) use portable::Gate;
