//! Ids by which events belong together.

use scope_event::Value;
use std::ops::RangeInclusive;

/// A correlation id, and between which stamps it means what is asked for.
///
/// One and the same extent can have several ids: as it was given, its key, and on other nodes a key
/// that stands for one call after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlated {
    /// The id. Maps are equal whatever the order of their pairs.
    pub id: Value,
    /// Stamps (NTP64 bits) at which it counts.
    pub stamps: RangeInclusive<u64>,
}

impl Correlated {
    /// The id at any time.
    pub fn by(id: Value) -> Self {
        Self {
            id,
            stamps: 0..=u64::MAX,
        }
    }
}
