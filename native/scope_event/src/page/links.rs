//! From the names and payloads of one block to those of a page.

use crate::block::Anchor;
use crate::block::Dictionary;
use crate::block::intake::NameTable;
use crate::block::{Key, KeySubject};
use crate::origin::Origin;
use crate::term::{Relink, Token};
use std::sync::Arc;

/// A block of which events are in a page.
///
/// Invariant: the tables hold one more than the page's index, or 0 for what was not needed yet.
pub(super) struct Links {
    /// Held, so that its address stays its own.
    pub(super) dictionary: Arc<Dictionary>,
    pub(super) origin: Origin,
    pub(super) anchors: Vec<Anchor>,
    /// When its events came and by whose clock, if their own stamps cannot be believed.
    pub(super) received: Option<(u64, Arc<str>)>,
    /// Smallest and largest stamp of what is in the page.
    pub(super) stamps: (u64, u64),
    /// The number behind the last event.
    pub(super) next_seq: u64,
    atoms: Vec<u32>,
    pids: Vec<u32>,
    pub(super) keys: Vec<u32>,
    pub(super) payloads: Vec<u32>,
}

impl Links {
    pub(super) fn new(
        dictionary: Arc<Dictionary>,
        origin: Origin,
        anchors: Vec<Anchor>,
        payloads: usize,
        received: Option<(u64, Arc<str>)>,
    ) -> Self {
        Self {
            atoms: vec![0; dictionary.atoms.len()],
            pids: vec![0; dictionary.pids.len()],
            keys: vec![0; dictionary.keys.len()],
            payloads: vec![0; payloads],
            stamps: (u64::MAX, 0),
            next_seq: 0,
            dictionary,
            origin,
            anchors,
            received,
        }
    }

    /// The anchors that the page's events are measured by.
    pub(super) fn used_anchors(&self) -> &[Anchor] {
        let (min, max) = self.stamps;
        let first = self.anchors.partition_point(|anchor| anchor.stamp <= min);
        let end = self.anchors.partition_point(|anchor| anchor.stamp <= max);
        let first = first.saturating_sub(1);
        &self.anchors[first..end.max(first + 1).min(self.anchors.len())]
    }

    pub(super) fn pid(&mut self, index: u32, names: &mut NameTable) -> Option<u32> {
        let known = self.pids.get_mut(index as usize)?;
        if *known == 0 {
            *known = names.pid(&self.dictionary.pids[index as usize]) + 1;
        }
        Some(*known - 1)
    }

    pub(super) fn atom(&mut self, index: u32, names: &mut NameTable) -> Option<u32> {
        let known = self.atoms.get_mut(index as usize)?;
        if *known == 0 {
            *known = names.atom(&self.dictionary.atoms[index as usize]) + 1;
        }
        Some(*known - 1)
    }

    /// The key over the page's names; one about a term is about payload `term` there.
    pub(super) fn key(&mut self, key: Key, term: u32, names: &mut NameTable) -> Option<Key> {
        let subject = match key.subject {
            KeySubject::None => KeySubject::None,
            KeySubject::Mfa {
                module,
                function,
                arity,
            } => KeySubject::Mfa {
                module: self.atom(module, names)?,
                function: self.atom(function, names)?,
                arity,
            },
            KeySubject::Pid(pid) => KeySubject::Pid(self.pid(pid, names)?),
            KeySubject::Name(atom) => KeySubject::Name(self.atom(atom, names)?),
            KeySubject::Term(_) => KeySubject::Term(term),
        };
        Some(Key {
            kind: key.kind,
            subject,
        })
    }
}

/// Names of a block's terms while they are written over the page's dictionary.
pub(super) struct Renamed<'a> {
    pub(super) links: &'a mut Links,
    pub(super) names: &'a mut NameTable,
}

impl Relink for Renamed<'_> {
    fn relink(&mut self, token: &Token<'_>) -> Option<(u32, u64)> {
        let index = match *token {
            Token::Atom(index) => self.links.atom(index, self.names)?,
            Token::Pid(index) => self.links.pid(index, self.names)?,
            _ => return None,
        };
        // Pages have no digest.
        Some((index, 0))
    }
}
