//! Words for names where there is no virtual machine.

use super::Symbols;
use crate::pid::Pid;
use crate::redact::{ATOM_BYTES, AtomNames};
use dashmap::DashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A symbol table that hands out its own words, for tests, generators and importers.
///
/// # Examples
///
/// ```
/// use scope_event::{SymbolTable, Symbols};
/// let names = SymbolTable::new("a@host");
/// let word = names.word("ok");
/// assert_eq!(names.word("ok"), word);
/// assert_eq!(&*Symbols::atom(&names, word), "ok");
/// ```
#[derive(Debug)]
pub struct SymbolTable {
    node: Arc<str>,
    words: DashMap<Arc<str>, u64>,
    texts: DashMap<u64, Arc<str>>,
    next: AtomicU64,
}

impl SymbolTable {
    /// A table whose pids live on `node`.
    pub fn new(node: impl Into<Arc<str>>) -> Self {
        Self {
            node: node.into(),
            words: DashMap::new(),
            texts: DashMap::new(),
            next: AtomicU64::new(1),
        }
    }

    /// The word of an atom, made on first use. It looks like a word of the machine.
    pub fn word(&self, text: &str) -> u64 {
        if let Some(word) = self.words.get(text) {
            return *word;
        }
        *self
            .words
            .entry(text.into())
            .or_insert_with(|| self.mint(text))
    }

    /// The word of the process with this number.
    pub fn pid_word(&self, id: u32) -> u64 {
        (u64::from(id) << 4) | 3
    }

    fn mint(&self, text: &str) -> u64 {
        let word = (self.next.fetch_add(1, Ordering::Relaxed) << 6) | 0xb;
        self.texts.insert(word, text.into());
        word
    }
}

impl Symbols for SymbolTable {
    fn atom(&self, word: u64) -> Arc<str> {
        self.texts
            .get(&word)
            .map_or_else(|| "".into(), |text| text.clone())
    }

    fn pid(&self, word: u64) -> Pid {
        Pid {
            node: self.node.clone(),
            id: (word >> 4) as u32,
            serial: 0,
            creation: 1,
        }
    }
}

impl AtomNames for SymbolTable {
    fn text<'a>(&self, word: u64, room: &'a mut [u8; ATOM_BYTES]) -> Option<&'a str> {
        let text = self.texts.get(&word)?;
        let room = room.get_mut(..text.len())?;
        room.copy_from_slice(text.as_bytes());
        std::str::from_utf8(room).ok()
    }
}
