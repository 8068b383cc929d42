//! The names of one block in the dictionary of another.

use crate::block::events::Events;
use crate::block::intake::NameTable;
use crate::term::{Relink, Token};

/// New index and hash of each name of a block, by its old index.
pub(super) struct Renamed {
    pub(super) atoms: Vec<(u32, u64)>,
    pub(super) pids: Vec<(u32, u64)>,
}

impl Renamed {
    pub(super) fn new(names: &mut NameTable, events: &Events) -> Self {
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
