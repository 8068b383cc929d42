//! Recordings: what was chosen comes back as it was and nothing else does, whatever became of the file.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::cases;
use common::naive::Event;
use common::random::{FILTERS, Filled, Rng, Size, node_store, push};
use scope_event::block::MAX_EVENTS;
use scope_event::{Interner, Kind, Origin, RawEvent, SubjectView, SymbolTable, Value};
use scope_store::recording::{
    About, Beside, Confidence, Cover, Meanings, Outcome, Paired, Recording, RecordingError, Totals,
    Writer,
};
use scope_store::{Config, Kinds, Match, Order, Query, Store, Union};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

const MEANINGS: Meanings = Meanings {
    entry: 64,
    is_set: |number| number >= 1 << 15,
};

fn about() -> About {
    About {
        library: "0.1.0".into(),
        machine: "OTP 27".into(),
        saved_ns: 1_600_000_000_000_000_000,
        by: "b@host".into(),
        filters: "[kinds: [:call]]".into(),
        members: vec!["a@host".into(), "b@host".into()],
        covers: vec![Cover {
            origin: Origin::new("a@host", 7),
            first: 1,
            last: 40,
        }],
    }
}

fn outcome() -> Outcome {
    Outcome {
        missing: vec![("c@host".into(), "timeout".into())],
        dropped: 3,
        expired: 2,
    }
}

fn writer(path: &Path) -> Writer {
    Writer::create(path, false, &about(), MEANINGS).unwrap()
}

/// Writes what a union finds, as it comes, with the gaps beside it.
fn save(path: &Path, store: &Store, query: &Query, part: usize) -> Totals {
    let mut writer = writer(path);
    each(store, query, part, |events| writer.put(events).unwrap());
    let gaps = Query {
        kinds: Kinds::from(Kind::Gap),
        ..Query::default()
    };
    each(store, &gaps, part, |events| {
        writer.beside(events, Beside::Gaps).unwrap();
    });
    writer.finish(&outcome()).unwrap()
}

fn each(store: &Store, query: &Query, part: usize, mut take: impl FnMut(&[Match])) {
    let mut union = Union::new(query.clone(), 0);
    loop {
        let step = union.next(store, part);
        take(&step.events);
        if step.done {
            return;
        }
    }
}

fn read(path: &Path) -> Store {
    opened(Recording::open(path, false).unwrap())
}

fn opened(recording: Recording) -> Store {
    let names = Arc::new(SymbolTable::new("reader@host"));
    let config = Config::new(Origin::new("reader@host", 9));
    Store::of_recording(config, Arc::new(Interner::new(names)), recording).unwrap()
}

fn unlimited(query: &Query) -> Query {
    Query {
        limit: usize::MAX,
        max_bytes: usize::MAX,
        after: None,
        order: Order::Asc,
        ..query.clone()
    }
}

/// Everything that an event says.
fn whole(event: &Match) -> String {
    let subject = match event.subject() {
        SubjectView::Term(term) => format!("{:?}", Value::read(&term, event.names())),
        other => format!("{other:?}"),
    };
    format!(
        "{:?} {:?} {:?} {subject} {:?} {:?} {:?} {} {} {:?}",
        event.cursor(),
        event.kind(),
        event.pid(),
        event.correlation_value(),
        event.data_value(),
        event.mono_ns(),
        event.session(),
        event.flags(),
        event.received(),
    )
}

fn all(store: &Store, query: &Query) -> Vec<String> {
    store.query(query).events.iter().map(whole).collect()
}

#[test]
fn every_question_finds_of_what_was_chosen_what_it_found_before() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..cases(60) {
        let mut rng = Rng::new(seed);
        let filled = Filled::new(&mut rng);
        let mut query = Query::default();
        let filter = rng.below(9) as usize;
        if !rng.one_in(4) {
            filled.add_filter(&mut rng, filter, &mut query);
        }
        let query = unlimited(&query);
        let path = dir.path().join(format!("{seed}.scope"));
        let part = 1 + rng.below(50) as usize;
        let totals = save(&path, &filled.store, &query, part);
        let chosen = all(&filled.store, &query);
        assert_eq!(totals.events, chosen.len() as u64, "seed {seed}");
        let store = read(&path);
        assert_eq!(
            all(&store, &unlimited(&Query::default())),
            chosen,
            "seed {seed}"
        );
        let chosen: BTreeSet<String> = chosen.into_iter().collect();
        for _ in 0..20 {
            let mut again = Query::default();
            for filter in 0..FILTERS {
                // What is limited differs where less is there.
                if filter != 9 && rng.one_in(4) {
                    filled.add_filter(&mut rng, filter, &mut again);
                }
            }
            let mut expected = all(&filled.store, &again);
            expected.retain(|event| chosen.contains(event));
            assert_eq!(all(&store, &again), expected, "seed {seed}, {again:?}");
        }
    }
}

