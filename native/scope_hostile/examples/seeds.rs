//! Writes the first inputs of each fuzz target, made by the encoders themselves:
//!
//! ```sh
//! cargo run --package scope_hostile --example seeds
//! ```
//!
//! They are named `seed-…`; what fuzzing adds has the hash of its content as its name.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a generator that cannot go on should panic, and tells what it does"
)]

use scope_event::{
    Budget, Interner, Kind, Origin, RawEvent, Subject, SymbolTable, TermWriter, delta,
};
use scope_store::recording::{About, Beside, Confidence, Cover, Meanings, Outcome, Paired, Writer};
use scope_store::{Config, Match, Order, Query, Store};
use scope_sync::model::{MemoryHoldings, ModelBlock};
use scope_sync::wire::{
    Body, Capabilities, Handshake, Intro, Message, Mismatch, Packed, Probe, Versions, encode,
};
use scope_sync::{Now, Replica, Settings};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn main() {
    let seeds = [
        ("block", blocks()),
        ("segment", segments()),
        ("recording", recordings()),
        ("page", pages()),
        ("portable", portables()),
        ("frame", frames()),
        ("digest", digests()),
        ("handshake", handshakes()),
        ("term", terms()),
        ("delta", deltas()),
    ];
    for (target, inputs) in seeds {
        let folder = native().join("fuzz/corpus").join(target);
        fs::create_dir_all(&folder).unwrap();
        for (n, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{n:02}")), input).unwrap();
        }
        println!(
            "{target}: {} inputs, {} bytes",
            inputs.len(),
            inputs.concat().len()
        );
    }
}

fn native() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .into()
}

/// Golden blocks of all versions and codecs, and one that is small.
fn blocks() -> Vec<Vec<u8>> {
    let golden = native().join("scope_event/tests/golden");
    let mut files: Vec<PathBuf> = fs::read_dir(golden)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|found| found == "block"))
        .collect();
    files.sort();
    let mut blocks: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let store = node(folder.path(), 1, 5);
    blocks.extend(own_blocks(&store));
    blocks
}

/// The golden page, and those of a store in both orders and one event at a time.
fn pages() -> Vec<Vec<u8>> {
    let golden = native().join("scope_event/tests/golden/v1.page");
    let folder = tempfile::tempdir().unwrap();
    let store = node(folder.path(), 3, 5);
    let page = |order, limit| {
        let query = Query {
            order,
            limit,
            ..Query::default()
        };
        store.page(&query, 64 * 1024).page
    };
    vec![
        fs::read(golden).unwrap(),
        page(Order::Asc, 100),
        page(Order::Desc, 100),
        page(Order::Asc, 1),
        page(Order::Asc, 0),
    ]
}

fn own_blocks(store: &Store) -> Vec<Vec<u8>> {
    use scope_sync::Holdings;
    let origin = scope_sync::Origin::new("shop@host", 1);
    let infos = store.blocks(&origin, 1, u64::MAX, 9);
    infos
        .iter()
        .map(|info| (&store).read(info).unwrap().to_vec())
        .collect()
}

/// A store in a folder with `blocks` blocks of `events` events.
fn node(folder: &Path, blocks: u64, events: u64) -> Store {
    let names = Arc::new(SymbolTable::new("shop@host"));
    let config = Config {
        dir: Some(folder.into()),
        segment_bytes: 1200,
        retention_age: std::time::Duration::MAX,
        ..Config::new(Origin::new("shop@host", 1))
    };
    let store = Store::open(config, Arc::new(Interner::new(names.clone()))).unwrap();
    for n in 0..blocks * events {
        record(&store, &names, n);
        if n % events == events - 1 {
            store.close_now();
        }
    }
    store
}

