//! Several adjacent blocks of one origin as one.

use super::closed::Block;
use super::codec::Codec;
use super::dictionary::{Key, KeySubject};
use super::events::Events;
use super::header::{Anchor, Header};
use super::intake::{NameTable, PayloadTable};
use super::payloads::Resolver;
use super::rows::{Row, Rows};
use super::wire::Parts;
use super::{BlockError, MAX_EVENTS};
use crate::kind::Kind;
use crate::term::{Relink, Token, rewrite};

/// One block over the whole range of `blocks`, which are neighbours in the order of the sequence.
///
/// The digest of the result is the sum of the digests: the events are the same. What is needed to
/// show that is decoded, so a damaged block is found here.
///
/// # Errors
///
/// [`BlockError::Apart`] when the blocks do not follow each other or hold too many events together;
/// any other [`BlockError`] when one does not decode or is not what its digest says.
pub fn consolidate(blocks: &[Block], codec: Codec) -> Result<Block, BlockError> {
    let first = blocks.first().ok_or(BlockError::Apart("there are none"))?;
    let last = blocks.last().ok_or(BlockError::Apart("there are none"))?;
    check(blocks.iter().map(Block::header))?;
    let mut union = Union::default();
    for block in blocks {
        union.add(&block.events()?)?;
    }
    let parts = union.parts(first.header(), last.header().complete_to);
    let whole = parts.block(codec);
    if whole.header().digest == sum(blocks) {
        Ok(whole)
    } else {
        Err(BlockError::Digest)
    }
}

fn sum(blocks: &[Block]) -> u64 {
    blocks
        .iter()
        .fold(0, |sum, block| sum.wrapping_add(block.header().digest))
}

/// Raw bytes that blocks have together at most to become one: it then fits a frame of 256 KiB.
const MOST_RAW_BYTES: u64 = 256 * 1024 - 4096;

/// Whether blocks with these headers, in this order, may become one.
pub fn fits_together<'h>(headers: impl IntoIterator<Item = &'h Header>) -> bool {
    check(headers.into_iter()).is_ok()
}

fn check<'h>(mut headers: impl Iterator<Item = &'h Header>) -> Result<(), BlockError> {
    let mut last = headers.next().ok_or(BlockError::Apart("there are none"))?;
    let (mut events, mut bytes) = (last.events() as usize, last.raw_bytes);
    for next in headers {
        if next.origin != last.origin || next.from != last.to + 1 {
            return Err(BlockError::Apart("they do not follow each other"));
        }
        (events, bytes) = (events + next.events() as usize, bytes + next.raw_bytes);
        if events > MAX_EVENTS || bytes > MOST_RAW_BYTES {
            return Err(BlockError::Apart("they are too much for one"));
        }
        last = next;
    }
    Ok(())
}

/// What the blocks so far hold together.
#[derive(Default)]
struct Union {
    names: NameTable,
    payloads: PayloadTable,
    rows: Rows,
    anchors: Vec<Anchor>,
}

impl Union {
    fn parts<'a>(&'a self, first: &'a Header, complete_to: u64) -> Parts<'a> {
        Parts {
            origin: &first.origin,
            from: first.from,
            complete_to,
            consolidated: true,
            anchors: &self.anchors,
            rows: &self.rows,
            names: &self.names,
            payloads: &self.payloads,
        }
    }

    fn add(&mut self, events: &Events) -> Result<(), BlockError> {
        for anchor in &events.anchors {
            if self
                .anchors
                .last()
                .is_none_or(|last| last.stamp < anchor.stamp)
            {
                self.anchors.push(*anchor);
            }
        }
        let mut block = Moving::new(self, events);
        for run in &events.rows.runs {
            for at in run.start as usize..(run.start + run.len) as usize {
                let row = block.row(at)?;
                block.union.rows.push(run.lane, row);
            }
        }
        Ok(())
    }
}

/// A block whose events move into the union, with the new numbers of what moved already.
struct Moving<'a> {
    union: &'a mut Union,
    events: &'a Events,
    terms: Resolver<'a>,
    keys: Vec<Option<u32>>,
    payloads: Vec<Option<u32>>,
    renamed: Renamed,
}

