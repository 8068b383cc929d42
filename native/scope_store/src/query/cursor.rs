//! Places in the total order of events.

use scope_event::{Origin, Seq};

/// Where an event stands in stamp order: the same on every node, for every store.
///
/// The order is stamp, node, incarnation, sequence number, which is the order of the fields.
///
/// # Examples
///
/// ```
/// use scope_event::Origin;
/// use scope_store::Cursor;
///
/// let at = |stamp, node: &str, seq| Cursor { stamp, origin: Origin::new(node, 1), seq };
/// assert!(at(5, "b@host", 1) < at(6, "a@host", 1));
/// assert!(at(5, "a@host", 9) < at(5, "b@host", 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// NTP64 bits of the event's stamp.
    pub stamp: u64,
    /// Who recorded it.
    pub origin: Origin,
    /// Its position in its origin's stream.
    pub seq: Seq,
}

impl Cursor {
    /// The place before every event with this stamp: no node is without a name.
    ///
    /// ```
    /// use scope_event::Origin;
    /// use scope_store::Cursor;
    ///
    /// let first = Cursor { stamp: 5, origin: Origin::new("a@host", 0), seq: 1 };
    /// assert!(Cursor::before(5) < first && first < Cursor::before(6));
    /// ```
    pub fn before(stamp: u64) -> Self {
        Self {
            stamp,
            origin: Origin::new("", 0),
            seq: 0,
        }
    }

    /// The largest stamp of an event that can stand before this place.
    pub(crate) fn last_before(&self) -> u64 {
        match self.origin.node.is_empty() {
            true => self.stamp.saturating_sub(1),
            false => self.stamp,
        }
    }
}
