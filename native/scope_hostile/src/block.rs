//! Blocks.

use crate::{events, memory, seal};
use scope_event::{Block, Codec, consolidate};

/// Tables of fixed size that decoding and encoding use: predictors, Huffman codes, hash tables.
const TABLES: usize = 1 << 20;
/// A column is at most so many times as long as it is stored.
const BEST_RATIO: usize = 255;

/// Any bytes as a block: its header, its events, all that can be asked of them, and the block that
/// consolidation makes of it.
pub fn block(bytes: &[u8]) {
    look(bytes);
    look(&seal::block(bytes));
}

fn look(bytes: &[u8]) {
    let _ = Block::length_of(bytes);
    let parsed = memory::within(1024 + 64 * bytes.len(), || Block::parse(bytes));
    if let Ok(block) = parsed {
        memory::within(TABLES + allowed(&block), || read(&block));
    }
}

/// What reading a block may take: so much for each byte of its columns.
pub(crate) fn allowed(block: &Block) -> usize {
    let stored = block.bytes().len();
    let raw = usize::try_from(block.header().raw_bytes).unwrap_or(usize::MAX);
    1024 * (stored + raw.min(BEST_RATIO * stored))
}

fn read(block: &Block) {
    let header = block.header();
    assert!(header.from >= 1 && header.from <= header.to && header.min_stamp <= header.max_stamp);
    let (names, verified) = (block.dictionary(), block.verify());
    let Ok(events) = block.events() else {
        assert!(verified.is_err());
        return;
    };
    assert_eq!(names.as_ref(), Ok(events.dictionary()));
    assert_eq!(
        (events.from(), events.len()),
        (header.from, header.events() as usize)
    );
    events::look(&events);
    for codec in [Codec::Plain, Codec::Zstd] {
        again(block, codec, verified.is_ok());
    }
}

/// A block that is whole can be consolidated, and is the same events afterwards.
fn again(block: &Block, codec: Codec, whole: bool) {
    let made = consolidate(std::slice::from_ref(block), codec);
    assert!(made.is_ok() || !whole, "{made:?}");
    let Ok(made) = made else { return };
    let read = Block::parse(made.bytes().clone()).expect("what was encoded decodes");
    let (old, new) = (block.header(), read.header());
    assert_eq!(
        (&old.origin, old.from, old.to),
        (&new.origin, new.from, new.to)
    );
    assert_eq!(old.digest, new.digest);
    read.verify().expect("what was encoded is whole");
}
