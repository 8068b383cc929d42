//! What sort of dependency it is.

/// Why one module needs another.
///
/// # Examples
///
/// ```
/// use scope_graph::{Kind, Kinds};
///
/// let kinds = Kinds::from(Kind::Compile) | Kind::Runtime.into();
/// assert!(kinds.contains(Kind::Runtime));
/// assert!(!kinds.contains(Kind::Observed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The other module runs while this one is compiled: a macro, a module body.
    Compile = 0,
    /// Compilation looks at what the other one exports: a struct, an import.
    Exports = 1,
    /// A call that is made when the program runs.
    Runtime = 2,
    /// Nobody declared it, but it was seen happening.
    Observed = 3,
}

impl Kind {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Compile, Self::Exports, Self::Runtime, Self::Observed];

    /// The number that stands for it in the encoded form.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind with this code, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kinds(u8);

impl Kinds {
    /// No kind.
    pub const NONE: Self = Self(0);
    /// Compile-time dependencies alone.
    pub const COMPILE: Self = Self(1 << Kind::Compile as u8);
    /// Dependencies on what is exported, alone.
    pub const EXPORTS: Self = Self(1 << Kind::Exports as u8);
    /// Runtime dependencies alone.
    pub const RUNTIME: Self = Self(1 << Kind::Runtime as u8);
    /// What was seen happening, alone.
    pub const OBSERVED: Self = Self(1 << Kind::Observed as u8);
    /// What the source says: all but the observed ones.
    pub const DECLARED: Self = Self(0b0111);
    /// Every kind.
    pub const ALL: Self = Self(0b1111);

    /// True when `kind` is in it.
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// True when the two have a kind in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// True when no kind is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds in it.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL
            .into_iter()
            .filter(move |kind| self.contains(*kind))
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn from_low_bits(bits: u32) -> Self {
        Self((bits & 0b1111) as u8)
    }
}

impl From<Kind> for Kinds {
    fn from(kind: Kind) -> Self {
        Self(1 << kind as u8)
    }
}

impl std::ops::BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        kinds
            .into_iter()
            .fold(Self::NONE, |set, kind| set | kind.into())
    }
}
