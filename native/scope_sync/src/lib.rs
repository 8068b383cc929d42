//! What each replica has, and the smallest exchange that makes two of them equal.
//!
//! A [`Replica`] is a pure state machine: messages and the time go in, messages come out. It sees a
//! store only through [`Holdings`], as headers and raw bytes of closed blocks: it moves them as they
//! are stored and never decodes, re-encodes or splits one.
//!
//! - [`Knowledge`] says what a replica has of one origin: floor, prefix, what lies beyond, last.
//!   [`Vector`] holds it for all origins; [`Intervals`] is the set underneath.
//! - A digest tells a peer what changed since the last one; the peer asks for what it lacks, and
//!   gets it in frames. Nothing is pushed. Whatever is lost is still missing, so the next plan asks
//!   for it again: there is no other state to recover.
//! - [`Interest`] chooses the origins that are kept here; [`neighbours`] bounds who talks to whom.
//! - [`wire`] is the form of the messages, and the checks on them.
//! - [`model`] is a store in memory with the smallest possible block, for tests and examples.
//!
//! It is no transport, no store and no clock, it decides nothing about time by itself, and it does
//! not know what an event is.
//!
//! An example is at [`Replica`].

mod budget;
mod hash;
mod holdings;
mod interest;
mod intervals;
mod knowledge;
pub mod model;
mod origin;
mod overlay;
mod reach;
mod replica;
mod settings;
mod stats;
mod table;
mod vector;
pub mod wire;

pub use holdings::{BlockInfo, Holdings, MAX_BLOCK, Outcome, Refusal};
pub use interest::Interest;
pub use intervals::Intervals;
pub use knowledge::Knowledge;
pub use origin::{NodeName, Origin, Seq};
pub use overlay::neighbours;
pub use reach::Reach;
pub use replica::{Out, Replica};
pub use settings::{Now, Settings};
pub use stats::{Bounds, Notice, PeerStats, SyncReport};
pub use vector::Vector;
pub use wire::WireError;
