//! What a folder gives back: after a stop, after a kill at any byte, after damage anywhere.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::cases;
use common::node::{Node, up_to};
use common::random::Rng;
use scope_store::{Health, Notice};
use std::fs;
use std::path::{Path, PathBuf};

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// The folder of a node that recorded 40 blocks of 5 calls and was killed.
fn killed(dir: &Path) -> PathBuf {
    let mut node = Node::in_folder(dir, 1);
    for _ in 0..4 {
        node.blocks(5, 5);
        node.settle();
    }
    let active = files(dir, "active");
    assert_eq!(active.len(), 1);
    active[0].clone()
}

#[test]
fn everything_is_back_after_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    for life in 1..=4 {
        let mut node = Node::in_folder(dir.path(), life).after(1_000 * (life - 1));
        assert_eq!(node.all().len() as u64, (life - 1) * 1_000);
        node.calls(1_000);
        node.store.shut(node.now_ms);
        assert!(node.notices.is_empty());
    }
    let node = Node::in_folder(dir.path(), 5);
    assert_eq!(node.numbers(), up_to(4_000));
    assert_eq!(
        node.all().iter().filter(|event| event.seq() == 1).count(),
        4
    );
}

#[test]
fn a_block_is_durable_after_its_commit() {
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::in_folder(dir.path(), 1);
    node.blocks(3, 10);
    let tended = node.store.tend(node.now_ms);
    assert!(
        tended.next_ms.is_some_and(|next| next <= node.now_ms + 200),
        "{tended:?}"
    );
    assert_eq!(node.store.stats().commits, 0, "nothing is due yet");
    node.settle();
    let stats = node.store.stats();
    assert_eq!((stats.commits, stats.unsaved_bytes), (1, 0));
    // The next life may open while this one still stands: nothing more is written.
    drop(node);
    assert_eq!(Node::in_folder(dir.path(), 2).numbers(), up_to(30));
}

#[test]
fn a_kill_at_any_byte_leaves_all_that_was_whole() {
    let dir = tempfile::tempdir().unwrap();
    let active = killed(dir.path());
    let whole = fs::read(&active).unwrap();
    let mut held = 0;
    let step = if cases(1) > 1 { 1 } else { 3 };
    for len in (0..whole.len()).step_by(step) {
        fs::write(&active, &whole[..len]).unwrap();
        let node = Node::in_folder(dir.path(), 2);
        let numbers = node.numbers();
        assert_eq!(numbers, up_to(numbers.len()), "cut at {len}");
        assert!(
            numbers.len() >= held && numbers.len() % 5 == 0,
            "cut at {len}"
        );
        held = numbers.len();
        if len % 501 == 0 {
            // It goes on as if nothing had been.
            let mut node = node.after(held as u64);
            node.blocks(1, 5);
            node.settle();
            drop(node);
            assert_eq!(
                Node::in_folder(dir.path(), 3).all().len() as i64,
                held + 5,
                "cut at {len}"
            );
            let fresh = files(dir.path(), "active")
                .into_iter()
                .filter(|file| *file != active);
            fresh.for_each(|file| fs::remove_file(file).unwrap());
        }
    }
    assert_eq!(held, 95);
}

#[test]
fn what_was_cut_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let active = killed(dir.path());
    let mut bytes = fs::read(&active).unwrap();
    let len = bytes.len() as u64;
    bytes.extend_from_slice(b"half a record");
    fs::write(&active, bytes).unwrap();
    let mut node = Node::in_folder(dir.path(), 2);
    node.settle();
    let Notice::Cut(cut) = &node.notices[0] else {
        panic!("{:?}", node.notices)
    };
    assert_eq!((cut.at, cut.bytes), (len, 13));
    assert_eq!(node.store.stats().cuts, vec![*cut]);
    assert_eq!(node.numbers(), up_to(100));
    assert_eq!(fs::metadata(&active).unwrap().len(), len);
}

#[test]
fn damage_anywhere_hides_events_but_never_invents_any() {
    let dir = tempfile::tempdir().unwrap();
    let active = killed(dir.path());
    let whole = fs::read(&active).unwrap();
    let mut rng = Rng::new(7);
    for case in 0..cases(200) {
        let mut bytes = whole.clone();
        for _ in 0..=rng.below(3) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = rng.next() as u8;
        }
        fs::write(&active, &bytes).unwrap();
        let numbers = Node::in_folder(dir.path(), 2).numbers();
        assert_eq!(numbers, up_to(numbers.len()), "case {case}");
    }
}

/// A folder with sealed segments only, and how many calls are in it.
fn sealed(dir: &Path) -> i64 {
    let mut node = Node::in_folder(dir, 1);
    while node.store.stats().sealed_segments < 3 {
        node.blocks(10, 40);
        node.settle();
    }
    assert!(files(dir, "sealing").is_empty());
    let kept = node.numbers().len();
    for active in files(dir, "active") {
        fs::remove_file(active).unwrap();
    }
    drop(node);
    let node = Node::in_folder(dir, 2);
    let numbers = node.numbers();
    assert!(numbers.len() > kept / 2);
    assert_eq!(numbers, up_to(numbers.len()));
    numbers.len()
}

#[test]
fn sealed_segments_are_read_by_their_index_and_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let calls = sealed(dir.path());
    let first = &files(dir.path(), "segment")[0];
    let whole = fs::read(first).unwrap();
    // Without the trailer there is no index: the blocks are read instead.
    fs::write(first, &whole[..whole.len() - 1]).unwrap();
    let mut node = Node::in_folder(dir.path(), 2);
    assert_eq!(node.numbers(), up_to(calls));
    node.settle();
    assert_eq!(node.notices.len(), 1, "{:?}", node.notices);
}

