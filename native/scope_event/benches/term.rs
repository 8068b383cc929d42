//! What it costs to write a bounded term, to ask a redactor, and to say what changed in a state.
//!
//! The peer of a term is the same in Erlang's external format into a buffer of its own, unbounded,
//! atoms as text; the peer of a delta is the state as it is, with LZ4.

use criterion::{Criterion, criterion_group, criterion_main};
use scope_bench::{CpuTime, Row};
use scope_event::{Budget, Guard, Redactor, Rules, SymbolTable, TermWriter, apply, delta};
use std::hint::black_box;

/// The words of the atoms in use.
struct Words {
    names: SymbolTable,
    keys: [u64; 3],
    ok: u64,
}

const KEYS: [&str; 3] = ["id", "user", "total"];

impl Words {
    fn new() -> Self {
        let names = SymbolTable::new("shop@host");
        Self {
            keys: KEYS.map(|key| names.word(key)),
            ok: names.word("ok"),
            names,
        }
    }
}

fn written(write: impl FnOnce(&mut TermWriter<'_>)) -> usize {
    let mut room = [0; 256];
    let mut to = TermWriter::new(&mut room, Budget::ARGUMENTS);
    write(&mut to);
    black_box(to.finish()).len()
}

fn redacted(redactor: &Redactor, words: &Words) -> usize {
    let mut room = [0; 256];
    let mut to = TermWriter::new(&mut room, Budget::ARGUMENTS);
    to.guard(Guard::new(redactor, &words.names));
    map_of_three(&mut to, words);
    black_box(to.finish()).len()
}

fn two_small(to: &mut TermWriter<'_>, words: &Words) {
    let _ = to.list();
    let _ = to.atom(black_box(words.ok));
    let _ = to.int(black_box(1234));
    let _ = to.end();
}

fn map_of_three(to: &mut TermWriter<'_>, words: &Words) {
    let _ = to.map(3, None);
    let _ = to.atom(black_box(words.keys[0]));
    let _ = to.int(black_box(17));
    let _ = to.atom(black_box(words.keys[1]));
    let _ = to.binary(black_box(b"ada"), 3);
    let _ = to.atom(black_box(words.keys[2]));
    let _ = to.int(black_box(42));
}

fn external_two() -> Vec<u8> {
    let mut out = vec![131, 108, 0, 0, 0, 2];
    external_atom(black_box("ok"), &mut out);
    external_int(black_box(1234), &mut out);
    out.push(106);
    out
}

fn external_map() -> Vec<u8> {
    let mut out = vec![131, 116, 0, 0, 0, 3];
    external_atom(black_box(KEYS[0]), &mut out);
    external_int(black_box(17), &mut out);
    external_atom(black_box(KEYS[1]), &mut out);
    out.extend_from_slice(&[109, 0, 0, 0, 3]);
    out.extend_from_slice(black_box(b"ada"));
    external_atom(black_box(KEYS[2]), &mut out);
    external_int(black_box(42), &mut out);
    out
}

fn external_atom(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&[119, text.len() as u8]);
    out.extend_from_slice(text.as_bytes());
}

fn external_int(value: i32, out: &mut Vec<u8>) {
    match u8::try_from(value) {
        Ok(small) => out.extend_from_slice(&[97, small]),
        Err(_) => {
            out.push(98);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

fn terms(criterion: &mut Criterion<CpuTime>) {
    let words = Words::new();
    let rules = Rules::default().key_containing("password").key("token");
    let redactor = Redactor::new(rules);
    let mut group = criterion.benchmark_group("term");
    group.bench_function("integer", |bench| {
        bench.iter(|| written(|to| _ = to.int(black_box(17))));
    });
    group.bench_function("integer, external", |bench| {
        bench.iter(|| {
            let mut out = vec![131];
            external_int(black_box(17), &mut out);
            black_box(out)
        });
    });
    group.bench_function("two small terms", |bench| {
        bench.iter(|| written(|to| two_small(to, &words)));
    });
    group.bench_function("two small terms, external", |bench| {
        bench.iter(external_two)
    });
    group.bench_function("map of three", |bench| {
        bench.iter(|| written(|to| map_of_three(to, &words)));
    });
    group.bench_function("map of three, external", |bench| bench.iter(external_map));
    group.bench_function("map of three, redacted", |bench| {
        bench.iter(|| redacted(&redactor, &words));
    });
    group.finish();
}

/// A state of about a kilobyte: a map of thirty fields.
fn state(words: &SymbolTable, changed: i64) -> Vec<u8> {
    let mut room = [0; 8192];
    let mut to = TermWriter::new(&mut room, Budget::STATES);
    let _ = to.map(30, None);
    for field in 0..30 {
        let _ = to.atom(words.word(&format!("field_{field}")));
        let text = format!("the value of field number {field}");
        let _ = match field {
            14 => to.int(changed),
            _ => to.binary(text.as_bytes(), text.len() as u64),
        };
    }
    to.finish().to_vec()
}

fn change(from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    delta(from, to, &mut out);
    out
}

fn deltas(criterion: &mut Criterion<CpuTime>) {
    let words = SymbolTable::new("shop@host");
    let (before, after) = (state(&words, 1_000), state(&words, 1_001));
    assert_eq!(apply(&change(&before, &after), &before), Ok(after.clone()));
    let mut group = criterion.benchmark_group("delta");
    group.bench_function("one field", |bench| {
        bench.iter(|| change(black_box(&before), black_box(&after)));
    });
    group.bench_function("unchanged", |bench| {
        bench.iter(|| change(black_box(&before), black_box(&before)));
    });
    group.bench_function("LZ4", |bench| {
        bench.iter(|| lz4_flex::block::compress(black_box(&after)));
    });
    group.finish();
    let whole = lz4_flex::block::compress(&after).len() as f64;
    for (what, bytes, target) in [
        ("one field of 1 kB changed", change(&before, &after), 24.0),
        ("nothing of 1 kB changed", change(&before, &before), 2.0),
    ] {
        Row::new(format!("delta: {what}"), "B", bytes.len() as f64)
            .beside("whole, LZ4", whole)
            .at_most(target)
            .print();
    }
}

fn rows(_: &mut Criterion<CpuTime>) {
    let row = |what: &str, ours: &[&str], peer: &[&str], name: &str| {
        let (ours, peer) = (scope_bench::median(ours)?, scope_bench::median(peer)?);
        Some(Row::new(what, "ns", ours).beside(name, peer))
    };
    let term = |what: &str, peer: &str, target: Option<f64>| {
        let (title, peer) = (format!("term: {what}"), format!("{peer}, external"));
        let row = row(&title, &["term", what], &["term", &peer], "external format");
        let row = row.map(|row| target.map_or(row.clone(), |most| row.at_most(most)));
        row.into_iter().for_each(|row| row.print());
    };
    term("integer", "integer", None);
    term("two small terms", "two small terms", Some(45.0));
    term("map of three", "map of three", Some(150.0));
    term("map of three, redacted", "map of three", Some(150.0));
    for what in ["one field", "unchanged"] {
        let title = format!("delta: {what}, 1 kB");
        let row = row(&title, &["delta", what], &["delta", "LZ4"], "whole, LZ4");
        row.into_iter().for_each(|row| row.print());
    }
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = terms, deltas, rows
);
criterion_main!(benches);
