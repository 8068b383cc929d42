//! Which versions of the protocol a node speaks, and which one two nodes use.

use thiserror::Error;

/// A range of versions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Invariant: `1 <= oldest <= newest`.
    oldest: u16,
    newest: u16,
}

/// Two nodes have no version of the protocol in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("we speak versions {ours} of the protocol, the peer {theirs}")]
pub struct NoCommonVersion {
    /// What this side speaks.
    pub ours: Versions,
    /// What the other side speaks.
    pub theirs: Versions,
}

impl Versions {
    /// What this crate speaks.
    pub const OURS: Self = Self {
        oldest: 1,
        newest: super::super::VERSION as u16,
    };

    /// The versions from `oldest` to `newest`; `None` when there are none, or one is 0.
    pub const fn new(oldest: u16, newest: u16) -> Option<Self> {
        if oldest == 0 || oldest > newest {
            return None;
        }
        Some(Self { oldest, newest })
    }

    /// The first version that is spoken.
    pub const fn oldest(self) -> u16 {
        self.oldest
    }

    /// The last version that is spoken.
    pub const fn newest(self) -> u16 {
        self.newest
    }

    /// The highest version in both ranges.
    ///
    /// # Errors
    ///
    /// [`NoCommonVersion`] when they do not overlap.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_sync::wire::Versions;
    /// let (old, new) = (Versions::new(1, 3), Versions::new(2, 5));
    /// assert_eq!(old.zip(new).map(|(old, new)| old.highest_common(new)), Some(Ok(3)));
    /// ```
    pub fn highest_common(self, other: Self) -> Result<u16, NoCommonVersion> {
        let newest = self.newest.min(other.newest);
        if newest >= self.oldest.max(other.oldest) {
            return Ok(newest);
        }
        Err(NoCommonVersion {
            ours: self,
            theirs: other,
        })
    }

    pub(super) fn to_bytes(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.oldest.to_le_bytes(), self.newest.to_le_bytes());
        [a, b, c, d]
    }

    pub(super) fn from_bytes(bytes: &[u8; super::PREFIX]) -> Option<Self> {
        let [a, b, c, d, ..] = *bytes;
        Self::new(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.oldest, self.newest)
    }
}
