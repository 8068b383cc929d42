//! One bounded cache of atoms and pids for all builders of a virtual machine.

use super::Symbols;
use crate::hash::Words;
use crate::pid::Pid;
use dashmap::DashMap;
use std::sync::Arc;

/// Asks [`Symbols`] once per word and remembers the answer, up to a limit for each sort.
///
/// A full cache is emptied: pids come and go, and asking again is only slower, never wrong.
///
/// # Examples
///
/// ```
/// use scope_event::{Interner, SymbolTable};
/// use std::sync::Arc;
/// let names = Arc::new(SymbolTable::new("a@host"));
/// let word = names.word("ok");
/// let interner = Interner::new(names);
/// assert_eq!(&*interner.atom(word), "ok");
/// assert_eq!(interner.len(), (1, 0));
/// ```
pub struct Interner {
    symbols: Box<dyn Symbols>,
    atoms: Cache<Arc<str>>,
    pids: Cache<Pid>,
}

impl Interner {
    /// Atoms and pids kept unless told otherwise.
    pub const DEFAULT_LIMIT: usize = 65_536;

    /// A cache over `symbols` with the default limits.
    pub fn new(symbols: impl Symbols + 'static) -> Self {
        Self::with_limits(symbols, Self::DEFAULT_LIMIT, Self::DEFAULT_LIMIT)
    }

    /// A cache that keeps at most so many atoms and pids.
    pub fn with_limits(symbols: impl Symbols + 'static, atoms: usize, pids: usize) -> Self {
        Self {
            symbols: Box::new(symbols),
            atoms: Cache::new(atoms),
            pids: Cache::new(pids),
        }
    }

    /// Text of the atom behind `word`.
    pub fn atom(&self, word: u64) -> Arc<str> {
        self.atoms.get(word, || self.symbols.atom(word))
    }

    /// The local process behind `word`.
    pub fn pid(&self, word: u64) -> Pid {
        self.pids.get(word, || self.symbols.pid(word))
    }

    /// Atoms and pids in the cache now, for the status page.
    pub fn len(&self) -> (usize, usize) {
        (self.atoms.map.len(), self.pids.map.len())
    }

    /// Whether nothing is cached.
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    /// Forgets all pids: their node's name is part of them, and a node can be renamed.
    pub fn forget_pids(&self) {
        self.pids.map.clear();
    }
}

/// At most `limit` answers by word.
struct Cache<V> {
    map: DashMap<u64, V, Words>,
    limit: usize,
}

impl<V: Clone> Cache<V> {
    fn new(limit: usize) -> Self {
        Self {
            map: DashMap::with_hasher(Words::default()),
            limit,
        }
    }

    fn get(&self, word: u64, ask: impl FnOnce() -> V) -> V {
        match self.map.get(&word) {
            Some(known) => known.clone(),
            None => self.learn(word, ask()),
        }
    }

    fn learn(&self, word: u64, value: V) -> V {
        if self.map.len() >= self.limit {
            self.map.clear();
        }
        self.map.insert(word, value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::SymbolTable;

    #[test]
    fn the_cache_stays_below_its_limit_and_is_never_wrong() {
        let names = Arc::new(SymbolTable::new("n@h"));
        let words: Vec<u64> = (0..100).map(|i| names.word(&format!("a{i}"))).collect();
        let interner = Interner::with_limits(names, 10, 10);
        for (i, word) in words.iter().enumerate().chain(words.iter().enumerate()) {
            assert_eq!(&*interner.atom(*word), format!("a{i}"));
            assert!(interner.len().0 <= 10);
        }
    }
}
