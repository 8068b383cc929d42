//! A run of blocks that is sealed together and expires together.

/// How far a segment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Takes blocks.
    Active,
    /// Takes no more, and waits for its blocks to be consolidated.
    Full,
    /// Consolidated; nothing of it changes any more.
    Sealed,
}

/// What is known of a segment besides its blocks, which name it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) id: u64,
    pub(crate) state: State,
    /// Bytes of its blocks that are not replaced.
    pub(crate) bytes: u64,
    /// Largest stamp of any block that it took; 0 when it took none.
    pub(crate) newest: u64,
    /// Smallest stamp of any block that it took.
    pub(crate) oldest: u64,
}

impl Segment {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            state: State::Active,
            bytes: 0,
            newest: 0,
            oldest: u64::MAX,
        }
    }
}
