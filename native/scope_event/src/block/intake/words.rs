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
        self.atoms
            .get(word, || names.atom(&self.interner.atom(word)))
    }

    #[inline]
    pub(in crate::block) fn pid(&mut self, word: u64, names: &mut NameTable) -> u32 {
        self.pids.get(word, || names.pid(&self.interner.pid(word)))
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

/// Indexes by word: the last word of each slot in front, all words behind.
struct Front {
    slots: Box<[(u64, u32)]>,
    all: HashMap<u64, u32, Words>,
}

impl Default for Front {
    fn default() -> Self {
        Self {
            slots: vec![NOTHING; SLOTS].into(),
            all: HashMap::default(),
        }
    }
}

/// No word of the machine has all bits set.
const NOTHING: (u64, u32) = (u64::MAX, 0);

impl Front {
    #[inline]
    fn get(&mut self, word: u64, learn: impl FnOnce() -> u32) -> u32 {
        let slot = &mut self.slots[spread(word) as usize % SLOTS];
        if slot.0 != word {
            *slot = (word, *self.all.entry(word).or_insert_with(learn));
        }
        slot.1
    }

    fn clear(&mut self) {
        self.slots.fill(NOTHING);
        self.all.clear();
    }
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
            Token::AtomWord(word) => {
                let index = self.words.atom(word, self.names);
                Some((index, self.names.hashes.atoms[index as usize]))
            }
            Token::PidWord(word) => {
                let index = self.words.pid(word, self.names);
                Some((index, self.names.hashes.pids[index as usize]))
            }
            _ => None,
        }
    }
}
