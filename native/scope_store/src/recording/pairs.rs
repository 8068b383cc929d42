//! Which messages belong together, as it was known where the recording was made.
//!
//! It cannot be found out again: what a pair was compared with may not be in the recording.
//!
//! ```text
//! pairs  = origins:varint (node:text incarnation:varint)* row*
//! row    = id confidence:u8 (0 likely, 1 exact, 2 ambiguous) others:u8 id[others]
//! id     = origin:varint seq:varint                  seq is the zigzag of the way from the last one of
//!                                                    that origin in this part, at first from 0
//! ```

use crate::bytes::{Reader, put_text, put_varint};
use scope_event::{Origin, Seq};
use std::collections::HashMap;

/// Which event: of whom, and the number there.
type Id = (Origin, Seq);

/// Others that an ambiguous message may belong to, at most.
const MOST_OTHERS: usize = 64;

/// How sure a pair is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Confidence {
    /// By content and order.
    Likely = 0,
    /// By a reference.
    Exact = 1,
    /// It is one of several, or none.
    Ambiguous = 2,
}

/// One half of a message, and what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paired {
    /// The half.
    pub id: Id,
    /// How sure it is.
    pub confidence: Confidence,
    /// What it belongs to, or may belong to.
    pub others: Vec<Id>,
}

/// What is known of the other half of a message.
pub type Found = (Confidence, Vec<Id>);

/// The body of a part.
pub(super) fn put(rows: &[Paired]) -> Vec<u8> {
    let mut origins = Origins::default();
    let mut body = Vec::new();
    for row in rows {
        origins.put(&row.id, &mut body);
        body.push(row.confidence as u8);
        body.push(row.others.len().min(MOST_OTHERS) as u8);
        for other in row.others.iter().take(MOST_OTHERS) {
            origins.put(other, &mut body);
        }
    }
    let mut out = Vec::with_capacity(body.len() + 64);
    put_varint(origins.names.len() as u64, &mut out);
    for origin in &origins.names {
        put_text(&origin.node, &mut out);
        put_varint(origin.incarnation, &mut out);
    }
    out.extend_from_slice(&body);
    out
}

#[derive(Default)]
struct Origins {
    names: Vec<Origin>,
    known: HashMap<Origin, usize>,
    last: Vec<Seq>,
}

impl Origins {
    fn put(&mut self, (origin, seq): &Id, out: &mut Vec<u8>) {
        let at = match self.known.get(origin) {
            Some(at) => *at,
            None => self.add(origin.clone()),
        };
        put_varint(at as u64, out);
        let way = seq.wrapping_sub(self.last[at]) as i64;
        put_varint(((way << 1) ^ (way >> 63)) as u64, out);
        self.last[at] = *seq;
    }

    fn add(&mut self, origin: Origin) -> usize {
        self.known.insert(origin.clone(), self.names.len());
        self.names.push(origin);
        self.last.push(0);
        self.names.len() - 1
    }

    fn get(&mut self, from: &mut Reader<'_>) -> Option<(u32, Seq)> {
        let at = u32::try_from(from.varint()?).ok()?;
        let last = self.last.get_mut(at as usize)?;
        let way = from.varint()?;
        *last = last.wrapping_add((way >> 1) ^ (way & 1).wrapping_neg());
        Some((at, *last))
    }
}

/// One row of the table: half the size of the ids.
#[derive(Clone, Copy, Debug)]
struct Row {
    id: (u32, Seq),
    confidence: Confidence,
    /// Where its others begin, and how many they are.
    at: u32,
    len: u8,
}

/// All pairs of a recording.
///
/// Invariant: once settled, `rows` ascend by id.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    names: Vec<Origin>,
    known: HashMap<Origin, u32>,
    rows: Vec<Row>,
    others: Vec<(u32, Seq)>,
}

