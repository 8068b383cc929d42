//! Stand-ins for what is not, or not wholly, in the bytes.

/// What a stand-in stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Opaque {
    /// Not recognised by any predicate.
    Unknown = 0,
    /// A fun.
    Fun = 1,
    /// An integer of more than 64 bits.
    Integer = 2,
    /// A bit string whose length is not whole bytes; the size is in bits.
    Bitstring = 3,
    /// A native record.
    Record = 4,
    /// A reference outside of a message event.
    Reference = 5,
    /// A port outside of a message event.
    Port = 6,
    /// A remote pid outside of a message event.
    Pid = 7,
    /// A tuple below the depth limit; the size is its arity.
    Tuple = 8,
    /// A map below the depth limit; the size is its number of pairs.
    Map = 9,
    /// A list below the depth limit.
    List = 10,
    /// A binary of which nothing was kept; the size is in bytes.
    Binary = 11,
    /// Whatever came after a budget was used up.
    Cut = 12,
    /// A term that arrived damaged.
    Damaged = 13,
}

impl Opaque {
    const ALL: [Self; 14] = [
        Self::Unknown,
        Self::Fun,
        Self::Integer,
        Self::Bitstring,
        Self::Record,
        Self::Reference,
        Self::Port,
        Self::Pid,
        Self::Tuple,
        Self::Map,
        Self::List,
        Self::Binary,
        Self::Cut,
        Self::Damaged,
    ];

    /// The type behind a code of the format.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// Terms that only another encoder understands; the bytes are in Erlang's external term format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Foreign {
    /// A reference.
    Reference,
    /// A port.
    Port,
    /// A pid of another node.
    Pid,
}
