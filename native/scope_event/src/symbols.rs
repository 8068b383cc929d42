//! From words of the virtual machine to names, and a bounded memory of the answers.

mod interner;
mod table;

pub use interner::Interner;
pub use table::SymbolTable;

use crate::pid::Pid;
use std::sync::Arc;

/// Knows what the words of this virtual machine stand for.
///
/// The NIF crate implements it over the machine; [`SymbolTable`] where there is none.
pub trait Symbols: Send + Sync {
    /// Text of the atom behind `word`.
    fn atom(&self, word: u64) -> Arc<str>;

    /// The local process behind `word`.
    fn pid(&self, word: u64) -> Pid;
}

impl<S: Symbols + ?Sized> Symbols for Arc<S> {
    fn atom(&self, word: u64) -> Arc<str> {
        (**self).atom(word)
    }

    fn pid(&self, word: u64) -> Pid {
        (**self).pid(word)
    }
}
