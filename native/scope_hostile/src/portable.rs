//! Recordings that somebody else made.

use crate::{block, memory, recording, seal, segment};
use scope_event::{Block, Interner, Origin, SymbolTable};
use scope_store::recording::{About, Meanings, Outcome, Recording, Writer};
use scope_store::{Config, Match, Query, Store};
use std::fs;
use std::path::Path;
use std::sync::Arc;

const MEANINGS: Meanings = Meanings {
    entry: 64,
    is_set: |number| number >= 1 << 15,
};

/// Any bytes as a recording, with and without checksums that fit: it is opened, asked about everything, and
/// saved again.
pub fn portable(bytes: &[u8]) {
    look(bytes);
    look(&seal::recording(bytes));
}

fn look(bytes: &[u8]) {
    let most = (8 << 20) + 3 * allowed(bytes);
    with_folder(|dir| {
        let path = dir.join("some.scope");
        fs::write(&path, bytes).expect("a file can be written");
        memory::within(most, || open(&path, bytes.len() as u64));
    });
}

fn open(path: &Path, len: u64) {
    let whole = Recording::open(path, false);
    let Ok(salvaged) = Recording::open(path, true) else {
        assert!(whole.is_err());
        return;
    };
    assert_eq!(salvaged.lost().is_none(), whole.is_ok());
    assert!(salvaged.lost().is_none_or(|(at, left)| at + left == len));
    let (about, outcome) = (salvaged.about().clone(), salvaged.outcome().clone());
    let store = store_of(salvaged);
    let found = recording::ask(&store);
    for (origin, seq, _) in found.iter().take(64) {
        let _ = store.recorded_pair(origin, *seq);
    }
    let _ = (
        store.held(),
        store.head(),
        store.page(&Query::default(), 64 * 1024),
    );
    let besides = store.query(&Query {
        beside: true,
        ..Query::default()
    });
    assert!(besides.events.len() >= found.len() || besides.more);
    again(path, &store, &about, &outcome);
}

fn store_of(recording: Recording) -> Store {
    let names = Arc::new(SymbolTable::new("reader@host"));
    let config = Config::new(Origin::new("reader@host", 1));
    Store::of_recording(config, Arc::new(Interner::new(names)), recording)
        .expect("settings that make sense")
}

/// What was read of one recording makes another one.
fn again(path: &Path, store: &Store, about: &About, outcome: &Outcome) {
    let all = store.query(&Query::default());
    let mut writer =
        Writer::create(path, true, about, MEANINGS).expect("what was read can be written");
    writer.put(&all.events).expect("memory takes all");
    let damaged = writer.damaged();
    let totals = writer.finish(outcome).expect("memory takes all");
    let made = Recording::open(path, false).expect("what was written can be read");
    assert_eq!((made.about(), made.outcome()), (about, outcome));
    let found = store_of(made).query(&Query::default());
    assert_eq!(found.events.len() as u64, totals.events);
    // One number may be there several times, and terms may be damaged.
    assert!(damaged > 0 || found.events.len() <= all.events.len());
    assert!(found.events.is_sorted_by_key(Match::stamp));
}

/// What reading a file may take: so much for each of its bytes, and the blocks in it.
fn allowed(bytes: &[u8]) -> usize {
    let bodies = seal::bodies(bytes);
    let blocks = bodies.filter_map(|body| Block::parse(&body[seal::block_in(body)?..]).ok());
    (1 << 20) + 1024 * bytes.len() + blocks.map(|block| block::allowed(&block)).sum::<usize>()
}

thread_local! {
    static FOLDER: std::cell::RefCell<Option<tempfile::TempDir>> =
        const { std::cell::RefCell::new(None) };
}

/// One folder for all inputs.
fn with_folder(look: impl FnOnce(&Path)) {
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder
            .get_or_insert_with(|| tempfile::tempdir_in(segment::folder()).expect("a folder"));
        look(folder.path());
    });
}