fn record(store: &Store, names: &SymbolTable, n: u64) {
    let (module, function) = (names.word("Elixir.Shop"), names.word("buy"));
    let data = pair(n as i64, names);
    let kind = [Kind::Call, Kind::State, Kind::Return, Kind::Send][(n % 4) as usize];
    let subject = [
        Subject::Mfa {
            module,
            function,
            arity: 1,
        },
        Subject::Name(function),
        Subject::None,
    ];
    let event = RawEvent::new(kind, (n + 1) << 30, names.pid_word(n as u32 % 3))
        .about(subject[(n % 3) as usize])
        .with_data(&data)
        .correlated(&data[..0]);
    store.push((n % 2) as u16, &event, 1_600_000_000_000 + n);
}

/// `{ok, N}`
fn pair(n: i64, names: &SymbolTable) -> Vec<u8> {
    let mut room = [0; 64];
    let mut term = TermWriter::new(&mut room, Budget::ARGUMENTS);
    let _ = (term.tuple(2), term.atom(names.word("ok")), term.int(n));
    term.finish().to_vec()
}

/// Files of a folder before and after its segments were sealed.
fn files() -> Vec<(bool, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let store = node(folder.path(), 16, 4);
    let mut now = 1_600_000_001_000;
    store.shut(now);
    let mut files = read(folder.path());
    while let Some(next) = store.tend(now).next_ms {
        now = now.max(next);
    }
    files.extend(read(folder.path()));
    files
}

fn read(folder: &Path) -> Vec<(bool, Vec<u8>)> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut segments: Vec<PathBuf> = files.filter(|path| path.extension().is_some()).collect();
    segments.sort();
    let read = |path: &PathBuf| {
        (
            path.extension().unwrap() == "segment",
            fs::read(path).unwrap(),
        )
    };
    segments.iter().take(3).map(read).collect()
}

fn segments() -> Vec<Vec<u8>> {
    files().into_iter().map(|(_, bytes)| bytes).collect()
}

fn recordings() -> Vec<Vec<u8>> {
    files()
        .into_iter()
        .map(|(sealed, bytes)| [[u8::from(sealed) + 2].as_slice(), &bytes].concat())
        .collect()
}

/// One message of each sort.
/// Recordings of everything, of a few events with what explains them, of nothing.
fn portables() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let store = node(folder.path(), 3, 8);
    let all = store.query(&Query::default()).events;
    let few: Vec<_> = all.iter().step_by(5).cloned().collect();
    vec![
        portable(&all, &[]),
        portable(&few, &all),
        portable(&[], &[]),
    ]
}

