//! The fixed part of an event: four words, 32 bytes, half a cache line.

/// The fourth word of a [`Slot`]: what the ring itself must know of an event.
///
/// From the lowest bit: kind (8), scope (8), session (16), arity (8), payload length (24).
///
/// # Examples
///
/// ```
/// use scope_ring::Head;
///
/// let head = Head::new(7).scope(1).session(300).arity(3);
/// assert_eq!((head.kind(), head.scope_id(), head.session_id(), head.arity_of()), (7, 1, 300, 3));
/// assert_eq!(Head::from_bits(head.bits()), head);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Head(u64);

impl Head {
    const SCOPE: u32 = 8;
    const SESSION: u32 = 16;
    const ARITY: u32 = 32;
    const LEN: u32 = 40;
    /// The longest payload length that the word can name.
    pub(crate) const MAX_LEN: usize = (1 << 24) - 1;

    /// A head of this kind: scope 0, no session, arity 0, no payload.
    pub const fn new(kind: u8) -> Self {
        Self(kind as u64)
    }

    /// The word as it stands in a slot.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The word as it stands in a slot.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The same head in another scope.
    #[must_use]
    pub const fn scope(self, scope: u8) -> Self {
        self.with(Self::SCOPE, 8, scope as u64)
    }

    /// The same head in a session; 0 is no session, and no budget.
    #[must_use]
    pub const fn session(self, session: u16) -> Self {
        self.with(Self::SESSION, 16, session as u64)
    }

    /// The same head with an arity.
    #[must_use]
    pub const fn arity(self, arity: u8) -> Self {
        self.with(Self::ARITY, 8, arity as u64)
    }

    /// The kind of event; losses are counted by it.
    pub const fn kind(self) -> u8 {
        self.0 as u8
    }

    /// The scope that the drain routes by.
    pub const fn scope_id(self) -> u8 {
        (self.0 >> Self::SCOPE) as u8
    }

    /// The session whose budget pays for the event, or 0.
    pub const fn session_id(self) -> u16 {
        (self.0 >> Self::SESSION) as u16
    }

    /// The arity of the function, where there is one.
    pub const fn arity_of(self) -> u8 {
        (self.0 >> Self::ARITY) as u8
    }

    /// Bytes of payload that follow the event in the payload area.
    pub const fn payload_len(self) -> usize {
        (self.0 >> Self::LEN) as usize
    }

    /// Lengths are bounded by the lane's reservation before they get here.
    pub(crate) const fn payload(self, len: usize) -> Self {
        self.with(Self::LEN, 24, len as u64)
    }

    const fn with(self, shift: u32, bits: u32, value: u64) -> Self {
        let mask = ((1u64 << bits) - 1) << shift;
        Self((self.0 & !mask) | ((value << shift) & mask))
    }
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head")
            .field("kind", &self.kind())
            .field("scope", &self.scope_id())
            .field("session", &self.session_id())
            .field("arity", &self.arity_of())
            .field("payload_len", &self.payload_len())
            .finish()
    }
}

/// The three words of an event that mean nothing to the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Words {
    /// When, by the scope's clock.
    pub stamp: u64,
    /// Who, as the VM's own word.
    pub pid: u64,
    /// About what: a function key, a peer's pid or a name.
    pub subject: u64,
}

/// An event as it lies in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(C, align(32))]
pub struct Slot {
    /// When, by the scope's clock.
    pub stamp: u64,
    /// Who, as the VM's own word.
    pub pid: u64,
    /// About what: a function key, a peer's pid or a name.
    pub subject: u64,
    /// Kind, scope, session, arity and the payload's length.
    pub head: Head,
}

impl Slot {
    pub(crate) const SIZE: usize = size_of::<Self>();

    pub(crate) const fn new(words: Words, head: Head) -> Self {
        Self {
            stamp: words.stamp,
            pid: words.pid,
            subject: words.subject,
            head,
        }
    }
}

const _: () = assert!(Slot::SIZE == 32);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fields_do_not_touch_each_other(k: u8, s: u8, id: u16, a: u8, len in 0..=Head::MAX_LEN) {
            let head = Head::new(k).payload(len).arity(a).session(id).scope(s);
            prop_assert_eq!(head.kind(), k);
            prop_assert_eq!(head.scope_id(), s);
            prop_assert_eq!(head.session_id(), id);
            prop_assert_eq!(head.arity_of(), a);
            prop_assert_eq!(head.payload_len(), len);
            prop_assert_eq!(head.payload(0).session(0).scope(0).arity(0), Head::new(k));
        }
    }
}