#[test]
fn what_was_lost_is_known_whether_gaps_were_chosen_or_not() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..cases(20) {
        let mut rng = Rng::new(seed);
        let filled = Filled::new(&mut rng);
        let lost = filled.store.query(&unlimited(&Query::default())).dropped;
        for kinds in [Kinds::NONE, Kinds::from(Kind::Call), Kinds::from(Kind::Gap)] {
            let query = unlimited(&Query {
                kinds,
                ..Query::default()
            });
            let path = dir.path().join(format!("{seed}-{kinds:?}.scope"));
            save(&path, &filled.store, &query, 50);
            let store = read(&path);
            let found = store.query(&unlimited(&Query::default()));
            assert_eq!(found.dropped, lost, "seed {seed}");
            let gaps = found
                .events
                .iter()
                .filter(|event| event.kind() == Kind::Gap);
            assert_eq!(
                gaps.count() > 0,
                kinds != Kinds::from(Kind::Call) && lost > 0
            );
        }
    }
}

#[test]
fn a_name_of_what_was_not_chosen_is_not_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (store, names) = node_store(Origin::new("a@host", 1));
    for number in 0..2_000u64 {
        let name = if number % 100 == 0 {
            "Elixir.Public"
        } else {
            "Elixir.Private"
        };
        let subject = scope_event::Subject::Mfa {
            module: names.word(name),
            function: names.word(&format!("{name}.{}", number % 7)),
            arity: 1,
        };
        let event = RawEvent::new(
            Kind::Call,
            1_000 + number,
            names.pid_word(1 + number as u32 % 3),
        );
        store.push(0, &event.about(subject), 1);
    }
    store.close_now();
    let query = Query {
        modules: vec!["Elixir.Public".into()],
        ..Query::default()
    };
    let path = dir.path().join("one.scope");
    assert_eq!(save(&path, &store, &query, 2_048).events, 20);
    let opened = read(&path);
    for event in opened.query(&Query::default()).events {
        for atom in event.names().atoms() {
            assert!(!atom.contains("Private"), "{atom}");
        }
    }
}

#[test]
fn what_a_recording_says_of_itself_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("said.scope");
    let mut writer = writer(&path);
    let pair = Paired {
        id: (Origin::new("a@host", 7), 3),
        confidence: Confidence::Exact,
        others: vec![(Origin::new("b@host", 1), 4)],
    };
    writer.pair(pair).unwrap();
    let totals = writer.finish(&outcome()).unwrap();
    let recording = Recording::open(&path, false).unwrap();
    assert_eq!(recording.about(), &about());
    assert_eq!(recording.outcome(), &outcome());
    assert_eq!((recording.totals(), recording.lost()), (&totals, None));
    let store = opened(recording);
    assert_eq!(
        store.recorded_pair(&Origin::new("b@host", 1), 4),
        Some((Confidence::Exact, vec![(Origin::new("a@host", 7), 3)]))
    );
    assert_eq!(store.held().of(&Origin::new("a@host", 7)), [(1, 40)]);
}

#[test]
fn notes_are_taken_by_a_recording_and_nothing_of_it_expires() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("noted.scope");
    let filled = Filled::new(&mut Rng::new(3));
    let query = unlimited(&Query::default());
    save(&path, &filled.store, &query, 100);
    let store = read(&path);
    let before = all(&store, &query).len();
    store.push(0, &RawEvent::new(Kind::Mark, 1 << 60, 0), 1);
    for now in [0, 1 << 40, 1 << 50] {
        assert_eq!(store.tend(now).next_ms, None);
    }
    assert_eq!(all(&store, &query).len(), before + 1);
    store.shut(1 << 51);
    assert_eq!(all(&store, &query).len(), before + 1);
}

