//! Causal order: stamp order corrected along causes, which event happened before which, and which send
//! and receive are of one message.
//!
//! Stamps of different nodes agree with causality only as far as the clocks do: a message can seem
//! to arrive before it was sent. [`Causality::build`] takes events in stamp order and the causes that
//! are known, moves each event behind its causes in one pass, and says which events had to be moved
//! and how far. [`Causality::relation`] answers whether one event can have influenced another.
//!
//! The causes between processes are messages. [`pair()`] finds which send and which receive are of one,
//! and says of each how sure that is; [`Likeness`] is what it compares their content by.
//!
//! This crate does **not** know where events are stored or how they were captured, and changes no stamp
//! that was. Orders are made from the causes that are given and from no others.
//!
//! # Examples
//!
//! A reply that seems to come 800 ns before the request it answers:
//!
//! ```
//! use scope_causal::{Causality, Edge, Event, Relation};
//! use scope_clock::Stamp;
//!
//! let (server, client) = (1, 2);
//! let events = [
//!     Event { process: server, stamp: Stamp::from_ns(1_000) }, // receives, clock behind
//!     Event { process: client, stamp: Stamp::from_ns(1_800) }, // sends
//!     Event { process: client, stamp: Stamp::from_ns(2_000) }, // goes on
//! ];
//! let causality = Causality::build(&events, &[Edge { cause: 1, effect: 0 }])?;
//!
//! assert_eq!(causality.order(), [1, 0, 2]);
//! assert_eq!(causality.corrections()[0].by_ns, 800);
//! assert_eq!(causality.relation(1, 0), Some(Relation::Before));
//! assert_eq!(causality.relation(0, 2), Some(Relation::Concurrent));
//! # Ok::<(), scope_causal::CausalError>(())
//! ```

mod causality;
mod effects;
mod error;
mod event;
mod identity;
mod likeness;
mod message;
mod pairing;
mod pass;

pub use causality::{Causality, Relation};
pub use error::CausalError;
pub use event::{Correction, Edge, Event};
pub use identity::{Identity, Named, Node};
pub use likeness::{Likeness, REFERENCES, Reference};
pub use message::{Message, Peer, Tolerance};
pub use pairing::{CANDIDATES, Confidence, Pair, Pairs, pair};
