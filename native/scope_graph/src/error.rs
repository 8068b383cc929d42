//! What can go wrong with a graph.

/// Why a graph refused something. It is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// More distinct modules or files than a graph can number.
    #[error("more than {limit} modules or files")]
    Full {
        /// How many there may be.
        limit: u32,
    },

    /// An id that this builder did not give out.
    #[error("an id of another builder")]
    UnknownId,

    /// The difference starts from another version than this graph is at.
    #[error("the difference starts from version {expected}, the graph is at {found}")]
    OtherVersion {
        /// Where the difference starts.
        expected: u64,
        /// Where the graph is.
        found: u64,
    },

    /// The difference takes away what is not there, or adds what is.
    #[error("the difference was taken from another graph")]
    OtherGraph,
}

/// Why bytes are not a graph or a difference of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They do not begin like one, or like one of a later format.
    #[error("not of a format that is known here")]
    Format,
    /// The checksum does not match the content.
    #[error("the checksum does not match")]
    Checksum,
    /// They end in the middle.
    #[error("cut short")]
    CutShort,
    /// A number is out of the range that it must be in.
    #[error("a number out of range")]
    Range,
    /// A name is not text.
    #[error("a name that is not UTF-8")]
    Text,
    /// The same content would have been written differently.
    #[error("not in canonical form")]
    NotCanonical,
}