impl Pairs {
    /// Adds what a part says, and answers how many rows it has; `None` when it is damaged.
    pub(super) fn read(&mut self, body: &[u8]) -> Option<u64> {
        let mut from = Reader::new(body);
        let mut origins = Origins::default();
        let mut here = Vec::new();
        for _ in 0..from.varint()? {
            let origin = Origin::new(from.text()?, from.varint()?);
            here.push(self.number(&origin));
            origins.add(origin);
        }
        let mut rows = 0;
        while !from.is_done() {
            self.read_row(&mut from, &mut origins, &here)?;
            rows += 1;
        }
        Some(rows)
    }

    fn read_row(
        &mut self,
        from: &mut Reader<'_>,
        origins: &mut Origins,
        here: &[u32],
    ) -> Option<()> {
        let mut id = |from: &mut Reader<'_>| {
            let (at, seq) = origins.get(from)?;
            Some((here[at as usize], seq))
        };
        let half = id(from)?;
        let confidence = confidence(from.u8()?)?;
        let len = from.u8().filter(|len| usize::from(*len) <= MOST_OTHERS)?;
        let at = u32::try_from(self.others.len()).ok()?;
        for _ in 0..len {
            self.others.push(id(from)?);
        }
        if confidence != Confidence::Ambiguous && len != 1 {
            return None;
        }
        self.rows.push(Row {
            id: half,
            confidence,
            at,
            len,
        });
        Some(())
    }

    fn number(&mut self, origin: &Origin) -> u32 {
        if let Some(number) = self.known.get(origin) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.known.insert(origin.clone(), number);
        self.names.push(origin.clone());
        number
    }

    /// All are read. Settled pairs were written once, and are known from both sides.
    pub(super) fn settle(&mut self) {
        let settled = self.rows.len();
        for at in 0..settled {
            let row = self.rows[at];
            if row.confidence != Confidence::Ambiguous {
                self.turn(row);
            }
        }
        // What was written of a message comes before what follows from the other half.
        self.rows.sort_by_key(|row| row.id);
        self.rows.dedup_by_key(|row| row.id);
        self.rows.shrink_to_fit();
    }

    fn turn(&mut self, row: Row) {
        let other = self.others[row.at as usize];
        if let Ok(at) = u32::try_from(self.others.len()) {
            self.others.push(row.id);
            self.rows.push(Row {
                id: other,
                at,
                ..row
            });
        }
    }

    /// What is known of a message.
    pub(crate) fn of(&self, origin: &Origin, seq: Seq) -> Option<Found> {
        let id = (*self.known.get(origin)?, seq);
        let at = self.rows.binary_search_by_key(&id, |row| row.id).ok()?;
        let row = self.rows[at];
        let others = &self.others[row.at as usize..][..usize::from(row.len)];
        let named = |(at, seq): &(u32, Seq)| (self.names[*at as usize].clone(), *seq);
        Some((row.confidence, others.iter().map(named).collect()))
    }
}

fn confidence(code: u8) -> Option<Confidence> {
    [Confidence::Likely, Confidence::Exact, Confidence::Ambiguous]
        .into_iter()
        .find(|confidence| *confidence as u8 == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(number: u64) -> Id {
        (
            Origin::new(["a@h", "b@h"][number as usize % 2], 7),
            number / 2,
        )
    }

    #[test]
    fn a_settled_pair_is_known_from_both_sides() {
        let rows = [
            Paired {
                id: id(10),
                confidence: Confidence::Exact,
                others: vec![id(33)],
            },
            Paired {
                id: id(12),
                confidence: Confidence::Ambiguous,
                others: vec![id(3), id(7)],
            },
        ];
        let mut pairs = Pairs::default();
        assert_eq!(pairs.read(&put(&rows)), Some(2));
        pairs.settle();
        let of = |number| pairs.of(&id(number).0, id(number).1);
        assert_eq!(of(10), Some((Confidence::Exact, vec![id(33)])));
        assert_eq!(of(33), Some((Confidence::Exact, vec![id(10)])));
        assert_eq!(of(12), Some((Confidence::Ambiguous, vec![id(3), id(7)])));
        assert_eq!((of(3), of(14)), (None, None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_pairs_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut pairs = Pairs::default();
            pairs.read(&bytes);
            pairs.settle();
        }
    }
}
