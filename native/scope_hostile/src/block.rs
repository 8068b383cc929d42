//! Blocks.

use crate::{events, memory, seal};
use scope_event::block::Wanted;
use scope_event::{Block, BlockError, Codec, EventView, Events, Kind, Pid, consolidate};

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
    let events = block.events();
    parts(block);
    in_part(block, events.as_ref().ok());
    let Ok(events) = events else {
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

/// A few events, without the rest: any of them, and those of some keys from the middle on.
fn parts(block: &Block) {
    let header = block.header();
    let middle = header.min_stamp + (header.max_stamp - header.min_stamp) / 2;
    for (stamps, last) in [(0..=u64::MAX, true), (middle..=u64::MAX, false)] {
        let Ok(columns) = block.columns() else { return };
        let wanted = Wanted {
            keys: columns.dictionary().keys().iter().map(|_| true).collect(),
            pids: Vec::new(),
            stamps,
            most: 10,
            last,
        };
        if let Ok(part) = columns.matching(&wanted) {
            assert!(part.events.len() <= wanted.most);
            if !part.events.is_empty() {
                events::look(&part.events);
            }
        }
    }
}

/// What is asked of a block without decoding all of it; where all of it decodes, both say the same.
fn in_part(block: &Block, whole: Option<&Events>) {
    if let Ok(columns) = block.columns() {
        let (pids, stamps) = (columns.pid_counts(), columns.stamps());
        if let Some(events) = whole {
            assert_eq!(stamps.map(sorted), Ok(sorted(events.stamps().to_vec())));
            assert_eq!(
                pids.map(|counts| counts.iter().sum()),
                Ok(events.len() as u32)
            );
        }
    }
    let pids = block.dictionary().map(|names| names.pids().to_vec());
    for pid in pids.iter().flatten().take(3) {
        for stamp in [block.header().min_stamp, block.header().max_stamp] {
            let state = block.state_at(pid, stamp, 0);
            if let Some(events) = whole {
                same_state(&state, last_state(events, pid, stamp));
            }
        }
    }
}

fn sorted(mut stamps: Vec<u64>) -> Vec<u64> {
    stamps.sort_unstable();
    stamps
}

/// The same state, or a state whose term is damaged, which shows only when it is read.
fn same_state(state: &Result<Option<Events>, BlockError>, last: Option<EventView<'_>>) {
    match state {
        Ok(found) => assert_eq!(
            found.as_ref().map(Events::from),
            last.map(|event| event.seq())
        ),
        Err(_) => assert!(last.is_some_and(|event| {
            event.data_value().is_err() || event.correlation_value().is_err()
        })),
    }
}

fn last_state<'e>(events: &'e Events, pid: &Pid, stamp: u64) -> Option<EventView<'e>> {
    let states = events.iter().filter(|event| {
        event.kind() == Kind::State && event.pid() == Some(pid) && event.stamp() <= stamp
    });
    states.max_by_key(|event| (event.stamp(), event.seq()))
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
