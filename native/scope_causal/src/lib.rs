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
//! [`Spans`] are the calls of a picture with their times, as one forest over processes and nodes. [`top`],
//! [`flame`] and [`diff`] say where the time went, and how two executions differ.
//!
//! This crate does **not** know where events are stored or how they were captured, and changes no stamp
//! that was. Orders are made from the causes that are given and from no others. An example is at
//! [`PictureBuilder`].

mod content;
mod diff;
mod error;
mod flame;
mod identity;
mod likeness;
mod message;
mod messages;
mod pairing;
mod picture;
mod spans;
mod top;

pub use content::content;
pub use diff::{Change, Difference, Differences, Part, Side, diff};
pub use error::CausalError;
pub use flame::{Block, Frame, flame};
pub use identity::{Identity, Named, Node};
pub use likeness::{Likeness, REFERENCES, Reference};
pub use message::{Message, Peer, Tolerance};
pub use messages::Messages;
pub use pairing::{CANDIDATES, Confidence, Pair, Pairing, Pairs, pair};
pub use picture::{
    At, Edge, EdgeKind, End, Function, Id, Input, Making, Picture, PictureBuilder, Process,
    Relation, Step, Subject, Way,
};
pub use spans::{Link, Parts, Span, Spans, Wait};
pub use top::{By, Totals, top};