#[test]
fn damaged_sealed_segments_are_left_out_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let calls = sealed(dir.path());
    let first = &files(dir.path(), "segment")[0];
    let whole = fs::read(first).unwrap();
    let mut rng = Rng::new(3);
    for case in 0..cases(200) {
        let mut bytes = whole.clone();
        let at = rng.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << rng.below(8);
        fs::write(first, &bytes).unwrap();
        let node = Node::in_folder(dir.path(), 2);
        let answer = node.store.query(&scope_store::Query {
            limit: usize::MAX,
            ..Default::default()
        });
        let held = answer.events.len() as i64 + answer.dropped as i64;
        let cut = !node.store.stats().cuts.is_empty();
        assert!(
            held == calls || cut,
            "case {case}: {held} of {calls}, byte {at}"
        );
        assert!(node.numbers().0.is_sorted());
    }
}

#[test]
fn a_kill_while_sealing_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for slices in 0..12 {
        let life = slices + 1;
        let node = Node::in_folder(dir.path(), life);
        let before = node.numbers().len();
        let mut node = node.after(before as u64);
        node.blocks(30, 40);
        for _ in 0..=slices {
            node.now_ms += 300;
            node.store.tend(node.now_ms);
        }
        let held = node.numbers();
        drop(node);
        let node = Node::in_folder(dir.path(), life + 1);
        assert_eq!(node.numbers(), held, "killed after {slices} slices");
        assert!(files(dir.path(), "sealing").is_empty());
    }
}

#[test]
fn a_store_that_was_shut_leaves_the_folder_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Node::in_folder(dir.path(), 1);
    first.blocks(3, 10);
    first.store.shut(first.now_ms);
    let second = Node::in_folder(dir.path(), 2);
    assert_eq!(second.store.stats().health, Health::Saving);
    assert_eq!((second.numbers(), first.numbers()), (up_to(30), up_to(30)));
    first.settle();
    assert_eq!(second.store.stats().health, Health::Saving);
}

#[test]
fn a_second_store_waits_for_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Node::in_folder(dir.path(), 1);
    first.blocks(1, 10);
    first.settle();
    let mut second = Node::in_folder(dir.path(), 2);
    second = second.after(10);
    second.blocks(1, 10);
    second.now_ms += 300;
    second.store.tend(second.now_ms);
    assert!(second.store.stats().health.is_degraded());
    assert_eq!(second.all().len(), 10);
    drop(first);
    second.now_ms += 3_000;
    second.settle();
    assert_eq!(second.notices.last(), Some(&Notice::Recovered { lost: 0 }));
    // With the folder came what it holds.
    assert_eq!(second.all().len(), 20);
    drop(second);
    assert_eq!(Node::in_folder(dir.path(), 3).all().len(), 20);
}

#[test]
fn expired_segments_leave_no_file_and_do_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let config = |life| scope_store::Config {
        retention_bytes: 64 << 10,
        segment_bytes: 8 << 10,
        ..common::node::folder_config(dir.path(), life)
    };
    let mut node = Node::with(config(1));
    for _ in 0..60 {
        node.blocks(4, 200);
        node.settle();
        let bytes: u64 = fs::read_dir(dir.path())
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum();
        assert!(bytes < 160 << 10, "{bytes} bytes on disk");
        assert!(node.store.stats().bytes <= 80 << 10);
    }
    let held = node.numbers();
    assert!(node.store.stats().expired_events > 10_000 && held.len() > 1_000);
    let origin = scope_sync::Origin::new("shop@host", 1);
    let known = scope_sync::Holdings::knowledge(&&node.store, &origin);
    assert_eq!(known.floor + 1, node.all()[0].seq());
    drop(node);
    let node = Node::with(config(2));
    assert_eq!(node.numbers(), held);
    assert_eq!(
        scope_sync::Holdings::knowledge(&&node.store, &origin),
        known
    );
}

#[test]
fn any_bytes_are_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let calls = sealed(dir.path());
    let names = files(dir.path(), "segment");
    let whole: Vec<Vec<u8>> = names.iter().map(|name| fs::read(name).unwrap()).collect();
    let mut rng = Rng::new(11);
    for case in 0..cases(100) {
        for (name, whole) in names.iter().zip(&whole) {
            fs::write(name.with_extension("segment"), garbled(&mut rng, whole)).unwrap();
            fs::write(name.with_extension("active"), garbled(&mut rng, whole)).unwrap();
        }
        let mut node = Node::in_folder(dir.path(), 2).after(10_000_000);
        assert!(node.numbers().len() <= calls, "case {case}");
        node.blocks(2, 5);
        node.settle();
        drop(node);
        let node = Node::in_folder(dir.path(), 3);
        assert_eq!(
            node.numbers().0.last(),
            Some(&(10_000_001, 10_000_010)),
            "case {case}"
        );
        drop(node);
        files(dir.path(), "active")
            .into_iter()
            .for_each(|file| fs::remove_file(file).unwrap());
    }
}

/// Parts of a file in any order, cut anywhere, behind its first bytes or not.
fn garbled(rng: &mut Rng, whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole[..rng.below(40) as usize].to_vec();
    for _ in 0..rng.below(6) {
        let from = rng.below(whole.len() as u64) as usize;
        let to = from + rng.below((whole.len() - from) as u64) as usize;
        bytes.extend_from_slice(&whole[from..to]);
        bytes.push(rng.next() as u8);
    }
    bytes
}
