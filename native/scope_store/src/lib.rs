//! Blocks in segments, in memory and on disk: index, retention, recovery, queries.
//!
//! A [`Store`] owns the open block of its origin and the closed blocks of every origin it has heard
//! of. What is pushed can be asked for at once; a block is closed when it is full or old enough, and
//! is the same bytes in memory, on disk and on the way to a peer. A [`Query`] finds the blocks that
//! may match by their filters, decodes those, and merges what matches in stamp order.
//!
//! It is no clock and no transport, starts no thread, and knows nothing of Erlang. What blocks are
//! is `scope_event`'s business; who gets them is `scope_sync`'s, to which a `&Store` is its
//! [`Holdings`](scope_sync::Holdings).
//!
//! An example is at [`Store`].

mod aggregate;
mod bytes;
mod config;
mod disk;
mod error;
mod index;
mod log;
mod open;
mod query;
pub mod recording;
mod search;
mod store;
mod time;
mod union;
mod upkeep;

pub use aggregate::{About, By, Counted, Group, Histogram, Latencies};
pub use config::Config;
pub use disk::{Cut, Health, Survey, survey};
pub use error::StoreError;
pub use query::{Correlated, Cursor, Function, Kinds, Order, Query, Ranges, Span};
pub use search::{Expired, Match, Matches, Paged};
pub use store::{Conflicts, Recorder, Stats, Store};
pub use union::{Fed, FeedError, Step, Union};
pub use upkeep::{Notice, Tended};
