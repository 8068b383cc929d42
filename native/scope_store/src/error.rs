//! What can be wrong with the settings of a store.

/// Why a store does not open.
///
/// A folder that cannot be used is no reason: the store then works in memory, says so in its
/// [`Stats`](crate::Stats), and takes the folder as soon as it can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The origin has no node name.
    #[error("the origin of a store has no node name")]
    Origin,
    /// A bound is zero, which would keep nothing.
    #[error("{0} must not be zero")]
    Zero(&'static str),
}
