//! Causal order: which event happened before which, and which send and receive are of one message.
//!
//! Stamps of different nodes agree with causality only as far as the clocks do: a message can seem
//! to arrive before it was sent. A [`PictureBuilder`] takes events and the pairs of messages that are
//! known, and makes a [`Picture`]: each event stands behind its causes, and which had to be moved, and
//! how far, is said. [`Picture::relation`] answers whether one event can have influenced another.
//!
//! Causes between processes are messages, beginnings and ends. [`pair()`] finds which send and which
//! receive are of one message, and says of each how sure that is; [`Likeness`] is what it compares
//! their content by.
//!
//! This crate does **not** know where events are stored or how they were captured, and changes no stamp
//! that was. Orders are made from the causes that are given and from no others. An example is at
//! [`PictureBuilder`].

mod error;
mod identity;
mod likeness;
mod message;
mod messages;
mod pairing;
mod picture;

pub use error::CausalError;
pub use identity::{Identity, Named, Node};
pub use likeness::{Likeness, REFERENCES, Reference};
pub use message::{Message, Peer, Tolerance};
pub use messages::Messages;
pub use pairing::{CANDIDATES, Confidence, Pair, Pairing, Pairs, pair};
pub use picture::{
    At, Edge, EdgeKind, End, Function, Id, Input, Making, Picture, PictureBuilder, Process,
    Relation, Step, Subject, Way,
};
