//! What each format takes of the processor for one event: of requests with two nodes, nested calls,
//! messages, an exception, figures, marks and losses. Picture and spans are made beforehand.
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scope_bench::{CpuTime, Row};
use scope_causal::{Picture, Spans};
use scope_export::{Callgrind, Encoding, Folded, Format, Mermaid, Otlp, Perfetto, Shiviz, Trace};
use scope_export::{Speedscope, csv_record, json_line};
use support::{Own, Story, fixture};

const REQUESTS: u64 = 500;

/// A format's name and how one begins.
type Made = (&'static str, fn() -> Box<dyn Format>);

const FORMATS: [Made; 8] = [
    ("Perfetto", || Box::new(Perfetto::default())),
    ("OTLP", || Box::new(Otlp::new(Encoding::Protobuf))),
    ("OTLP in JSON", || Box::new(Otlp::new(Encoding::Json))),
    ("ShiViz", || Box::new(Shiviz::default())),
    ("Mermaid", || Box::new(Mermaid::default())),
    ("folded stacks", || Box::new(Folded::default())),
    ("speedscope", || Box::new(Speedscope::default())),
    ("callgrind", || Box::new(Callgrind::default())),
];

/// The story of the golden files, again and again.
fn story() -> Story {
    let one = fixture::story();
    let mut story = Story::default();
    for request in 0..REQUESTS {
        let first = story.events.len();
        story
            .events
            .extend(one.events.iter().cloned().map(|mut event| {
                event.seq += request * 100;
                event.ns += request * 2_000;
                event
            }));
        let pairs = one.pairs.iter();
        story
            .pairs
            .extend(pairs.map(|(one, other, sure)| (one + first, other + first, *sure)));
    }
    story
}

fn written(story: &Story, picture: &Picture, spans: &Spans, format: &mut dyn Format) -> usize {
    let trace = Trace {
        picture,
        spans,
        lacks: &story.lacks,
    };
    let mut bytes = 0;
    loop {
        let mut out = Vec::new();
        let more = format
            .step(&trace, &mut Own(story, picture), &mut out)
            .unwrap();
        bytes += out.len();
        if !more {
            return bytes;
        }
    }
}

fn formats(criterion: &mut Criterion<CpuTime>) {
    let story = story();
    let picture = story.picture();
    let spans = Spans::build(&picture);
    let mut group = criterion.benchmark_group("export");
    group.sample_size(10);
    group.throughput(Throughput::Elements(story.events.len() as u64));
    for (name, begin) in FORMATS {
        assert!(written(&story, &picture, &spans, &mut *begin()) > 0);
        group.bench_function(name, |bencher| {
            bencher.iter(|| written(&story, &picture, &spans, &mut *begin()));
        });
    }
    let mut out = Vec::new();
    group.bench_function("JSON Lines", |bencher| {
        bencher.iter(|| {
            out.clear();
            story
                .events
                .iter()
                .for_each(|event| json_line(&event.row(), &mut out).unwrap());
        });
    });
    group.bench_function("CSV", |bencher| {
        bencher.iter(|| {
            out.clear();
            story
                .events
                .iter()
                .for_each(|event| csv_record(&event.row(), &mut out).unwrap());
        });
    });
    #[cfg(feature = "parquet")]
    group.bench_function("Parquet", |bencher| {
        bencher.iter(|| {
            out.clear();
            let mut file = scope_export::ParquetWriter::new().unwrap();
            story
                .events
                .iter()
                .for_each(|event| file.row(&event.row(), &mut out).unwrap());
            file.finish(&mut out).unwrap();
        });
    });
}

fn rows(_: &mut Criterion<CpuTime>) {
    let events = story().events.len() as f64;
    let tables = ["JSON Lines", "CSV", "Parquet"];
    for name in FORMATS.iter().map(|(name, _)| *name).chain(tables) {
        if let Some(ns) = scope_bench::median(&["export", name]) {
            Row::new(format!("export an event: {name}"), "ns", ns / events).print();
        }
    }
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = formats, rows
);
criterion_main!(benches);
