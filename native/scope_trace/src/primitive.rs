//! The atomics, and under `--cfg loom` their modelled twins.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, AtomicUsize};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, AtomicUsize};