/// A small recording with every sort of part.
fn small(dir: &Path) -> (Vec<u8>, BTreeSet<String>) {
    let path = dir.join("small.scope");
    let filled = Filled::with(
        &mut Rng::new(11),
        Size {
            events: 6,
            ..Size::SMALL
        },
    );
    let query = unlimited(&Query::default());
    let mut writer = writer(&path);
    let calls = Query {
        kinds: [
            Kind::Call,
            Kind::Send,
            Kind::State,
            Kind::Mark,
            Kind::Return,
        ]
        .into_iter()
        .collect(),
        ..query.clone()
    };
    each(&filled.store, &calls, 9, |events| {
        writer.put(events).unwrap()
    });
    each(&filled.store, &query, 9, |events| {
        writer.beside(events, Beside::Gaps).unwrap();
    });
    let pair = Paired {
        id: (Origin::new("a@host", 7), 3),
        confidence: Confidence::Likely,
        others: vec![(Origin::new("b@host", 1), 4)],
    };
    writer.pair(pair).unwrap();
    let totals = writer.finish(&outcome()).unwrap();
    assert!(
        totals.events > 0 && totals.beside > 0 && totals.pairs == 1,
        "{totals:?}"
    );
    (
        fs::read(&path).unwrap(),
        all(&filled.store, &query).into_iter().collect(),
    )
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_or_gives_what_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, recorded) = small(dir.path());
    let path = dir.path().join("cut.scope");
    let mut most = 0;
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        let error = Recording::open(&path, false).unwrap_err();
        let cut = matches!(error, RecordingError::Cut { .. });
        assert!(
            cut || (len < 8 && matches!(error, RecordingError::NotOne)),
            "{len}: {error}"
        );
        let Ok(recording) = Recording::open(&path, true) else {
            continue;
        };
        let (at, left) = recording.lost().unwrap();
        assert_eq!(at + left, len as u64);
        let found = all(&opened(recording), &Query::default());
        assert!(found.iter().all(|event| recorded.contains(event)), "{len}");
        assert!(
            found.len() >= most,
            "more of the file is less of the events"
        );
        most = found.len();
    }
    assert!(most > 0);
}

#[test]
fn a_file_in_which_a_byte_was_changed_is_refused_and_what_comes_before_can_be_had() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, recorded) = small(dir.path());
    let path = dir.path().join("changed.scope");
    for at in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            fs::write(&path, &changed).unwrap();
            assert!(Recording::open(&path, false).is_err(), "byte {at}");
            if let Ok(recording) = Recording::open(&path, true) {
                let found = all(&opened(recording), &Query::default());
                assert!(
                    found.iter().all(|event| recorded.contains(event)),
                    "byte {at}"
                );
            }
        }
    }
}

#[test]
fn parts_that_were_taken_out_or_put_twice_are_missed() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, _) = small(dir.path());
    let mut parts = Vec::new();
    let mut at = 16;
    while at < bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 1..at + 5].try_into().unwrap()) as usize;
        parts.push(&bytes[at..at + 9 + len]);
        at += 9 + len;
    }
    let path = dir.path().join("parts.scope");
    for which in 0..parts.len() {
        for times in [0, 2] {
            let mut file = bytes[..16].to_vec();
            for (number, part) in parts.iter().enumerate() {
                let times = if number == which { times } else { 1 };
                (0..times).for_each(|_| file.extend_from_slice(part));
            }
            fs::write(&path, &file).unwrap();
            assert!(
                Recording::open(&path, false).is_err(),
                "part {which}, {times} times"
            );
        }
    }
}

#[test]
fn a_later_version_is_told_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let (mut bytes, _) = small(dir.path());
    bytes[8..12].copy_from_slice(&7u32.to_le_bytes());
    let crc = crc32c(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    let path = dir.path().join("later.scope");
    fs::write(&path, &bytes).unwrap();
    let error = Recording::open(&path, true).unwrap_err();
    assert!(matches!(error, RecordingError::Version(7)), "{error}");
    assert!(error.to_string().contains("version 7"), "{error}");
}

/// Bit by bit: the table of the real one is no business of a test.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn nothing_but_a_plain_file_is_opened_or_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, _) = small(dir.path());
    let at = |name: &str| dir.path().join(name);
    fs::write(at("real"), &bytes).unwrap();
    symlink(at("real"), at("link")).unwrap();
    symlink(at("nowhere"), at("broken")).unwrap();
    let fifo = std::ffi::CString::new(at("fifo").to_str().unwrap()).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(fifo.to_str().unwrap())
            .status()
            .unwrap()
            .success()
    );
    for name in ["link", "broken", "fifo"] {
        let error = Recording::open(&at(name), true).unwrap_err();
        assert!(matches!(error, RecordingError::NotPlain), "{name}: {error}");
        let error = create(&at(name), true).unwrap();
        assert!(matches!(error, RecordingError::NotPlain), "{name}: {error}");
    }
    for device in ["/dev/zero", "/dev/null", "/dev/tty"] {
        let error = Recording::open(Path::new(device), true).unwrap_err();
        assert!(
            matches!(error, RecordingError::NotPlain | RecordingError::NoFile),
            "{error}"
        );
    }
    assert!(matches!(
        Recording::open(dir.path(), true),
        Err(RecordingError::IsFolder)
    ));
    assert!(matches!(
        create(dir.path(), true),
        Some(RecordingError::IsFolder)
    ));
    assert!(matches!(
        Recording::open(&at("none"), true),
        Err(RecordingError::NoFile)
    ));
    assert!(matches!(
        create(&at("no/file"), true),
        Some(RecordingError::NoFolder)
    ));
    assert!(matches!(
        create(&at("real/file"), true),
        Some(RecordingError::NoFolder)
    ));
}

