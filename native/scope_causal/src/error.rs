//! Why there is no picture.

/// Why events have no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CausalError {
    /// More events than are counted.
    #[error("a picture holds at most 2^30 events")]
    TooMany,
}
