//! What a replica may be told, and the time it is given.

use std::time::Duration;

use crate::interest::Interest;
use crate::wire::MAX_FRAME;

/// The time, as the caller reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// A monotonic clock in nanoseconds, for intervals and deadlines.
    pub mono_ns: u64,
    /// The hybrid clock as NTP64 bits (seconds in the high half), for ages.
    pub stamp: u64,
}

impl Now {
    /// The stamp `age` before this one.
    pub(crate) fn stamp_before(self, age: Duration) -> u64 {
        self.stamp.saturating_sub(ntp64(age))
    }
}

fn ntp64(age: Duration) -> u64 {
    let fraction = (u64::from(age.subsec_nanos()) << 32) / 1_000_000_000;
    if age.as_secs() > u64::from(u32::MAX) {
        u64::MAX
    } else {
        age.as_secs() << 32 | fraction
    }
}

/// How a replica behaves. Every bound has a name and a default here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which origins are pulled.
    pub interest: Interest,
    /// Blocks whose newest stamp is older are neither asked for nor taken.
    pub max_age: Duration,
    /// Nor are blocks older than this stamp: where a node that joins begins.
    pub since: Option<u64>,
    /// For how long an origin of which everything expired is remembered.
    pub forget_after: Duration,
    /// The longest message, at most 256 KiB.
    pub frame_bytes: usize,
    /// The most blocks in one frame.
    pub frame_blocks: usize,
    /// How many bytes a peer may have on the way to us.
    pub window_bytes: u32,
    /// How many bytes a second leave this node; `None` for no bound.
    pub bytes_per_s: Option<u64>,
    /// The shortest time between two digests to the same peer.
    pub digest_every: Duration,
    /// After which an unacknowledged digest is sent again; doubles up to eight times that.
    pub resend_after: Duration,
    /// After which a pull without progress is given up and planned again.
    pub stall_after: Duration,
    /// The least time between two audits of a peer; `None` for no audits.
    pub audit_every: Option<Duration>,
    /// The most links of a node once the cluster has more peers than that.
    pub fanout: usize,
    /// The most origins that are spoken of.
    pub max_origins: usize,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            interest: Interest::Everything,
            max_age: Duration::from_secs(30 * DAY),
            since: None,
            forget_after: Duration::from_secs(7 * DAY),
            frame_bytes: MAX_FRAME,
            frame_blocks: 96,
            window_bytes: 1 << 20,
            bytes_per_s: Some(2 << 20),
            digest_every: Duration::from_secs(1),
            resend_after: Duration::from_secs(2),
            stall_after: Duration::from_secs(10),
            audit_every: Some(Duration::from_secs(60)),
            fanout: 12,
            max_origins: 10_000,
        }
    }
}

/// A duration in the unit of [`Now::mono_ns`].
pub(crate) fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
