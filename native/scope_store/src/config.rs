//! How a store is to behave.

use scope_event::Origin;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of a [`Store`](crate::Store), each a bound with a name and a default.
///
/// # Examples
///
/// ```
/// use scope_event::Origin;
/// use scope_store::Config;
///
/// let config = Config { flush_ms: 100, ..Config::new(Origin::new("shop@host", 1)) };
/// assert_eq!(config.retention_bytes, 64 << 20);
/// assert_eq!(config.segment_limit(), 8 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Who records here. A node that starts again is another incarnation, hence another origin.
    pub origin: Origin,
    /// An open block is closed so long after its first event.
    pub flush_ms: u64,
    /// Bytes of closed blocks that are kept; the oldest segments go first.
    pub retention_bytes: u64,
    /// What is older is dropped, and not taken from peers either.
    pub retention_age: Duration,
    /// Segments are sealed at this size, or at an eighth of `retention_bytes` if that is less, so
    /// that retention has whole segments to drop.
    pub segment_bytes: u64,
    /// Blocks that a store with a folder holds in memory while the folder cannot take them.
    pub unsaved_bytes: u64,
    /// Decoded blocks that are kept for the next question take about so many bytes.
    pub decoded_bytes: u64,
    /// Written blocks are made durable at the latest so long after they were closed …
    pub commit_ms: u64,
    /// … or when so many bytes wait.
    pub commit_bytes: u64,
    /// Blocks whose content contradicts what is held, kept aside for a look at them.
    pub conflict_bytes: u64,
    /// What is stamped further ahead of the receiver's clock is marked with when it came.
    pub max_ahead: Duration,
    /// The data folder; `None` keeps everything in memory.
    pub dir: Option<PathBuf>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Config {
    /// The defaults, in memory.
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            flush_ms: 500,
            retention_bytes: 64 << 20,
            retention_age: 30 * DAY,
            segment_bytes: 64 << 20,
            unsaved_bytes: 64 << 20,
            decoded_bytes: 8 << 20,
            commit_ms: 200,
            commit_bytes: 1 << 20,
            conflict_bytes: 1 << 20,
            max_ahead: Duration::from_millis(500),
            dir: None,
        }
    }

    /// The size at which a segment is sealed.
    pub fn segment_limit(&self) -> u64 {
        self.segment_bytes.min(self.retention_bytes / 8).max(1)
    }
}
