//! A dictionary under construction: each name once, found by content.

use crate::block::dictionary::{Dictionary, Key, NameHashes};
use crate::hash::{self, Words};
use crate::pid::Pid;
use std::collections::HashMap;
use std::sync::Arc;

/// Names by content and by index, with their hashes.
///
/// Invariant: the hash vectors are as long as the dictionary's, the maps hold exactly its entries.
#[derive(Default)]
pub(crate) struct NameTable {
    pub(crate) dictionary: Dictionary,
    pub(crate) hashes: NameHashes,
    atoms: HashMap<Arc<str>, u32>,
    pids: HashMap<Pid, u32>,
    keys: HashMap<Key, u32, Words>,
    bytes: usize,
}

impl NameTable {
    /// About how many bytes the dictionary takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn atom(&mut self, text: &Arc<str>) -> u32 {
        let atoms = &mut self.dictionary.atoms;
        *self.atoms.entry(text.clone()).or_insert_with(|| {
            atoms.push(text.clone());
            self.hashes.atoms.push(hash::bytes(text.as_bytes()));
            self.bytes += text.len() + 2;
            atoms.len() as u32 - 1
        })
    }

    pub(crate) fn pid(&mut self, pid: &Pid) -> u32 {
        if let Some(index) = self.pids.get(pid) {
            return *index;
        }
        self.atom(&pid.node);
        let index = self.dictionary.pids.len() as u32;
        self.pids.insert(pid.clone(), index);
        self.dictionary.pids.push(pid.clone());
        self.hashes.pids.push(hash::pid(pid));
        self.bytes += 10;
        index
    }

    pub(crate) fn key(&mut self, key: Key) -> u32 {
        let keys = &mut self.dictionary.keys;
        *self.keys.entry(key).or_insert_with(|| {
            keys.push(key);
            self.bytes += 8;
            keys.len() as u32 - 1
        })
    }

    /// The index of a key that is there.
    pub(crate) fn index_of(&self, key: &Key) -> Option<u32> {
        self.keys.get(key).copied()
    }

    /// Appends the dictionary as it stands in a block.
    pub(crate) fn put(&self, number: impl Fn(u32) -> u32, out: &mut Vec<u8>) {
        let node = |pid: &Pid| self.atoms.get(&pid.node).copied().unwrap_or_default();
        self.dictionary.put(node, number, out);
    }

    /// Empty again, with room for as much.
    pub(crate) fn clear(&mut self) {
        self.dictionary.clear();
        self.hashes.atoms.clear();
        self.hashes.pids.clear();
        self.atoms.clear();
        self.pids.clear();
        self.keys.clear();
        self.bytes = 0;
    }
}
