//! Pictures of 10,000, 100,000 and 1,000,000 events, and questions to them.
//!
//! A request goes from one of 300 processes to another one and back, through two calls; the clocks of
//! three nodes differ by less than a message takes, or by more, so that causal order has to be found. The
//! peer is the topological sort of petgraph over the same graph, which is already built: no stamps, no
//! corrections, no names.
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};
use scope_bench::{CpuTime, Row};
use scope_causal::{At, Confidence, Input, Picture, PictureBuilder, Relation, Subject};
use scope_clock::Stamp;
use scope_event::{Kind, Origin, Pid};
use std::sync::Arc;

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];
const NODES: [&str; 3] = ["a@host", "b@host", "c@host"];
const PROCESSES: u32 = 300;

/// Events of one request: a call, its message there, a call and a return there, and the way back.
const REQUEST: u32 = 8;

/// How far the clock of the last node is behind, in nanoseconds.
const SKEWS: [u64; 2] = [0, 5_000];

struct Names {
    origins: Vec<Origin>,
    pids: Vec<Pid>,
    module: Arc<str>,
    functions: Vec<Arc<str>>,
}

fn names() -> Names {
    let pid = |id: u32| Pid {
        node: NODES[(id % 3) as usize].into(),
        id,
        serial: 0,
        creation: 1,
    };
    Names {
        origins: NODES.iter().map(|node| Origin::new(*node, 1)).collect(),
        pids: (0..PROCESSES).map(pid).collect(),
        module: "Elixir.Shop".into(),
        functions: (0..50).map(|n| format!("f{n}").into()).collect(),
    }
}

/// One event: when, of which process, what, and about which function or process.
type Event = (u64, u32, Kind, u32);

fn events(size: u32, skew: u64) -> Vec<Event> {
    let request = |number: u32| {
        let spread = number.wrapping_mul(0x9e37_79b9);
        let (from, to) = (spread % PROCESSES, (spread >> 12) % PROCESSES);
        let at = |step: u64, process: u32| {
            let behind = if process % 3 == 2 { skew } else { 0 };
            100_000 + u64::from(number) * 1_000 + step * 1_200 - behind
        };
        [
            (at(0, from), from, Kind::Call, number % 50),
            (at(1, from), from, Kind::Send, to),
            (at(2, to), to, Kind::Receive, from),
            (at(3, to), to, Kind::Call, (number + 1) % 50),
            (at(4, to), to, Kind::Return, (number + 1) % 50),
            (at(5, to), to, Kind::Send, from),
            (at(6, from), from, Kind::Receive, to),
            (at(7, from), from, Kind::Return, number % 50),
        ]
    };
    (0..size / REQUEST).flat_map(request).collect()
}

/// Events in stamp order, each with its number before that.
fn sorted(events: &[Event]) -> Vec<(Event, u64)> {
    let mut sorted: Vec<_> = events.iter().copied().zip(1..).collect();
    sorted.sort_by_key(|((ns, process, ..), number)| (*ns, process % 3, *number));
    sorted
}

fn builder(names: &Names, sorted: &[(Event, u64)]) -> PictureBuilder {
    let mut builder = PictureBuilder::new();
    for &((ns, process, kind, about), number) in sorted {
        let about = match kind {
            Kind::Send | Kind::Receive => Subject::Pid(&names.pids[about as usize]),
            _ => Subject::Mfa {
                module: &names.module,
                function: &names.functions[about as usize],
                arity: 1,
            },
        };
        let origin = &names.origins[(process % 3) as usize];
        let input = Input {
            pid: Some(&names.pids[process as usize]),
            about,
            mono_ns: Some(ns as i64),
            correlation: Some((number - 1) / u64::from(REQUEST)),
            ..Input::new(origin, number, Stamp::from_ns(ns), kind)
        };
        builder.push(input).unwrap();
    }
    pair(&mut builder, names, sorted.len() as u64);
    builder
}

