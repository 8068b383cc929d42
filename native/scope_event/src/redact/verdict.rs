//! Three answers about one atom, packed beside its word.

/// Whether an atom hides values as a key, terms as a type, everything as a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict(u8);

impl Verdict {
    pub(super) const OPEN: Self = Self(0);
    pub(super) const SECRET: Self = Self(7);

    pub(super) fn new(key: bool, kind: bool, module: bool) -> Self {
        Self(u8::from(key) | u8::from(kind) << 1 | u8::from(module) << 2)
    }

    pub(super) fn key(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) fn kind(self) -> bool {
        self.0 & 2 != 0
    }

    pub(super) fn module(self) -> bool {
        self.0 & 4 != 0
    }

    /// The verdict in `slot`, if it is about `atom`.
    pub(super) fn of(slot: u64, atom: u64) -> Option<Self> {
        (slot >> 3 == atom && slot != 0).then_some(Self((slot & 7) as u8))
    }

    /// The slot for `atom`, unless its word is too wide to share one.
    pub(super) fn packed(self, atom: u64) -> Option<u64> {
        (atom < 1 << 61).then_some(atom << 3 | u64::from(self.0))
    }
}
