//! What every decoder must do with any bytes: answer with a typed error or a value, without panic,
//! within memory that grows with the length of the bytes and not with a number written in them.
//!
//! There is one function for each decoder. It is the body of the fuzz target of that name in
//! `native/fuzz`, and the replay test of this crate calls it with every file of
//! `native/fuzz/corpus`, so what fuzzing found once stays found. Each of them tries the bytes as
//! they are and, where a checksum would refuse nearly all of them, once more with the right one.
//!
//! This crate is only for tests: nothing that is shipped depends on it. It panics where a decoder
//! does not keep its word, and it brings an allocator that counts.
//!
//! # Examples
//!
//! ```
//! scope_hostile::block(b"ESBK and then something else");
//! for (name, decoder) in scope_hostile::DECODERS {
//!     println!("{name}");
//!     decoder(&[]);
//! }
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a decoder that does not keep its word is to be seen as a panic"
)]

mod block;
mod delta;
mod digest;
mod events;
mod frame;
mod handshake;
mod memory;
mod page;
mod portable;
mod recording;
mod seal;
mod segment;
mod term;

pub use block::block;
pub use delta::delta;
pub use digest::digest;
pub use frame::frame;
pub use handshake::handshake;
pub use page::page;
pub use portable::portable;
pub use recording::recording;
pub use segment::segment;
pub use term::term;

/// What is done with the bytes of an input.
pub type Decoder = fn(&[u8]);

/// All of them, by the name of their fuzz target.
pub const DECODERS: [(&str, Decoder); 10] = [
    ("block", block),
    ("delta", delta),
    ("digest", digest),
    ("frame", frame),
    ("handshake", handshake),
    ("page", page),
    ("portable", portable),
    ("recording", recording),
    ("segment", segment),
    ("term", term),
];
