//! Sets of kinds.

use scope_event::{Family, Kind};

/// A set of kinds, one bit each. In a [`Query`](crate::Query) the empty set means all of them.
///
/// # Examples
///
/// ```
/// use scope_event::{Family, Kind};
/// use scope_store::Kinds;
///
/// let kinds: Kinds = Family::Message.kinds().chain([Kind::Exit]).collect();
/// assert!(kinds.contains(Kind::Send) && !kinds.contains(Kind::Call));
/// assert_eq!(Kinds::family(Family::State), Kinds::from(Kind::State));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kinds(u128);

impl Kinds {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// The kinds of a family.
    pub fn family(family: Family) -> Self {
        family.kinds().collect()
    }

    /// Adds a kind.
    pub fn insert(&mut self, kind: Kind) {
        self.0 |= bit(kind.code());
    }

    /// Whether `kind` is in it.
    pub fn contains(self, kind: Kind) -> bool {
        self.0 & bit(kind.code()) != 0
    }

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether some kind is in both.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn from_codes(codes: impl Iterator<Item = u8>) -> Self {
        Self(codes.fold(0, |bits, code| bits | bit(code)))
    }

    pub(crate) fn bits(self) -> u128 {
        self.0
    }

    pub(crate) fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

/// Codes that this version does not know share the last bit.
fn bit(code: u8) -> u128 {
    1 << code.min(127)
}

impl From<Kind> for Kinds {
    fn from(kind: Kind) -> Self {
        Self(bit(kind.code()))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        Self::from_codes(kinds.into_iter().map(Kind::code))
    }
}