fn create(path: &Path, overwrite: bool) -> Option<RecordingError> {
    Writer::create(path, overwrite, &about(), MEANINGS).err()
}

#[test]
fn a_file_is_replaced_if_it_may_be_and_once_the_new_one_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("twice.scope");
    fs::write(&path, b"something else").unwrap();
    assert!(matches!(create(&path, false), Some(RecordingError::Exists)));
    let begun = Writer::create(&path, true, &about(), MEANINGS).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"something else");
    drop(begun);
    let done = Writer::create(&path, true, &about(), MEANINGS).unwrap();
    done.finish(&outcome()).unwrap();
    assert_eq!(Recording::open(&path, false).unwrap().about(), &about());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // What came meanwhile is not replaced.
    let other = dir.path().join("other.scope");
    let late = writer(&other);
    fs::write(&other, b"somebody was faster").unwrap();
    assert!(matches!(
        late.finish(&outcome()),
        Err(RecordingError::Exists)
    ));
    assert_eq!(fs::read(&other).unwrap(), b"somebody was faster");
    let left = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 2, "files of what was not finished are left");
}

#[test]
fn what_a_full_disk_does_not_take_is_an_error_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "none"])
        .arg(dir.path())
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: nothing can be mounted here");
        return;
    }
    let mut writer = writer(&dir.path().join("full.scope"));
    let (store, names) = node_store(Origin::new("a@host", 1));
    let mut rng = Rng::new(1);
    let mut failed = None;
    for number in 0..60_000u64 {
        let event = Event {
            at: scope_store::Cursor {
                stamp: 1_000 + number,
                origin: Origin::new("a@host", 1),
                seq: number + 1,
            },
            kind: Kind::Mark,
            pid: None,
            subject: common::naive::Subject::None,
            correlation: None,
            data: Some(Value::binary(rng.next().to_le_bytes())),
        };
        push(&store, &names, &event, 0);
    }
    each(&store, &unlimited(&Query::default()), 2_048, |events| {
        if let Err(error) = writer.put(events) {
            failed.get_or_insert(error);
        }
    });
    let failed = failed.or_else(|| writer.finish(&outcome()).err()).unwrap();
    let left = fs::read_dir(dir.path()).unwrap().count();
    let unmounted = std::process::Command::new("umount")
        .arg(dir.path())
        .status();
    assert!(unmounted.unwrap().success());
    assert!(matches!(failed, RecordingError::Full), "{failed}");
    assert!(left <= 1);
}

#[test]
fn blocks_of_many_threads_and_any_length_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, names) = node_store(Origin::new("a@host", 1));
    let mut rng = Rng::new(5);
    let total = 3 * MAX_EVENTS as u64 + 17;
    for number in 0..total {
        // Threads are drained one after the other: stamps step back where the next one begins.
        let lane = (number / 50 % 7) as u16;
        let stamp = 1_000_000 + 100 * (number / 350) + number % 50;
        let event = RawEvent::new(Kind::Call, stamp, names.pid_word(1 + u32::from(lane)));
        store.push(lane, &event, 1);
    }
    let query = unlimited(&Query::default());
    for keep in [1, 1_000] {
        let path = dir.path().join(format!("{keep}.scope"));
        let mut writer = writer(&path);
        let mut chosen = Vec::new();
        each(&store, &query, 2_048, |events| {
            let some: Vec<Match> = events
                .iter()
                .filter(|_| rng.one_in(keep))
                .cloned()
                .collect();
            writer.put(&some).unwrap();
            chosen.extend(some.iter().map(whole));
        });
        let totals = writer.finish(&outcome()).unwrap();
        assert_eq!(totals.events, chosen.len() as u64);
        assert_eq!(all(&read(&path), &query), chosen);
        assert!(totals.bytes < 6 * totals.events + 1_000, "{totals:?}");
    }
}
