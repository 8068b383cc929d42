//! Which word of the machine is which name of the dictionary.
//!
//! Words repeat at once, so a direct-mapped table in front answers nearly always; a map behind it
//! answers the rest, and the interner what the block has not seen.

use super::names::NameTable;
use crate::block::dictionary::{Key, KeySubject};
use crate::hash::{Words, spread};
use crate::kind::Kind;
use crate::symbols::Interner;
use crate::term::{Relink, Token};
use std::collections::HashMap;
use std::sync::Arc;

const SLOTS: usize = 1024;

/// What a key is made of, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::block) struct WordKey {
    pub(in crate::block) kind: Kind,
    pub(in crate::block) subject: WordSubject,
}

/// A subject in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::block) enum WordSubject {
    None,
    Mfa(u64, u64, u8),
    Pid(u64),
    Name(u64),
}

/// Indexes by word for one block.
pub(in crate::block) struct WordTable {
    interner: Arc<Interner>,
    atoms: Front,
    pids: Front,
    keys: Box<[Option<(WordKey, u32)>]>,
}

impl WordTable {
    pub(in crate::block) fn new(interner: Arc<Interner>) -> Self {
        Self {
            interner,
            atoms: Front::default(),
            pids: Front::default(),
            keys: vec![None; SLOTS].into(),
        }
    }

    pub(in crate::block) fn clear(&mut self) {
        self.atoms.clear();
        self.pids.clear();
        self.keys.fill(None);
    }

    #[inline]
    pub(in crate::block) fn atom(&mut self, word: u64, names: &mut NameTable) -> u32 {
        self.named_atom(word, names).0
    }

    #[inline]
    pub(in crate::block) fn pid(&mut self, word: u64, names: &mut NameTable) -> u32 {
        self.named_pid(word, names).0
    }

    /// Index and hash of an atom.
    #[inline(always)]
    fn named_atom(&mut self, word: u64, names: &mut NameTable) -> (u32, u64) {
        self.atoms.get(word, || {
            let index = names.atom(&self.interner.atom(word));
            (index, names.hashes.atoms[index as usize])
        })
    }

    /// Index and hash of a process.
    #[inline(always)]
    fn named_pid(&mut self, word: u64, names: &mut NameTable) -> (u32, u64) {
        self.pids.get(word, || {
            let index = names.pid(&self.interner.pid(word));
            (index, names.hashes.pids[index as usize])
        })
    }

    #[inline]
    pub(in crate::block) fn key(&mut self, key: WordKey, names: &mut NameTable) -> u32 {
        let slot = key.slot();
        if let Some((known, index)) = self.keys[slot]
            && known == key
        {
            return index;
        }
        let index = self.learn(key, names);
        self.keys[slot] = Some((key, index));
        index
    }

    #[cold]
    fn learn(&mut self, key: WordKey, names: &mut NameTable) -> u32 {
        let subject = match key.subject {
            WordSubject::None => KeySubject::None,
            WordSubject::Mfa(module, function, arity) => KeySubject::Mfa {
                module: self.atom(module, names),
                function: self.atom(function, names),
                arity,
            },
            WordSubject::Pid(word) => KeySubject::Pid(self.pid(word, names)),
            WordSubject::Name(word) => KeySubject::Name(self.atom(word, names)),
        };
        names.key(Key {
            kind: key.kind,
            subject,
        })
    }
}

impl WordKey {
    #[inline]
    fn slot(&self) -> usize {
        let (a, b) = match self.subject {
            WordSubject::None => (0, 0),
            WordSubject::Mfa(m, f, arity) => (m, f ^ u64::from(arity) << 48),
            WordSubject::Pid(word) => (word, 1),
            WordSubject::Name(word) => (word, 2),
        };
        let mixed = spread(a.rotate_left(32) ^ b ^ u64::from(self.kind.code()) << 56);
        mixed as usize % SLOTS
    }
}

/// Names by word: the last word of each slot in front, all words behind.
struct Front {
    slots: Box<[Slot; SLOTS]>,
    all: HashMap<u64, (u32, u64), Words>,
}

/// A word and the index and hash of its name.
#[derive(Clone, Copy)]
struct Slot {
    word: u64,
    index: u32,
    hash: u64,
}

impl Slot {
    /// No word of the machine has all bits set.
    const EMPTY: Self = Self {
        word: u64::MAX,
        index: 0,
        hash: 0,
    };
}

impl Default for Front {
    fn default() -> Self {
        Self {
            slots: Box::new([Slot::EMPTY; SLOTS]),
            all: HashMap::default(),
        }
    }
}

impl Front {
    #[inline(always)]
    fn get(&mut self, word: u64, learn: impl FnOnce() -> (u32, u64)) -> (u32, u64) {
        let slot = &mut self.slots[place(word)];
        if slot.word != word {
            *slot = Self::find(&mut self.all, word, learn);
        }
        (slot.index, slot.hash)
    }

    #[inline(never)]
    fn find(
        all: &mut HashMap<u64, (u32, u64), Words>,
        word: u64,
        learn: impl FnOnce() -> (u32, u64),
    ) -> Slot {
        let (index, hash) = *all.entry(word).or_insert_with(learn);
        Slot { word, index, hash }
    }

    fn clear(&mut self) {
        self.slots.fill(Slot::EMPTY);
        self.all.clear();
    }
}

/// The slot of a word, by Fibonacci hashing (Knuth, volume 3, 6.4).
#[inline(always)]
fn place(word: u64) -> usize {
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.ilog2())) as usize % SLOTS
}

/// Gives the words in a term their index.
pub(in crate::block) struct FromWords<'a> {
    pub(in crate::block) words: &'a mut WordTable,
    pub(in crate::block) names: &'a mut NameTable,
}

impl Relink for FromWords<'_> {
    #[inline]
    fn relink(&mut self, token: &Token<'_>) -> Option<(u32, u64)> {
        match *token {
            Token::AtomWord(word) => Some(self.words.named_atom(word, self.names)),
            Token::PidWord(word) => Some(self.words.named_pid(word, self.names)),
            _ => None,
        }
    }
}
