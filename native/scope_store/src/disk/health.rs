//! How it stands with the folder.

/// Whether blocks reach the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// There is no folder: everything is in memory by choice.
    #[default]
    Memory,
    /// What is closed is durable soon after.
    Saving,
    /// The folder cannot be written: blocks stay in memory, as far as there is room, and are written
    /// when it can be.
    Degraded {
        /// What the file system says.
        reason: String,
        /// Since when, in milliseconds since 1970.
        since_ms: u64,
    },
}

impl Health {
    /// Whether blocks cannot be written though they should be.
    pub fn is_degraded(&self) -> bool {
        matches!(self, Self::Degraded { .. })
    }
}