fn portable(chosen: &[Match], beside: &[Match]) -> Vec<u8> {
    let about = About {
        library: "0.1.0".into(),
        machine: "OTP 27".into(),
        saved_ns: 1_600_000_000_000_000_000,
        by: "seed@host".into(),
        filters: "[]".into(),
        members: vec!["seed@host".into()],
        covers: vec![Cover {
            origin: Origin::new("seed@host", 1),
            first: 1,
            last: 24,
        }],
    };
    let meanings = Meanings {
        entry: 64,
        is_set: |_| false,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.scope");
    let mut writer = Writer::create(&path, false, &about, meanings).unwrap();
    writer.put(chosen).unwrap();
    writer.beside(beside, Beside::Gaps).unwrap();
    if let [one, other, ..] = chosen {
        let pair = Paired {
            id: (one.origin().clone(), one.seq()),
            confidence: Confidence::Exact,
            others: vec![(other.origin().clone(), other.seq())],
        };
        writer.pair(pair).unwrap();
    }
    let outcome = Outcome {
        missing: vec![("away@host".into(), "timeout".into())],
        dropped: 3,
        expired: 2,
    };
    writer.finish(&outcome).unwrap();
    fs::read(path).unwrap()
}

fn bodies() -> Vec<(Body, Vec<u8>)> {
    let probe = Probe {
        index: 0,
        from: 1,
        to: 10,
        digest: 77,
    };
    let names = vec![Intro {
        index: 0,
        node: "b@host".into(),
        incarnation: 3,
    }];
    let block =
        ModelBlock::new(scope_sync::Origin::new("b@host", 3), 1, 5, 10_000_001 << 32).encode();
    let entries = Packed(vec![0, 5]);
    let whole = Packed(vec![2, 3, 2, 4, 2, 3, 9]);
    let lens = Packed(vec![block.len() as u8]);
    vec![
        (Body::Ack, vec![]),
        (
            Body::Digest {
                no: 1,
                base: 0,
                names: names.clone(),
                entries,
            },
            vec![],
        ),
        (
            Body::Digest {
                no: 1,
                base: 0,
                names,
                entries: whole,
            },
            vec![],
        ),
        (
            Body::Pull {
                id: 1,
                not_before: 5,
                window: 1 << 20,
                offer: 0,
                taken: Packed(vec![]),
                wants: Packed(vec![0, 1, 19]),
            },
            vec![],
        ),
        (
            Body::Pull {
                id: 2,
                not_before: 5,
                window: 1 << 20,
                offer: 1,
                taken: Packed(vec![3]),
                wants: Packed(vec![]),
            },
            vec![],
        ),
        (
            Body::Data {
                id: 1,
                frame: 1,
                end: true,
                lens,
                old: Packed(vec![0, 1, 1, 5]),
            },
            block,
        ),
        (Body::More { id: 1, frame: 1 }, vec![]),
        (Body::Sync { token: 4 }, vec![]),
        (Body::Settled { token: 4 }, vec![]),
        (
            Body::Audit {
                probes: vec![probe],
            },
            vec![],
        ),
        (
            Body::Differs {
                found: vec![Mismatch { probe, held: 78 }],
            },
            vec![],
        ),
    ]
}

fn message(body: Body) -> Message {
    Message {
        mine: 9,
        yours: 8,
        ack: 1,
        body,
    }
}

fn messages() -> Vec<Vec<u8>> {
    let all = bodies().into_iter();
    all.map(|(body, blocks)| encode(&message(body), &blocks).unwrap())
        .collect()
}

/// As they are, and without version and checksum, which a target adds.
fn frames() -> Vec<Vec<u8>> {
    let bare = messages().into_iter().map(|bytes| bytes[5..].to_vec());
    messages().into_iter().take(2).chain(bare).collect()
}

/// Runs of messages: one of each, all of them, and what an honest peer says.
fn digests() -> Vec<Vec<u8>> {
    let each: Vec<Vec<u8>> = messages()
        .iter()
        .map(|bytes| measured(&bytes[5..]))
        .collect();
    let all = each.concat();
    each.into_iter()
        .chain([all, honest(), everything()])
        .collect()
}

/// A peer that has all there could be of an origin.
fn everything() -> Vec<u8> {
    let names = vec![Intro {
        index: 0,
        node: "b@host".into(),
        incarnation: 3,
    }];
    let digest = |no, base, names, entries| Body::Digest {
        no,
        base,
        names,
        entries: Packed(entries),
    };
    let most = [0xfa, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    let some = digest(1, 0, names, vec![0, 5]);
    let all = digest(2, 1, Vec::new(), [[0].as_slice(), &most].concat());
    let bytes = [some, all].map(|body| measured(&encode(&message(body), &[]).unwrap()[5..]));
    bytes.concat()
}

fn measured(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_le_bytes(), message].concat()
}

fn honest() -> Vec<u8> {
    let (evil, victim) = (
        scope_sync::Origin::new("evil@host", 1),
        scope_sync::Origin::new("a@host", 1),
    );
    let (mut theirs, mut ours) = (MemoryHoldings::new(), MemoryHoldings::new());
    theirs.record(&evil, 20, 10_000_001 << 32);
    theirs.record(&evil, 3, 10_000_002 << 32);
    ours.record(&victim, 40, 10_000_000 << 32);
    let mut peer = Replica::new(evil, Settings::default(), 1);
    let mut replica = Replica::new(victim, Settings::default(), 0);
    peer.peer_up("a@host");
    replica.peer_up("evil@host");
    let mut said = Vec::new();
    for second in 1..6 {
        let now = Now {
            mono_ns: second * 1_000_000_000,
            stamp: (10_000_002 + second) << 32,
        };
        let mut queue = peer.tick(now, &mut theirs);
        queue.extend(replica.tick(now, &mut ours));
        while let Some(out) = queue.pop() {
            if &*out.to == "a@host" {
                said.extend(measured(&out.bytes[5..]));
                queue.extend(
                    replica
                        .receive("evil@host", &out.bytes, now, &mut ours)
                        .unwrap(),
                );
            } else {
                queue.extend(
                    peer.receive("a@host", &out.bytes, now, &mut theirs)
                        .unwrap(),
                );
            }
        }
    }
    said
}

fn handshakes() -> Vec<Vec<u8>> {
    let hello = |versions, node: &str, capabilities| Handshake {
        versions,
        origin: scope_sync::Origin::new(node, 3),
        scope: "default".into(),
        capabilities,
        clock: 7 << 32,
        applications: 0x5eed,
    };
    let all = [
        hello(
            Versions::OURS,
            "shop@web",
            Capabilities::RECORD | Capabilities::QUERY,
        ),
        hello(
            Versions::new(1, 300).unwrap(),
            &"n".repeat(255),
            Capabilities::from_bits(u64::MAX),
        ),
        hello(Versions::new(40, 41).unwrap(), "a", Capabilities::default()),
    ];
    all.iter().map(|hello| hello.encode().unwrap()).collect()
}

/// One of each token, and what a budget cut.
fn terms() -> Vec<Vec<u8>> {
    let each: [&[u8]; 16] = [
        &[0xa2, 0x41, 0x05],
        &[0xb1, 0x40, 0xc3, b'a', b'b', b'c'],
        &[0x8c, 0x01, 0x86, 0x80, 0x04, 0x8d],
        &[0x8c, 0x01, 0x8e, 0x81, 0x02],
        &[0x8a, 0x11, 0x01, 0x02, 0x8f],
        &[0xb2, 0x01, 0x02, 0x03, 0x8f],
        &[0x87, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
        &[0x88, 0x02, b'h', b'i'],
        &[0x89, 0xff, 0x7f, 0x02, b'h', b'i'],
        &[0x91, 0x03, 1, 2, 3],
        &[0x92, 0x01, 1],
        &[0x93, 0x02, 1, 2],
        &[0x94, 0x01, 0x00],
        &[0xa3, 0x90, 0x95, 0x80, 0x45],
        &[0x8b, 0x01, 0x82, 1, 0, 0, 0, 0x84, 0x33, 0, 0, 0],
        &[
            0xa1, 0xa1, 0x8c, 0xb1, 0x01, 0xa2, 0x8c, 0x02, 0x8d, 0x90, 0x8d,
        ],
    ];
    each.iter().map(|bytes| bytes.to_vec()).collect()
}

/// Pairs of states with the delta between them, and pairs of states alone.
fn deltas() -> Vec<Vec<u8>> {
    let list = |items: std::ops::Range<u8>| {
        [[0x8c].as_slice(), &items.collect::<Vec<u8>>(), &[0x8d]].concat()
    };
    let map = |n: u8| {
        [
            &[
                0xb3, 0x40, n, 0x41, 0xc4, b't', b'e', b'x', b't', 0x42, 0xa2, 1, n,
            ][..],
            &[],
        ]
        .concat()
    };
    let pairs = [
        (list(0..20), list(1..25)),
        (map(3), map(4)),
        (vec![0xa2, 1, 2], vec![0xa3, 1, 5, 2]),
        (vec![0xb2, 1, 2, 0x8f], vec![0xb2, 1, 3, 0x8f]),
        (vec![0xc3, 1, 2, 3], vec![0xc4, 1, 2, 3, 4]),
    ];
    let mut inputs = Vec::new();
    for (before, after) in pairs {
        let mut change = Vec::new();
        delta(&before, &after, &mut change);
        inputs.push([measured(&before), change].concat());
        inputs.push([measured(&before), after].concat());
    }
    inputs
}
