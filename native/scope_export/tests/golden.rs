//! One small story in every format, as files that people can look at.
//!
//! `SCOPE_GOLDEN=1 cargo test -p scope_export --test golden` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use scope_export::{Callgrind, Encoding, Folded, Mermaid, Otlp, Perfetto, Shiviz, Speedscope};
use scope_export::{csv_header, csv_record, json_line};
use std::path::Path;
use support::{fixture, wire};

fn same(name: &str, found: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("SCOPE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read(&path).unwrap_or_default();
    assert!(
        expected == found,
        "{name} is not what it was:\n{}",
        String::from_utf8_lossy(found)
    );
}

#[test]
fn tables() {
    let story = fixture::story();
    let (mut lines, mut csv) = (Vec::new(), Vec::new());
    csv_header(&mut csv).unwrap();
    for event in &story.events {
        json_line(&event.row(), &mut lines).unwrap();
        csv_record(&event.row(), &mut csv).unwrap();
    }
    same("story.jsonl", &lines);
    same("story.csv", &csv);
}

#[test]
fn perfetto() {
    let bytes = fixture::story().written(&mut Perfetto::default());
    same("story.perfetto", &bytes);
    let paths: [&[u64]; 12] = [
        &[1],
        &[1, 6],
        &[1, 6, 1],
        &[1, 11],
        &[1, 11, 4],
        &[1, 12],
        &[1, 12, 2],
        &[1, 59],
        &[1, 60],
        &[1, 60, 3],
        &[1, 60, 4],
        &[1, 60, 8],
    ];
    same("story.perfetto.txt", wire::text(&bytes, &paths).as_bytes());
}

#[test]
fn otlp() {
    let story = fixture::story();
    let bytes = story.written(&mut Otlp::new(Encoding::Protobuf));
    same("story.otlp", &bytes);
    let paths: [&[u64]; 17] = [
        &[1],
        &[1, 1],
        &[1, 1, 1],
        &[1, 1, 1, 2],
        &[1, 2],
        &[1, 2, 1],
        &[1, 2, 2],
        &[1, 2, 2, 9],
        &[1, 2, 2, 9, 2],
        &[1, 2, 2, 11],
        &[1, 2, 2, 11, 3],
        &[1, 2, 2, 11, 3, 2],
        &[1, 2, 2, 13],
        &[1, 2, 2, 13, 4],
        &[1, 2, 2, 13, 4, 2],
        &[1, 2, 2, 15],
        &[1, 3],
    ];
    same("story.otlp.txt", wire::text(&bytes, &paths).as_bytes());
    same(
        "story.otlp.json",
        &story.written(&mut Otlp::new(Encoding::Json)),
    );
}

#[test]
fn shiviz() {
    same(
        "story.shiviz.log",
        &fixture::story().written(&mut Shiviz::default()),
    );
}

#[test]
fn mermaid() {
    same(
        "story.mmd",
        &fixture::story().written(&mut Mermaid::default()),
    );
}

#[test]
fn folded() {
    same(
        "story.folded",
        &fixture::story().written(&mut Folded::default()),
    );
}

#[test]
fn speedscope() {
    same(
        "story.speedscope.json",
        &fixture::story().written(&mut Speedscope::default()),
    );
}

#[test]
fn callgrind() {
    same(
        "callgrind.out.story",
        &fixture::story().written(&mut Callgrind::default()),
    );
}
