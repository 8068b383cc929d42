//! Bounded terms as bytes.
//!
//! A term is a flat run of tokens in prefix order. In **ring form**, atoms and local pids are words
//! of the virtual machine; in **block form**, they are indexes into a block's dictionary. All other
//! tokens are the same in both. What a budget cut, what a redactor hid and what has no encoding is
//! marked, with the size of what is missing where it is known.
//!
//! Writing is bounded by a [`Budget`]; a [`TermWriter`] yields a well-formed term whatever it is
//! called with and whenever the walk stops. [`read_term`] is the way back, into any [`TermSink`].

mod budget;
mod extent;
mod nesting;
mod opaque;
mod reader;
mod rewrite;
mod tag;
mod token;
mod value;
mod writer;

pub use budget::Budget;
pub use opaque::{Foreign, Opaque};
pub use reader::{Close, Names, Shape, TermSink, read_term};
pub use value::Value;
pub use writer::{Step, TermWriter};

pub(crate) use extent::skip;
pub(crate) use rewrite::{Relink, Rewriter};
pub(crate) use tag::OPAQUE as OPAQUE_TAG;
pub(crate) use token::{Token, next_mark, next_token};

use crate::bytes::Short;

/// Deepest nesting that a reader accepts. No [`Budget`] allows more.
pub const MAX_DEPTH: usize = 64;

/// Why bytes are not a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermError {
    /// The bytes end within a term.
    #[error("a term ends too early")]
    Short,
    /// No token starts with this byte, or not here.
    #[error("token {0:#04x} is unknown or out of place")]
    Token(u8),
    /// Containers are nested deeper than [`MAX_DEPTH`].
    #[error("a term is nested too deeply")]
    Depth,
    /// An atom or pid is not in the dictionary, or the form is not the one expected.
    #[error("a term names what its dictionary does not hold")]
    Name,
    /// Bytes follow the term.
    #[error("bytes follow a term")]
    Trailing,
    /// A delta in a chain of states does not apply.
    #[error("a state cannot be rebuilt: {0}")]
    Delta(#[from] crate::delta::DeltaError),
}

impl From<Short> for TermError {
    fn from(_: Short) -> Self {
        Self::Short
    }
}
