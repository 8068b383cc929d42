//! Where the bytes of a block are.

use crate::disk::SegmentFile;
use scope_event::Block;
use scope_event::block::Numbered;
use std::io;
use std::sync::Arc;

/// In memory until they are durable, in a segment's file from then on.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Held here.
    Memory(Arc<[u8]>),
    /// Durable at this offset. The file stays readable while somebody holds it, also when it was
    /// replaced or removed in the meantime.
    File {
        /// The segment's file.
        file: Arc<SegmentFile>,
        /// Where the block begins.
        at: u64,
        /// How long it is.
        len: u32,
    },
    /// In a recording, at this offset, as a block with numbers of its own.
    Recording {
        /// The recording.
        file: Arc<SegmentFile>,
        /// Where it begins.
        at: u64,
        /// How long it is.
        len: u32,
    },
}

impl Place {
    /// The block; what comes from a file is checked. `None` when it cannot be had.
    pub(crate) fn block(&self) -> Option<Numbered> {
        let block = match self {
            Self::Memory(bytes) => Block::parse_again(bytes.clone()),
            Self::File { .. } => Block::parse(self.bytes().ok()?),
            Self::Recording { .. } => return Numbered::parse(&self.bytes().ok()?).ok(),
        };
        block.ok().map(Numbered::plain)
    }

    /// The bytes of the block.
    ///
    /// # Errors
    ///
    /// Whatever reading the file answers.
    pub(crate) fn bytes(&self) -> io::Result<Arc<[u8]>> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File { file, at, len } | Self::Recording { file, at, len } => {
                file.read(*at, *len)
            }
        }
    }
}