impl<'a> Moving<'a> {
    fn new(union: &'a mut Union, events: &'a Events) -> Self {
        let renamed = Renamed::new(&mut union.names, events);
        Self {
            terms: Resolver::new(&events.payloads),
            keys: vec![None; events.dictionary.keys.len()],
            payloads: vec![None; events.payloads.len()],
            renamed,
            union,
            events,
        }
    }

    fn row(&mut self, at: usize) -> Result<Row, BlockError> {
        let rows = &self.events.rows;
        let key = rows.keys[at] as usize;
        let pid = match rows.pids[at] {
            0 => 0,
            index => self.renamed.pids[index as usize - 1].0 + 1,
        };
        let is_state = self.events.dictionary.keys[key].kind == Kind::State;
        Ok(Row {
            stamp: rows.stamps[at],
            key: self.key(key)?,
            pid,
            data: self.optional(rows.data[at], is_state.then_some(pid))?,
            correlation: self.optional(rows.correlations[at], None)?,
            meta: rows.metas[at],
        })
    }

    fn key(&mut self, old: usize) -> Result<u32, BlockError> {
        if let Some(known) = self.keys[old] {
            return Ok(known);
        }
        let Key { kind, subject } = self.events.dictionary.keys[old];
        let subject = self.subject(subject)?;
        let new = self.union.names.key(Key { kind, subject });
        self.keys[old] = Some(new);
        Ok(new)
    }

    fn subject(&mut self, old: KeySubject) -> Result<KeySubject, BlockError> {
        let Renamed { atoms, pids } = &self.renamed;
        Ok(match old {
            KeySubject::None => KeySubject::None,
            KeySubject::Mfa {
                module,
                function,
                arity,
            } => KeySubject::Mfa {
                module: atoms[module as usize].0,
                function: atoms[function as usize].0,
                arity,
            },
            KeySubject::Pid(pid) => KeySubject::Pid(pids[pid as usize].0),
            KeySubject::Name(atom) => KeySubject::Name(atoms[atom as usize].0),
            KeySubject::Term(payload) => KeySubject::Term(self.payload(payload, None)?),
        })
    }

    fn optional(&mut self, one_more: u32, state: Option<u32>) -> Result<u32, BlockError> {
        match one_more {
            0 => Ok(0),
            number => Ok(self.payload(number - 1, state)? + 1),
        }
    }

    fn payload(&mut self, old: u32, state: Option<u32>) -> Result<u32, BlockError> {
        if let Some(known) = self.payloads[old as usize] {
            self.union.payloads.stay(state, known);
            return Ok(known);
        }
        let term = self.terms.term(old)?;
        let mut moved = Vec::with_capacity(term.len());
        rewrite(&term, &mut self.renamed, &mut moved, &mut Vec::new())?;
        let Union {
            names, payloads, ..
        } = &mut *self.union;
        let new = payloads.add(&moved, state, &mut names.hashes);
        self.payloads[old as usize] = Some(new);
        Ok(new)
    }
}

/// New index and hash of each name of a block, by its old index.
struct Renamed {
    atoms: Vec<(u32, u64)>,
    pids: Vec<(u32, u64)>,
}

impl Renamed {
    fn new(names: &mut NameTable, events: &Events) -> Self {
        let old = &events.dictionary;
        let atoms = old
            .atoms
            .iter()
            .map(|atom| names.atom(atom))
            .collect::<Vec<_>>();
        let pids = old
            .pids
            .iter()
            .map(|pid| names.pid(pid))
            .collect::<Vec<_>>();
        let hashes = &names.hashes;
        Self {
            atoms: atoms
                .iter()
                .map(|i| (*i, hashes.atoms[*i as usize]))
                .collect(),
            pids: pids
                .iter()
                .map(|i| (*i, hashes.pids[*i as usize]))
                .collect(),
        }
    }
}

impl Relink for Renamed {
    fn relink(&mut self, token: &Token<'_>) -> Option<(u32, u64)> {
        match *token {
            Token::Atom(old) => self.atoms.get(old as usize).copied(),
            Token::Pid(old) => self.pids.get(old as usize).copied(),
            _ => None,
        }
    }
}
