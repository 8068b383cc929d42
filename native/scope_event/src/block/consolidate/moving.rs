//! The events of one block on their way into another.

use super::Union;
use super::renamed::Renamed;
use crate::block::BlockError;
use crate::block::dictionary::{Key, KeySubject};
use crate::block::events::Events;
use crate::block::payloads::Resolver;
use crate::block::rows::Row;
use crate::kind::Kind;
use crate::term::Rewriter;

/// A block whose events move into the union, with the new numbers of what moved already.
pub(super) struct Moving<'a> {
    pub(super) union: &'a mut Union,
    events: &'a Events,
    terms: Resolver<'a>,
    keys: Vec<Option<u32>>,
    payloads: Vec<Option<u32>>,
    renamed: Renamed,
    rewriter: Rewriter,
}

impl<'a> Moving<'a> {
    pub(super) fn new(union: &'a mut Union, events: &'a Events) -> Self {
        let renamed = Renamed::new(&mut union.names, events);
        Self {
            terms: Resolver::new(&events.payloads),
            keys: vec![None; events.dictionary.keys.len()],
            payloads: vec![None; events.payloads.len()],
            renamed,
            rewriter: Rewriter::default(),
            union,
            events,
        }
    }

    pub(super) fn row(&mut self, at: usize) -> Result<Row, BlockError> {
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
        let (moved, _) = self.rewriter.rewrite(&term, &mut self.renamed)?;
        let Union {
            names, payloads, ..
        } = &mut *self.union;
        let new = payloads.add(moved, state, &mut names.hashes);
        self.payloads[old as usize] = Some(new);
        Ok(new)
    }
}
