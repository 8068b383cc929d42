//! The index of a sealed segment: all that memory keeps of its blocks, so that opening a folder
//! reads no block.
//!
//! ```text
//! footer  = origins:u32 (name:text incarnation:u64)* block*
//! block   = origin:u32 at:u64 length:u32 from:u64 to:u64 oldest:u64 newest:u64 digest:u64
//!           kinds:u128 lost:u64 flags:u8 (1 consolidated, 2 readable, 4 a fourth filter)
//!           filter filter filter filter?
//! filter  = keys:u32 words:u32 word:u64* rest[keys]
//! ```

use crate::bytes::{Reader, put_text};
use crate::index::{Filter, Index};
use crate::log::{Entry, Facts};
use crate::query::Kinds;
use scope_event::Origin;
use std::collections::BTreeMap;
use std::sync::Arc;

const CONSOLIDATED: u8 = 1;
const READABLE: u8 = 2;
const STATES: u8 = 4;

/// A block of a sealed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) origin: Origin,
    pub(crate) at: u64,
    pub(crate) facts: Facts,
    pub(crate) index: Index,
}

/// The body of a footer over these blocks, each with its offset.
pub(crate) fn write(blocks: &[(Arc<Entry>, u64)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut origins: BTreeMap<&Origin, u32> = BTreeMap::new();
    for (entry, _) in blocks {
        let next = origins.len() as u32;
        origins.entry(&entry.origin).or_insert(next);
    }
    put_origins(&origins, &mut out);
    for (entry, at) in blocks {
        let origin = origins.get(&*entry.origin).copied().unwrap_or_default();
        put_block(origin, *at, &entry.facts, &entry.index, &mut out);
    }
    out
}

fn put_origins(origins: &BTreeMap<&Origin, u32>, out: &mut Vec<u8>) {
    let mut by_number: Vec<_> = origins.iter().collect();
    by_number.sort_by_key(|(_, number)| **number);
    out.extend_from_slice(&(by_number.len() as u32).to_le_bytes());
    for (origin, _) in by_number {
        put_text(&origin.node, out);
        out.extend_from_slice(&origin.incarnation.to_le_bytes());
    }
}

fn put_block(origin: u32, at: u64, facts: &Facts, index: &Index, out: &mut Vec<u8>) {
    out.extend_from_slice(&origin.to_le_bytes());
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&facts.len.to_le_bytes());
    for n in [
        facts.from,
        facts.to,
        facts.oldest,
        facts.newest,
        facts.digest,
    ] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    out.extend_from_slice(&facts.kinds.bits().to_le_bytes());
    out.extend_from_slice(&index.lost.to_le_bytes());
    let consolidated = if facts.consolidated { CONSOLIDATED } else { 0 };
    let readable = if index.readable { READABLE } else { 0 };
    let states = index.states.as_ref();
    out.push(consolidated | readable | if states.is_some() { STATES } else { 0 });
    let filters = [&index.pids, &index.functions, &index.correlations];
    for filter in filters.into_iter().chain(states) {
        put_filter(filter, out);
    }
}

fn put_filter(filter: &Filter, out: &mut Vec<u8>) {
    let (unary, rest) = filter.parts();
    out.extend_from_slice(&(rest.len() as u32).to_le_bytes());
    out.extend_from_slice(&(unary.len() as u32).to_le_bytes());
    unary
        .iter()
        .for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    out.extend_from_slice(rest);
}

/// The blocks that a footer's body lists; `None` when it is damaged.
pub(crate) fn read(body: &[u8]) -> Option<Vec<Listed>> {
    let mut from = Reader::new(body);
    let origins = read_origins(&mut from)?;
    let mut blocks = Vec::new();
    while !from.is_done() {
        blocks.push(read_block(&mut from, &origins)?);
    }
    Some(blocks)
}

fn read_origins(from: &mut Reader<'_>) -> Option<Vec<Origin>> {
    let mut origins = Vec::new();
    for _ in 0..from.u32()? {
        origins.push(Origin::new(from.text()?, from.u64()?));
    }
    Some(origins)
}

