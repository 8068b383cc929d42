//! The calls of 1,000,000 events, beside the plainest thing that could find them.
//!
//! The peer replays calls and returns on a stack for each process, in a map, and sums up the time of each
//! function: no messages, no losses, no order but that of the stamps, no percentiles, nothing that could be
//! shown. Both are given the same events, on one thread; the time is that of the processor.
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scope_bench::{CpuTime, Row};
use scope_causal::{By, Confidence, Input, Part, Picture, PictureBuilder, Side, Spans, Subject};
use scope_causal::{diff, flame, top};
use scope_clock::Stamp;
use scope_event::{Kind, Origin, Pid};
use std::collections::HashMap;
use std::sync::Arc;

/// Each asks another process: two calls, two messages, and what these end with.
const REQUESTS: u32 = 125_000;
const EVENTS: u32 = REQUESTS * 8;
const PROCESSES: u32 = 300;
const FUNCTIONS: u32 = 40;

struct Drawing {
    builder: PictureBuilder,
    origins: [Origin; 2],
    seqs: [u64; 2],
    names: Vec<Arc<str>>,
    ns: u64,
}

impl Drawing {
    fn event(&mut self, process: u32, kind: Kind, function: Option<u32>) -> (Origin, u64) {
        let node = (process % 2) as usize;
        self.seqs[node] += 1;
        self.ns += 1_000;
        let origin = self.origins[node].clone();
        let pid = Pid {
            node: Arc::clone(&origin.node),
            id: process,
            serial: 0,
            creation: 1,
        };
        let about = function.map_or(Subject::None, |function| Subject::Mfa {
            module: &self.names[0],
            function: &self.names[function as usize],
            arity: 1,
        });
        let input = Input {
            pid: Some(&pid),
            about,
            mono_ns: Some(self.ns as i64),
            ..Input::new(&origin, self.seqs[node], Stamp::from_ns(self.ns), kind)
        };
        self.builder.push(input).unwrap();
        (origin, self.seqs[node])
    }

    fn request(&mut self, number: u32) {
        let from = number.wrapping_mul(0x9e37_79b9) % (PROCESSES / 2) * 2;
        let to = from + 1;
        let (outer, inner) = (number % FUNCTIONS, (number + 7) % FUNCTIONS);
        self.event(from, Kind::Call, Some(outer));
        let sent = self.event(from, Kind::Send, None);
        let taken = self.event(to, Kind::Receive, None);
        self.event(to, Kind::Call, Some(inner));
        self.event(to, Kind::Return, Some(inner));
        let answered = self.event(to, Kind::Send, None);
        let received = self.event(from, Kind::Receive, None);
        self.event(from, Kind::Return, Some(outer));
        self.builder.pair(sent, taken, Confidence::Exact);
        self.builder.pair(answered, received, Confidence::Exact);
    }
}

fn picture() -> Picture {
    let names = (0..FUNCTIONS).map(|number| format!("f{number}").into());
    let mut drawing = Drawing {
        builder: PictureBuilder::new(),
        origins: [Origin::new("a@host", 1), Origin::new("b@host", 1)],
        seqs: [0; 2],
        names: names.collect(),
        ns: 0,
    };
    (0..REQUESTS).for_each(|number| drawing.request(number));
    drawing.builder.finish().unwrap()
}

/// The time in each function.
fn naive(picture: &Picture) -> HashMap<u32, i64> {
    let mut stacks: HashMap<u32, Vec<(u32, i64)>> = HashMap::new();
    let mut totals: HashMap<u32, i64> = HashMap::new();
    for at in 0..picture.len() as u32 {
        let (Some(process), Some(function)) = (picture.process(at), picture.function(at)) else {
            continue;
        };
        let stack = stacks.entry(process).or_default();
        let now = picture.mono_ns(at).unwrap();
        if picture.kind(at) == Kind::Call {
            stack.push((function, now));
        } else if let Some((function, began)) = stack.pop() {
            *totals.entry(function).or_default() += now - began;
        }
    }
    totals
}

fn spans(criterion: &mut Criterion<CpuTime>) {
    let picture = picture();
    let spans = Spans::build(&picture);
    let totals = top(&picture, &spans, false, By::Total);
    let plain = naive(&picture);
    assert_eq!(spans.len() as u32, REQUESTS * 2);
    assert!(
        totals
            .iter()
            .all(|row| plain[&row.function] == row.total_ns as i64)
    );
    Row::new(
        "spans of 1 M events: memory",
        "B/span",
        spans.bytes() as f64 / spans.len() as f64,
    )
    .print();

    let mut group = criterion.benchmark_group("spans");
    group.sample_size(10);
    group.throughput(Throughput::Elements(EVENTS.into()));
    group.bench_function("build", |bencher| bencher.iter(|| Spans::build(&picture)));
    group.bench_function("naive", |bencher| bencher.iter(|| naive(&picture)));
    group.bench_function("top", |bencher| {
        bencher.iter(|| top(&picture, &spans, true, By::Total))
    });
    group.bench_function("flame", |bencher| {
        bencher.iter(|| flame(&picture, &spans, None))
    });
    let side = Side {
        picture: &picture,
        spans: &spans,
        part: Part::All,
    };
    let same = || diff(side, side, (|_| 1, |_| 1), 10);
    assert_eq!(same().count, 0);
    group.bench_function("diff", |bencher| bencher.iter(same));
    group.finish();
}

fn rows(_: &mut Criterion<CpuTime>) {
    let at = |what| scope_bench::median(&["spans", what]);
    if let (Some(ours), Some(peer)) = (at("build"), at("naive")) {
        Row::new("spans of 1 M events", "ms", ours / 1e6)
            .beside("stacks in a map", peer / 1e6)
            .print();
    }
    for what in ["top", "flame", "diff"] {
        if let Some(ns) = at(what) {
            Row::new(format!("{what} of 1 M events"), "ms", ns / 1e6).print();
        }
    }
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = spans, rows
);
criterion_main!(benches);
