//! Events by kind and function over many blocks.
//!
//! Each block has names of its own. A name is looked up by its text once per block; what is counted by
//! is then a number, however many functions a module has.

use super::counts::Counted;
use super::group::{About, Group};
use crate::index::hash::number;
use scope_event::Kind;
use scope_event::block::{Dictionary, Key, KeySubject};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Names that are told apart; the functions of further ones are counted by their text.
const MOST_NAMES: usize = 1 << 24;

/// Counts of functions by number.
///
/// Invariant: `numbers` holds the place of each text in `texts`.
#[derive(Default)]
pub(super) struct Functions {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    counts: HashMap<u64, u64, BuildHasherDefault<Spread>>,
}

/// The names of one block: their numbers, as far as they were asked for.
pub(super) struct Names<'a> {
    names: &'a Dictionary,
    numbers: Vec<Option<u32>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(names: &'a Dictionary) -> Self {
        let numbers = vec![None; names.atoms().len()];
        Self { names, numbers }
    }
}

impl Functions {
    /// Adds events of a key; answers whether it is that of a function.
    pub(super) fn add(&mut self, names: &mut Names<'_>, key: &Key, count: u32) -> bool {
        let KeySubject::Mfa {
            module,
            function,
            arity,
        } = key.subject
        else {
            return false;
        };
        let both = self.number(names, module).zip(self.number(names, function));
        let Some((module, function)) = both else {
            return false;
        };
        let packed = u64::from(key.kind.code()) << 56 | u64::from(arity) << 48;
        let packed = packed | u64::from(module) << 24 | u64::from(function);
        *self.counts.entry(packed).or_default() += u64::from(count);
        true
    }

    fn number(&mut self, names: &mut Names<'_>, atom: u32) -> Option<u32> {
        if let Some(known) = names.numbers[atom as usize] {
            return Some(known);
        }
        let text = &names.names.atoms()[atom as usize];
        let known = self.numbers.get(text).copied();
        let number = known.or_else(|| self.learn(text))?;
        names.numbers[atom as usize] = Some(number);
        Some(number)
    }

    fn learn(&mut self, text: &Arc<str>) -> Option<u32> {
        let number = self.texts.len() as u32;
        if self.texts.len() >= MOST_NAMES {
            return None;
        }
        self.texts.push(text.clone());
        self.numbers.insert(text.clone(), number);
        Some(number)
    }

    /// Adds what was counted to `counted`.
    pub(super) fn finish(self, counted: &mut Counted) {
        let text = |number: u64| self.texts[number as usize % MOST_NAMES].clone();
        for (packed, count) in &self.counts {
            let about = About::Function(text(packed >> 24), text(*packed), (packed >> 48) as u8);
            if let Some(kind) = Kind::from_code((packed >> 56) as u8) {
                counted.add(Group::Key(kind, about), *count);
            }
        }
    }
}

/// Hasher of numbers that no peer chooses; begun with a key, of those that one may choose.
#[derive(Default)]
pub(super) struct Spread(pub(super) u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = number(self.0 ^ n);
    }
}
