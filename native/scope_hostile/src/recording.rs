//! Folders that somebody else wrote.

use crate::{memory, seal, segment};
use scope_event::{Interner, Kind, Origin, Seq, SymbolTable, TermError, Value};
use scope_export::{About, Row, json_line};
use scope_store::{By, Config, Correlated, Kinds, Match, Order, Query, Store};
use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const ID: u64 = 7;
const NOW_MS: u64 = 1_600_000_000_000;

/// Any bytes as the only file of a folder, sealed or not, that is opened as a store, asked about
/// everything, kept for a while and opened again. Of the first byte, the lowest bit says whether the
/// file is sealed, the next one whether its checksums are put right.
pub fn recording(bytes: &[u8]) {
    let Some((how, file)) = bytes.split_first() else {
        return;
    };
    let extension = ["active", "segment"][usize::from(how & 1)];
    if how & 2 == 0 {
        look(extension, file);
    } else {
        look(extension, &seal::segment(file, ID));
    }
}

fn look(extension: &str, file: &[u8]) {
    // Once as it is, once for what is kept of it, and what a store takes by itself.
    let most = (4 << 20) + 3 * segment::allowed(file);
    with_folder(|dir| {
        fs::write(dir.join(format!("{ID:016}.{extension}")), file).expect("a file can be written");
        memory::within(most, || {
            let before = life(dir, 1);
            if !before.is_empty() {
                let after = life(dir, 2);
                assert!(
                    extension != "active" || before == after,
                    "{before:?} then {after:?}"
                );
            }
        });
    });
}

/// One life of a node with this folder: what it found there.
fn life(dir: &Path, incarnation: u64) -> Vec<(Origin, Seq, u64)> {
    let origin = Origin::new("reader@host", incarnation);
    let names = Arc::new(SymbolTable::new("reader@host"));
    let config = Config {
        dir: Some(dir.into()),
        retention_age: Duration::MAX,
        ..Config::new(origin)
    };
    let store =
        Store::open(config, Arc::new(Interner::new(names))).expect("settings that make sense");
    let found = ask(&store);
    let mut now = NOW_MS;
    for _ in 0..64 {
        match store.tend(now).next_ms {
            Some(next) => now = now.max(next),
            None => break,
        }
    }
    store.shut(now);
    let _ = ask(&store);
    found
}

pub(crate) fn ask(store: &Store) -> Vec<(Origin, Seq, u64)> {
    let all = store.query(&Query::default());
    let newest_first = store.query(&Query {
        order: Order::Desc,
        ..Query::default()
    });
    if !all.more {
        assert_eq!(all.events.len(), newest_first.events.len());
    }
    assert!(all.events.is_sorted_by_key(Match::stamp));
    some(store);
    let mut line = Vec::new();
    for event in all.events.iter().take(64) {
        line.clear();
        let _ = export(event, &mut line);
    }
    all.events
        .iter()
        .map(|event| (event.origin().clone(), event.seq(), event.stamp()))
        .collect()
}

/// A question for each index and each view.
fn some(store: &Store) {
    let stats = store.stats();
    let queries = [
        Query {
            kinds: Kinds::from(Kind::Call),
            ..Query::default()
        },
        Query {
            modules: vec!["Elixir.Shop".into()],
            ..Query::default()
        },
        Query {
            contains: Some("a".into()),
            limit: 3,
            ..Query::default()
        },
        Query {
            correlations: vec![Correlated::by(Value::Int(1))],
            ..Query::default()
        },
        Query {
            from: Some(5),
            to: Some(1 << 40),
            ..Query::default()
        },
    ];
    for query in queries {
        let answer = store.query(&query);
        assert!(
            answer.events.len() as u64 <= stats.events.saturating_add(stats.open_events as u64)
        );
        let _ = store.latencies(&query);
        let _ = store.count(&query, By::Key);
    }
    let _ = store.floor();
}

fn export(event: &Match, line: &mut Vec<u8>) -> Result<(), TermError> {
    let row = Row {
        origin: event.origin(),
        seq: event.seq(),
        stamp: scope_clock::Stamp::from_bits(event.stamp()),
        mono_ns: event.mono_ns(),
        pid: event.pid(),
        kind: event.kind(),
        about: About::read(event.subject(), event.names())?,
        correlation: event.correlation_value()?,
        data: event.data_value()?,
        truncated: false,
        inherited: false,
        likely: false,
        entry: false,
        pairing: None,
        received: None,
    };
    json_line(&row, line).expect("memory takes every line");
    Ok(())
}

thread_local! {
    static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
}

/// One folder for all inputs, emptied before each.
fn with_folder(look: impl FnOnce(&Path)) {
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder
            .get_or_insert_with(|| tempfile::tempdir_in(segment::folder()).expect("a folder"));
        for file in fs::read_dir(folder.path()).expect("a folder can be read") {
            fs::remove_file(file.expect("a file").path()).expect("a file can be removed");
        }
        look(folder.path());
    });
}