fn read_block(from: &mut Reader<'_>, origins: &[Origin]) -> Option<Listed> {
    let origin = origins.get(from.u32()? as usize)?.clone();
    let at = from.u64()?;
    let len = from.u32()?;
    let mut facts = Facts {
        from: from.u64()?,
        to: from.u64()?,
        oldest: from.u64()?,
        newest: from.u64()?,
        digest: from.u64()?,
        kinds: Kinds::from_bits(from.u128()?),
        len,
        consolidated: false,
        left_out: 0,
    };
    let lost = from.u64()?;
    let flags = from.u8()?;
    facts.consolidated = flags & CONSOLIDATED != 0;
    let index = Index {
        pids: read_filter(from)?,
        functions: read_filter(from)?,
        correlations: read_filter(from)?,
        states: match flags & STATES {
            0 => None,
            _ => Some(read_filter(from)?),
        },
        lost,
        readable: flags & READABLE != 0,
    };
    let sound = facts.from >= 1 && facts.from <= facts.to && facts.oldest <= facts.newest;
    sound.then_some(Listed {
        origin,
        at,
        facts,
        index,
    })
}

fn read_filter(from: &mut Reader<'_>) -> Option<Filter> {
    let (keys, words) = (from.u32()? as usize, from.u32()? as usize);
    let unary = from.take(words.checked_mul(8)?)?;
    let rest = from.take(keys)?;
    let unary = unary
        .as_chunks::<8>()
        .0
        .iter()
        .map(|word| u64::from_le_bytes(*word))
        .collect();
    Filter::from_parts(unary, rest.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Place;
    use crate::open::Closed;
    use proptest::prelude::*;

    fn entry(origin: &Arc<Origin>, from: u64, keys: u64) -> Arc<Entry> {
        let filter =
            |seed: u64| Filter::new((0..keys).map(|n| crate::index::hash::number(n ^ seed)));
        let facts = Facts {
            from,
            to: from + 9,
            oldest: 5,
            newest: 6,
            digest: 77,
            kinds: Kinds::from_bits(0b1001),
            len: 300,
            consolidated: from > 10,
            left_out: 0,
        };
        let (pids, functions, correlations) = (filter(1 << 50), filter(1 << 51), filter(1 << 52));
        let index = Index {
            pids,
            functions,
            correlations,
            states: (keys > 40).then(|| filter(1 << 53)),
            lost: 3,
            readable: keys > 0,
        };
        let block = Closed {
            facts,
            index,
            place: Place::Memory(Arc::from(&b""[..])),
        };
        Arc::new(Entry::new(origin.clone(), block, 1))
    }

    fn footer() -> (Vec<u8>, Vec<(Arc<Entry>, u64)>) {
        let (a, b) = (
            Arc::new(Origin::new("a@host", 1)),
            Arc::new(Origin::new("b@host", 1)),
        );
        let blocks = vec![
            (entry(&b, 1, 0), 16),
            (entry(&a, 1, 40), 400),
            (entry(&b, 11, 900), 900),
        ];
        (write(&blocks), blocks)
    }

    #[test]
    fn blocks_come_back_with_their_filters() {
        let (body, blocks) = footer();
        let listed = read(&body).unwrap();
        assert_eq!(listed.len(), blocks.len());
        for (listed, (entry, at)) in listed.iter().zip(&blocks) {
            assert_eq!((&listed.origin, listed.at), (&*entry.origin, *at));
            assert_eq!((listed.facts, &listed.index), (entry.facts, &entry.index));
        }
    }

    #[test]
    fn a_footer_that_was_cut_is_refused_or_shorter() {
        let (body, _) = footer();
        let whole = read(&body).unwrap();
        for len in 0..body.len() {
            assert!(
                read(&body[..len]).is_none_or(|part| whole.starts_with(&part)),
                "{len}"
            );
        }
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_a_footer_or_not(at in any::<prop::sample::Index>(), with in any::<u8>()) {
            let (mut body, _) = footer();
            let at = at.index(body.len());
            body[at] = with;
            for listed in read(&body).unwrap_or_default() {
                listed.index.pids.may_hold(u64::from(with) << 56);
            }
        }
    }
}
