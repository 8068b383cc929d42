//! A folder that fails: blocks stay in memory, and what finds no room is told as one gap.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::node::{Node, folder_config, number};
use scope_event::{Kind, Value};
use scope_store::{Config, Notice, Query};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: a program that is being started holds, for a moment, a copy of every file of
/// this process, and with it the lock of a folder that another test has just let go.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Mounts 4 MiB of memory; `None` where that is not allowed.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount = Self(dir);
        run(
            "mount",
            &["-t", "tmpfs", "-o", "size=4m", "none"],
            mount.path(),
        )
        .then_some(mount)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, how: &str) {
        assert!(run(
            "mount",
            &["-o", &format!("remount,{how}"), "none"],
            self.path()
        ));
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        for size in [1 << 20, 64 << 10, 4096, 1] {
            let mut n = 0;
            while fs::write(
                self.path().join(format!("ballast{size}-{n}")),
                vec![0; size],
            )
            .is_ok()
            {
                n += 1;
            }
        }
    }

    fn free(&self) {
        for file in fs::read_dir(self.path()).unwrap() {
            let path = file.unwrap().path();
            if path.to_str().unwrap().contains("ballast") {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        run("umount", &[], self.0.path());
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    let run = Command::new(program).args(arguments).arg(path).output();
    run.is_ok_and(|run| run.status.success())
}

/// Room for few blocks while the folder fails.
fn config(dir: &Path, life: u64) -> Config {
    Config {
        unsaved_bytes: 8 << 10,
        segment_bytes: 256 << 10,
        ..folder_config(dir, life)
    }
}

/// Time passes, and the store is tended every half second.
fn tend(node: &mut Node, half_seconds: u64) {
    for _ in 0..half_seconds {
        node.now_ms += 500;
        let tended = node.store.tend(node.now_ms);
        node.notices.extend(tended.notices);
    }
}

/// The lives of a folder that fails, then fails differently, then works again.
fn survives(dir: &Path, break_it: impl FnOnce(), worse: impl FnOnce(), mend_it: impl FnOnce()) {
    let mut node = Node::with(config(dir, 1));
    node.blocks(10, 100);
    tend(&mut node, 4);
    assert!(node.notices.is_empty(), "{:?}", node.notices);
    break_it();
    trouble(&mut node);
    worse();
    trouble(&mut node);
    assert!(node.store.stats().health.is_degraded());
    assert_eq!(
        node.notices.len(),
        1,
        "one line says it: {:?}",
        node.notices
    );
    assert!(matches!(&node.notices[0], Notice::Degraded { reason } if !reason.is_empty()));
    mend_it();
    let back = node.recorded;
    tend(&mut node, 4);
    node.blocks(10, 100);
    tend(&mut node, 4);
    let Some(Notice::Recovered { lost }) = node.notices.last().cloned() else {
        panic!("{:?}", node.notices)
    };
    assert_eq!(node.notices.len(), 2, "{:?}", node.notices);
    check(&node, lost, back);
    node.store.shut(node.now_ms);
    let recorded = node.recorded;
    drop(node);
    let node = Node::with(config(dir, 2)).after(recorded);
    check(&node, lost, back);
}

fn trouble(node: &mut Node) {
    for _ in 0..20 {
        node.blocks(2, 100);
        tend(node, 2);
        assert!(node.store.stats().unsaved_bytes <= 8 << 10);
    }
}

/// `lost` calls are missing, all from the time of trouble, and one gap says so.
fn check(node: &Node, lost: u64, back: u64) {
    let events = node.all();
    let calls: Vec<u64> = events
        .iter()
        .filter(|e| e.kind() == Kind::Call)
        .map(|call| number(call) as u64)
        .collect();
    assert!(
        lost > 1_000 && calls.len() as u64 + lost == node.recorded,
        "{} + {lost}",
        calls.len()
    );
    assert!(
        (1..=1_000).all(|number| calls.contains(&number)),
        "from before"
    );
    assert!(
        (back + 1..=node.recorded).all(|number| calls.contains(&number)),
        "from after"
    );
    let gaps: Vec<_> = events
        .iter()
        .filter(|event| event.kind() == Kind::Gap)
        .collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].data_value(), Ok(Some(Value::Int(lost as i64))));
    assert_eq!(
        node.store
            .query(&Query {
                limit: usize::MAX,
                ..Query::default()
            })
            .dropped,
        lost
    );
}

#[test]
fn a_full_disk() {
    let _turn = turn();
    let Some(disk) = Tmpfs::mount() else {
        return eprintln!("skipped: mounting a tmpfs takes root");
    };
    survives(disk.path(), || disk.fill(), || {}, || disk.free());
}

#[test]
fn a_full_disk_that_is_made_read_only_and_back() {
    let _turn = turn();
    let Some(disk) = Tmpfs::mount() else {
        return eprintln!("skipped: mounting a tmpfs takes root");
    };
    let mend = || {
        disk.remount("rw");
        disk.free();
    };
    survives(disk.path(), || disk.fill(), || disk.remount("ro"), mend);
}

#[test]
fn a_disk_that_is_read_only_from_the_start() {
    let _turn = turn();
    let Some(disk) = Tmpfs::mount() else {
        return eprintln!("skipped: mounting a tmpfs takes root");
    };
    let mut node = Node::with(config(disk.path(), 1));
    node.blocks(10, 100);
    node.store.shut(node.now_ms);
    drop(node);
    disk.remount("ro");
    let mut node = Node::with(config(disk.path(), 2)).after(1_000);
    assert_eq!(node.numbers().len(), 1_000, "what is there can be read");
    node.blocks(1, 100);
    tend(&mut node, 4);
    assert!(node.store.stats().health.is_degraded());
    disk.remount("rw");
    tend(&mut node, 4);
    assert_eq!(node.notices.last(), Some(&Notice::Recovered { lost: 0 }));
    drop(node);
    assert_eq!(Node::with(config(disk.path(), 3)).numbers().len(), 1_100);
}

#[test]
fn a_folder_that_cannot_be_made_until_it_can() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    fs::write(&path, "a file is in the way").unwrap();
    let mut node = Node::with(config(&path, 1));
    node.blocks(3, 100);
    tend(&mut node, 4);
    assert!(
        matches!(node.notices[..], [Notice::Degraded { .. }]),
        "{:?}",
        node.notices
    );
    fs::remove_file(&path).unwrap();
    tend(&mut node, 4);
    assert_eq!(node.notices.last(), Some(&Notice::Recovered { lost: 0 }));
    drop(node);
    assert_eq!(Node::with(config(&path, 2)).numbers().len(), 300);
}