fn pair(builder: &mut PictureBuilder, names: &Names, events: u64) {
    for request in 0..events / u64::from(REQUEST) {
        let spread = (request as u32).wrapping_mul(0x9e37_79b9);
        let (from, to) = (spread % PROCESSES, (spread >> 12) % PROCESSES);
        let id = |process: u32, step: u64| {
            let origin = names.origins[(process % 3) as usize].clone();
            (origin, request * u64::from(REQUEST) + step)
        };
        builder.pair(id(from, 2), id(to, 3), Confidence::Exact);
        builder.pair(id(to, 6), id(from, 7), Confidence::Exact);
    }
}

/// The same graph for the peer.
fn graph(picture: &Picture) -> DiGraph<(), ()> {
    let mut graph = DiGraph::with_capacity(picture.len(), picture.len() * 2);
    for _ in 0..picture.len() {
        graph.add_node(());
    }
    let node = |at: At| NodeIndex::new(at as usize);
    for at in 0..picture.len() as At {
        if let Some(behind) = picture.behind(at) {
            graph.add_edge(node(at), node(behind), ());
        }
    }
    for edge in picture.edges() {
        graph.add_edge(node(edge.cause), node(edge.effect), ());
    }
    graph
}

fn pictures(criterion: &mut Criterion<CpuTime>) {
    let names = names();
    for (size, skew) in SIZES
        .into_iter()
        .flat_map(|size| SKEWS.map(|skew| (size, skew)))
    {
        let sorted = sorted(&events(size, skew));
        let picture = builder(&names, &sorted).finish().unwrap();
        assert_eq!(
            picture.edges().len() as u32,
            picture.len() as u32 / REQUEST * 2
        );
        assert!(picture.left_out().is_empty());
        assert_eq!(picture.corrections().is_empty(), skew == 0);
        let mut group = criterion.benchmark_group("picture");
        group.sample_size(10);
        group.throughput(Throughput::Elements(size.into()));
        let id = |what: &str| BenchmarkId::new(format!("{what} {skew}"), size);
        group.bench_function(id("build"), |bencher| {
            bencher.iter(|| builder(&names, &sorted).finish().unwrap().len());
        });
        group.bench_function(id("finish"), |bencher| {
            bencher.iter_batched(
                || builder(&names, &sorted),
                |builder| builder.finish().unwrap(),
                BatchSize::LargeInput,
            );
        });
        if skew > 0 {
            questions(&mut group, &picture, id);
            let graph = graph(&picture);
            group.bench_function(id("toposort"), |bencher| {
                bencher.iter(|| toposort(&graph, None).unwrap().len());
            });
        }
    }
}

fn questions(
    group: &mut criterion::BenchmarkGroup<'_, CpuTime>,
    picture: &Picture,
    id: impl Fn(&str) -> BenchmarkId,
) {
    let (first, last) = (picture.order()[0], picture.order()[picture.len() - 1]);
    assert_ne!(picture.relation(first, last), Relation::Unknown);
    group.bench_function(id("relation"), |bencher| {
        bencher.iter(|| picture.relation(first, last));
    });
    assert!(!picture.led_to(last).is_empty());
    group.bench_function(id("led to"), |bencher| {
        bencher.iter(|| picture.led_to(last))
    });
}

fn rows(_: &mut Criterion<CpuTime>) {
    for size in SIZES {
        let size = size.to_string();
        let at = |what: &str| scope_bench::median(&["picture", what, &size]).map(|ns| ns / 1e6);
        let row =
            |what: &str, ms: f64| Row::new(format!("picture of {size} events: {what}"), "ms", ms);
        if let Some((ours, peer)) = at("finish 5000").zip(at("toposort 5000")) {
            row("order and edges", ours)
                .beside("petgraph toposort", peer)
                .print();
        }
        let others = [
            ("build", "build 0"),
            ("build, clocks apart", "build 5000"),
            ("relation of the first and the last", "relation 5000"),
            ("all that led to the last", "led to 5000"),
        ];
        for (what, of) in others {
            if let Some(ms) = at(of) {
                row(what, ms).print();
            }
        }
    }
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = pictures, rows
);
criterion_main!(benches);
