//! Pages: events of many origins in one order, on their way to whoever asked.
//!
//! A [`Block`](crate::Block) is what an origin recorded; a page is what a question found. A
//! [`PageBuilder`] takes matching events out of decoded blocks and gives their names indexes of
//! the page's own; [`Page::parse`] is the way back, for bytes that nobody vouches for. The bytes are
//! described in `FORMAT.md`.

mod builder;
mod copied;
mod frame;
mod links;
mod reader;

pub use builder::{PageBuilder, Pushed};
pub use copied::Copied;
pub use reader::{Page, PageEvent, PageSource};

use crate::block::BlockError;
use crate::bytes::Short;
use crate::origin::Seq;
use std::cmp::Ordering;

/// Events that a page holds at most.
pub const MAX_EVENTS: usize = 16 * 1024;

/// Bytes that a page has at most before compression: what a reader will spend on a hostile one.
pub const MAX_RAW_BYTES: usize = 1024 * 1024;

/// The version of the format that this crate writes. It reads all versions up to it.
pub const VERSION: u8 = 1;

/// Why bytes are not a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The bytes end within the page, or a number in it is impossible.
    #[error("a page ends too early")]
    Short,
    /// The first bytes are not those of a page.
    #[error("not a page")]
    Magic,
    /// A later version of the format.
    #[error("page version {0} is newer than this reader")]
    Version(u8),
    /// The bytes were changed: the checksum differs.
    #[error("a page's checksum is {found:#010x}, not {stated:#010x}")]
    Checksum {
        /// What the page says.
        stated: u32,
        /// What its bytes give.
        found: u32,
    },
    /// Parts contradict each other.
    #[error("a page contradicts itself: {0}")]
    Content(&'static str),
    /// A part that pages have in common with blocks is damaged.
    #[error("in a page: {0}")]
    Part(#[from] BlockError),
}

impl From<Short> for PageError {
    fn from(_: Short) -> Self {
        Self::Short
    }
}

/// Where an event stands in stamp order: stamp, origin, number.
type Place<'a> = (u64, &'a crate::Origin, Seq);

/// Which of two places comes first in a page.
fn turned(descending: bool, one: &Place<'_>, other: &Place<'_>) -> Ordering {
    if descending {
        other.cmp(one)
    } else {
        one.cmp(other)
    }
}
