//! What a file is said to hold is what was written to it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::node::Node;
use scope_store::{Survey, survey};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The files of a folder, in the order of their segments.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some())
        .collect();
    files.sort();
    files
}

/// Surveys of all files of a folder with 40 blocks of 50 calls.
fn surveys(dir: &Path) -> Vec<Survey> {
    let mut node = Node::in_folder(dir, 1);
    for _ in 0..40 {
        node.blocks(1, 50);
        node.settle();
    }
    files(dir)
        .iter()
        .map(|file| survey(&File::open(file).unwrap()).unwrap())
        .collect()
}

#[test]
fn files_of_a_store_are_whole_and_hold_all_events() {
    let dir = tempfile::tempdir().unwrap();
    let surveys = surveys(dir.path());
    assert_eq!(surveys.iter().map(|found| found.events).sum::<u64>(), 2_000);
    for found in &surveys {
        assert_eq!((found.left, found.readable), (0, found.blocks), "{found:?}");
        assert!(found.listed.is_none_or(|listed| listed == found.blocks));
    }
    assert!(surveys.is_sorted_by_key(|found| found.segment));
}

#[test]
fn what_makes_no_sense_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let before = surveys(dir.path());
    let file = files(dir.path()).remove(0);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 20]).unwrap();
    let after = survey(&File::open(&file).unwrap()).unwrap();
    assert_eq!(after.segment, before[0].segment);
    assert_eq!(
        (after.listed, after.whole + after.left),
        (None, bytes.len() as u64 - 20)
    );
    assert!(after.left > 0 && after.whole < before[0].whole);
    assert_eq!(
        survey(&File::open(dir.path().join("lock")).unwrap()).unwrap(),
        Survey::default()
    );
}
