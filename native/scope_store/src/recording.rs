//! Recordings: what a question found in a whole cluster, as one file that can be opened anywhere.
//!
//! A [`Writer`] is given events as they come out of a [`Union`](crate::Union), in stamp order, and makes
//! blocks of them that hold nothing else ([`scope_event::block::Numbered`]). A [`Recording`] is the way back, for
//! a file that nobody vouches for; [`Store::of_recording`](crate::Store::of_recording) makes it a store, so
//! that whatever asks a store asks a recording. The bytes are described in `RECORDING.md`.
//!
//! It knows neither why events were chosen nor who did not answer: that it is told, and tells again.

mod about;
mod error;
mod gather;
mod pairs;
mod part;
mod reader;
mod wanted;
mod writer;

pub use about::{About, Cover, Outcome, Totals};
pub use error::RecordingError;
pub use pairs::Found;
pub use pairs::{Confidence, Paired};
pub(crate) use reader::Recorded;
pub use reader::Recording;
pub use wanted::{Beside, Meanings};
pub use writer::Writer;

/// The version of the format that this crate writes. It reads all versions up to it.
pub const VERSION: u32 = 1;
