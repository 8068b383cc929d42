//! The event model: what was captured, how it is bounded, and how it is stored.
//!
//! An event is captured as a [`RawEvent`] whose atoms and pids are words of the virtual machine and
//! whose terms were written by a [`TermWriter`] under a [`Budget`]. A [`BlockBuilder`] turns a run of
//! raw events of one [`Origin`] into a [`Block`]: columns, a dictionary in text, a digest of the
//! content and a checksum of the bytes, so that a block means the same on every node and needs no
//! neighbour. [`Block::events`] is the way back.
//!
//! This crate does **not** know Erlang, files, sockets or clocks. Stamps are the 64 bits of
//! `scope_clock`'s NTP64 stamps and are only compared and subtracted here. The bytes of a block are
//! described in `FORMAT.md` beside this crate's manifest.
//!
//! # Examples
//!
//! ```
//! use scope_event::{BlockBuilder, Block, Budget, Interner, Kind, Origin, RawEvent, Subject};
//! use scope_event::{SymbolTable, TermWriter, Value};
//! use std::sync::Arc;
//!
//! let names = Arc::new(SymbolTable::new("shop@host"));
//! let (module, function) = (names.word("Elixir.Shop"), names.word("buy"));
//! let pid = names.pid_word(101);
//!
//! let mut room = [0u8; 256];
//! let mut term = TermWriter::new(&mut room, Budget::ARGUMENTS);
//! term.int(42);
//! let data = term.finish();
//!
//! let origin = Origin::new("shop@host", 1);
//! let mut block = BlockBuilder::new(origin, 1, Arc::new(Interner::new(names)));
//! let call = RawEvent::new(Kind::Call, 7 << 32, pid)
//!     .about(Subject::Mfa { module, function, arity: 1 })
//!     .with_data(data);
//! block.push(0, &call)?;
//!
//! let closed = block.close(0).ok_or("an empty block")?;
//! let events = Block::parse(closed.bytes().clone())?.events()?;
//! let event = events.get(0).ok_or("no event")?;
//! assert_eq!((event.seq(), event.kind()), (1, Kind::Call));
//! assert_eq!(event.data_value()?, Some(Value::Int(42)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bytes;
mod hash;
mod kind;
mod origin;
mod pid;
mod raw;

pub mod block;
pub mod delta;
pub mod page;
pub mod redact;
pub mod symbols;
pub mod term;

pub use block::{
    Anchor, Block, BlockBuilder, BlockError, Codec, Columns, Counts, EventView, Events, Full,
    Header, SubjectView, consolidate, fits_together,
};
pub use delta::{DeltaError, apply, delta};
pub use kind::{Family, Kind};
pub use origin::{Origin, Seq};
pub use pid::Pid;
pub use raw::{RawEvent, Subject};
pub use redact::{AtomNames, Guard, Redactor, Rules};
pub use symbols::{Interner, SymbolTable, Symbols};
pub use term::{
    Budget, Close, Foreign, Names, Opaque, Shape, Step, TermError, TermSink, TermWriter, Value,
    read_term,
};
