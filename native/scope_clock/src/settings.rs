//! How a clock is started.

use std::path::PathBuf;
use std::time::Duration;

use crate::node::NodeId;

/// What a clock needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose clock it is.
    pub node: NodeId,
    /// How far ahead of the physical clock a remote stamp may be, and how far back the wall clock
    /// may step. Default 500 ms.
    pub limit: Duration,
    /// Where the upper bound of all stamps is kept across a restart. Default: nowhere.
    pub folder: Option<PathBuf>,
    /// How far ahead the bound is written. It is written again when half of that is used up.
    /// Default 2 s.
    pub lead: Duration,
    /// How long [`Clock::start`](crate::Clock::start) may wait for a wall clock that is behind the
    /// bound. Default 2 s, the lead.
    pub patience: Duration,
}

impl Settings {
    /// The defaults for a node.
    #[must_use]
    pub const fn new(node: NodeId) -> Self {
        Self {
            node,
            limit: Duration::from_millis(500),
            folder: None,
            lead: Duration::from_secs(2),
            patience: Duration::from_secs(2),
        }
    }

    /// With a data folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }
}

/// A duration in nanoseconds, as far as they go.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
