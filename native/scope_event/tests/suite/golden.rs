//! Blocks of every released version stay readable, and the version in use writes what it wrote.
//!
//! `SCOPE_GOLDEN=write cargo test -p scope_event golden` writes the files of a new version.

use crate::common::*;
use scope_event::block::VERSION;
use scope_event::{
    Block, Budget, Codec, Events, Foreign, Kind, Opaque, RawEvent, Subject, SymbolTable, Value,
    consolidate,
};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn value(i: i64) -> Value {
    let atom = |text: &str| Value::Atom(text.into());
    match i % 8 {
        0 => Value::Int(i * 1_000_003 - 4),
        1 => Value::map([
            (atom("id"), Value::Int(i)),
            (atom("secret"), Value::Redacted),
        ]),
        2 => Value::list([
            Value::Float(1.5),
            Value::Pid(pid(9)),
            Value::binary(vec![b'x'; 70]),
        ]),
        3 => Value::List {
            items: vec![Value::Int(1)],
            tail: Some(atom("end").into()),
            cut: false,
        },
        4 => Value::tuple(vec![Value::Int(2); 20]),
        5 => Value::tuple([
            Value::Foreign(Foreign::Reference, vec![1, 2]),
            Value::Foreign(Foreign::Port, vec![3]),
            Value::Foreign(Foreign::Pid, vec![]),
            Value::Opaque(Opaque::Integer, Some(12)),
        ]),
        6 => Value::binary(vec![9; 600]),
        _ => Value::list([]),
    }
}

/// Every kind, subject and sort of term, in two lanes.
pub(crate) fn block(first: i64) -> Block {
    let names = Arc::new(SymbolTable::new(NODE));
    let mut open = builder(&names, first as u64);
    open.anchor(anchor((first as u64) << 33, -first, 50_000));
    for i in first..first + 60 {
        let kind = Kind::ALL[i as usize % Kind::ALL.len()];
        let (data, _) = encode(&value(i), &names, Budget::MESSAGES);
        let (id, _) = encode(&Value::Int(i / 10), &names, Budget::ARGUMENTS);
        let module = names.word("Elixir.Shop");
        let function = names.word(&format!("f{}", i % 3));
        let subject = match i % 5 {
            0 => Subject::None,
            1 => Subject::Mfa {
                module,
                function,
                arity: (i % 4) as u8,
            },
            2 => Subject::Pid(names.pid_word(i as u32 % 6)),
            3 => Subject::Name(function),
            _ => Subject::Term(&id),
        };
        let stamp = ((i as u64) << 33) + (i as u64 * i as u64 * 977) % 5000;
        let event = RawEvent::new(kind, stamp, names.pid_word(i as u32 % 3))
            .about(subject)
            .with_data(if i % 3 == 0 { &[] } else { &data })
            .in_session(i as u16 / 50)
            .flagged(i as u8 / 40);
        let event = if i % 2 == 0 {
            event
        } else {
            event.correlated(&id)
        };
        open.push((i / 7 % 2) as u16, &event).unwrap();
    }
    open.close((first as u64) << 33).unwrap()
}

fn text(block: &Block, events: &Events) -> String {
    let mut out = format!("{:#?}\n", block.header());
    for event in events.iter() {
        writeln!(
            out,
            "{} {:#x} {:?} {:?} {:?} {:?} {:?} {:?} {} {}",
            event.seq(),
            event.stamp(),
            event.mono_ns(),
            event.kind(),
            event.pid(),
            event.subject().unwrap(),
            event.correlation_value().unwrap(),
            event.data_value().unwrap(),
            event.session(),
            event.flags()
        )
        .unwrap();
    }
    out
}

fn made() -> Vec<(&'static str, Block)> {
    let parts = [block(1), block(61)];
    let both = |codec| consolidate(&parts, codec).unwrap();
    vec![
        ("hot", block(1)),
        ("merged-plain", both(Codec::Plain)),
        ("merged-lz4", both(Codec::Lz4)),
        ("merged-zstd", both(Codec::Zstd)),
    ]
}

/// Blocks that differ in their codec alone share a text: `v1-merged-lz4.block`, `v1-merged.txt`.
fn text_of(block: &Path) -> PathBuf {
    let name = block.file_stem().unwrap().to_string_lossy().into_owned();
    let content: Vec<_> = name.split('-').take(2).collect();
    folder().join(content.join("-")).with_extension("txt")
}

#[test]
fn golden_blocks_read_as_they_did() {
    if std::env::var("SCOPE_GOLDEN").is_ok_and(|what| what == "write") {
        for (name, block) in made() {
            let path = folder().join(format!("v{VERSION}-{name}.block"));
            fs::write(&path, block.bytes()).unwrap();
            fs::write(text_of(&path), text(&block, &block.events().unwrap())).unwrap();
        }
    }
    let mut seen = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let zstd = path.to_string_lossy().contains("zstd");
        if path.extension().is_none_or(|of| of != "block") || zstd && !cfg!(feature = "zstd") {
            continue;
        }
        let block = Block::parse(fs::read(&path).unwrap()).unwrap();
        let events = block.verify().unwrap();
        let expected = fs::read_to_string(text_of(&path)).unwrap();
        assert_eq!(text(&block, &events), expected, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 3);
}

/// Compressors may change between their versions; what they are given may not.
#[test]
fn this_version_still_writes_the_same_columns() {
    let stored = fs::read(folder().join(format!("v{VERSION}-merged-plain.block"))).unwrap();
    let (_, block) = made().swap_remove(1);
    assert_eq!(block.bytes()[..], stored[..]);
}
