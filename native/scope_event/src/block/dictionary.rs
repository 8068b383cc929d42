//! The names of a block, in text.

use super::BlockError;
use crate::bytes::{Cursor, put_bytes, put_varint};
use crate::hash;
use crate::kind::Kind;
use crate::pid::Pid;
use crate::term::{Names, Relink, Token};
use std::sync::Arc;

/// Atoms, pids and keys of one block. Indexes count from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dictionary {
    pub(crate) atoms: Vec<Arc<str>>,
    pub(crate) pids: Vec<Pid>,
    pub(crate) keys: Vec<Key>,
}

/// What happened to what: the part of an event that repeats most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// What happened.
    pub kind: Kind,
    /// What it is about, over the dictionary.
    pub subject: KeySubject,
}

/// What a key is about, by indexes into the dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySubject {
    /// Nothing.
    None,
    /// A function.
    Mfa {
        /// Index of the module's atom.
        module: u32,
        /// Index of the function's atom.
        function: u32,
        /// Number of arguments.
        arity: u8,
    },
    /// Index of a pid.
    Pid(u32),
    /// Index of an atom.
    Name(u32),
    /// Number of a payload, from 0.
    Term(u32),
}

impl Dictionary {
    /// Texts of all atoms.
    pub fn atoms(&self) -> &[Arc<str>] {
        &self.atoms
    }

    /// All processes that act in the block or are named in a term.
    pub fn pids(&self) -> &[Pid] {
        &self.pids
    }

    /// All combinations of kind and subject.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(super) fn clear(&mut self) {
        self.atoms.clear();
        self.pids.clear();
        self.keys.clear();
    }

    /// Appends the dictionary: atoms, pids, keys, each with its number before it. The node of a pid
    /// is an atom.
    ///
    /// `number` gives the payload of a subject its number in the block.
    pub(super) fn put(
        &self,
        node_of: impl Fn(&Pid) -> u32,
        number: impl Fn(u32) -> u32,
        out: &mut Vec<u8>,
    ) {
        put_varint(out, self.atoms.len() as u64);
        self.atoms
            .iter()
            .for_each(|atom| put_bytes(out, atom.as_bytes()));
        put_varint(out, self.pids.len() as u64);
        for pid in &self.pids {
            [node_of(pid), pid.id, pid.serial, pid.creation]
                .iter()
                .for_each(|part| put_varint(out, u64::from(*part)));
        }
        put_varint(out, self.keys.len() as u64);
        self.keys.iter().for_each(|key| key.put(&number, out));
    }

    /// Reads what [`Dictionary::put`] wrote.
    pub(crate) fn get(at: &mut Cursor<'_>) -> Result<Self, BlockError> {
        let mut dictionary = Self::default();
        for _ in 0..at.varint()? {
            dictionary.atoms.push(at.text()?.into());
        }
        for _ in 0..at.varint()? {
            let pid = dictionary.get_pid(at)?;
            dictionary.pids.push(pid);
        }
        for _ in 0..at.varint()? {
            let key = dictionary.get_key(at)?;
            dictionary.keys.push(key);
        }
        Ok(dictionary)
    }

    /// Whether every term that is a subject is one of so many payloads.
    pub(crate) fn check_terms(&self, payloads: usize) -> Result<(), BlockError> {
        self.keys.iter().try_for_each(|key| match key.subject {
            KeySubject::Term(payload) => below(payload, payloads, "subject").map(drop),
            _ => Ok(()),
        })
    }

    fn get_pid(&self, at: &mut Cursor<'_>) -> Result<Pid, BlockError> {
        let node = self.known_atom(at.varint32()?)?.clone();
        let (id, serial, creation) = (at.varint32()?, at.varint32()?, at.varint32()?);
        Ok(Pid {
            node,
            id,
            serial,
            creation,
        })
    }

    fn known_atom(&self, index: u32) -> Result<&Arc<str>, BlockError> {
        self.atoms
            .get(index as usize)
            .ok_or(BlockError::Content("atom"))
    }

    fn get_key(&self, at: &mut Cursor<'_>) -> Result<Key, BlockError> {
        let kind = Kind::from_code(at.u8()?).ok_or(BlockError::Content("kind"))?;
        let subject = match at.u8()? {
            0 => KeySubject::None,
            1 => self.get_mfa(at)?,
            2 => KeySubject::Pid(below(at.varint32()?, self.pids.len(), "pid")?),
            3 => KeySubject::Name(below(at.varint32()?, self.atoms.len(), "atom")?),
            4 => KeySubject::Term(at.varint32()?),
            _ => return Err(BlockError::Content("subject")),
        };
        Ok(Key { kind, subject })
    }

    fn get_mfa(&self, at: &mut Cursor<'_>) -> Result<KeySubject, BlockError> {
        let module = below(at.varint32()?, self.atoms.len(), "atom")?;
        let function = below(at.varint32()?, self.atoms.len(), "atom")?;
        Ok(KeySubject::Mfa {
            module,
            function,
            arity: at.u8()?,
        })
    }
}

pub(super) fn below(index: u32, len: usize, what: &'static str) -> Result<u32, BlockError> {
    if (index as usize) < len {
        Ok(index)
    } else {
        Err(BlockError::Content(what))
    }
}

impl Key {
    fn put(&self, number: impl Fn(u32) -> u32, out: &mut Vec<u8>) {
        out.push(self.kind.code());
        match self.subject {
            KeySubject::None => out.push(0),
            KeySubject::Mfa {
                module,
                function,
                arity,
            } => {
                out.push(1);
                put_varint(out, u64::from(module));
                put_varint(out, u64::from(function));
                out.push(arity);
            }
            KeySubject::Pid(pid) => put_subject(out, 2, pid),
            KeySubject::Name(atom) => put_subject(out, 3, atom),
            KeySubject::Term(payload) => put_subject(out, 4, number(payload)),
        }
    }
}

fn put_subject(out: &mut Vec<u8>, tag: u8, index: u32) {
    out.push(tag);
    put_varint(out, u64::from(index));
}

impl Names for Dictionary {
    fn atom(&self, index: u32) -> Option<&Arc<str>> {
        self.atoms.get(index as usize)
    }

    fn pid(&self, index: u32) -> Option<&Pid> {
        self.pids.get(index as usize)
    }
}

/// Hashes of a dictionary's names, for the digest.
#[derive(Debug, Default)]
pub(crate) struct NameHashes {
    pub(crate) atoms: Vec<u64>,
    pub(crate) pids: Vec<u64>,
}

impl NameHashes {
    pub(super) fn of(dictionary: &Dictionary) -> Self {
        Self {
            atoms: dictionary
                .atoms
                .iter()
                .map(|atom| hash::bytes(atom.as_bytes()))
                .collect(),
            pids: dictionary.pids.iter().map(hash::pid).collect(),
        }
    }
}

/// Names of a dictionary in a term over that same dictionary.
impl Relink for NameHashes {
    fn relink(&mut self, token: &Token<'_>) -> Option<(u32, u64)> {
        let (index, hashes) = match *token {
            Token::Atom(index) => (index, &self.atoms),
            Token::Pid(index) => (index, &self.pids),
            _ => return None,
        };
        Some((index, *hashes.get(index as usize)?))
    }
}
