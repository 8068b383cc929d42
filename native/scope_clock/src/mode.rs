//! Which counter a clock reads, and how its readers share it.

/// The counter under the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// The processor's time stamp counter: used only where the kernel itself keeps time by it.
    Tsc,
    /// The operating system's monotonic clock, in nanoseconds.
    Monotonic,
}

/// How a clock is read. The discriminants are the low bits of the sequence word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Mode {
    /// Not started: wall clock under one shared word.
    Idle = 0,
    /// The affine function over the time stamp counter; readers share nothing they write.
    Tsc = 1,
    /// The affine function over the monotonic clock; readers share nothing they write.
    Monotonic = 2,
    /// The tick is too coarse to tell two events apart: a shared word counts on between ticks.
    Shared = 3,
}

impl Mode {
    /// The mode in the low bits of a sequence word.
    pub(crate) const fn of(head: u64) -> Self {
        match head & 3 {
            0 => Self::Idle,
            1 => Self::Tsc,
            2 => Self::Monotonic,
            _ => Self::Shared,
        }
    }

    /// The counter this mode reads.
    #[must_use]
    pub const fn counter(self) -> Counter {
        match self {
            Self::Tsc => Counter::Tsc,
            _ => Counter::Monotonic,
        }
    }
}
