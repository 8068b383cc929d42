//! The graph beside petgraph's `StableDiGraph`, `tarjan_scc` and `Bfs` in the same run.
//!
//! Modules in layers, eight dependencies each into lower ones, as the ids fall: what petgraph's
//! recursion survives. Both build from numbers, and both are asked the same; every answer is
//! compared before it is timed. The side measured is that of the caller, on one thread, and the
//! time is that of the processor: other work on the machine takes turns, but does not count.
#![allow(clippy::unwrap_used, reason = "a bench may panic")]
#![allow(clippy::print_stdout, reason = "sizes that belong beside the times")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use petgraph::algo::tarjan_scc;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::{Bfs, Reversed, Walker};
use scope_bench::{CpuTime, Row};
use scope_graph::{Builder, FileId, Graph, Kind, Kinds, ModuleId, Reference, Walk};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const DEGREE: usize = 8;

type Lists = Vec<Vec<usize>>;
type Peer = StableDiGraph<(), Kind>;

/// A small generator with a fixed seed (xorshift), so that every run sees the same graph.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 16) as usize
}

fn lists(modules: usize) -> Lists {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let list = |at: usize| {
        let mut list: Vec<_> = (0..DEGREE.min(at))
            .map(|_| random(&mut state) % at)
            .collect();
        list.sort_unstable();
        list.dedup();
        list
    };
    (0..modules).map(list).collect()
}

fn name(at: usize) -> String {
    format!("Elixir.Shop.Context{}.Module{at}", at % 97)
}

/// A builder with all names, as the side that talks to Erlang keeps them.
fn named(modules: usize) -> (Builder, Vec<ModuleId>, FileId) {
    let mut builder = Builder::with_capacity(modules);
    let ids = (0..modules)
        .map(|at| builder.module(&name(at)).unwrap())
        .collect();
    let file = builder.file("lib/shop.ex").unwrap();
    (builder, ids, file)
}

fn kind(to: usize) -> Kind {
    Kind::ALL[to % 3]
}

fn build((mut builder, ids, file): (Builder, Vec<ModuleId>, FileId), lists: &Lists) -> Graph {
    for (from, list) in ids.iter().zip(lists) {
        let references = list
            .iter()
            .map(|to| (ids[*to], kind(*to), Some((file, *to as u32))));
        builder.define(*from, references).unwrap();
    }
    builder.build()
}

fn peer(lists: &Lists) -> Peer {
    let edges = lists.iter().map(Vec::len).sum();
    let mut peer = Peer::with_capacity(lists.len(), edges);
    let ids: Vec<_> = lists.iter().map(|_| peer.add_node(())).collect();
    for (from, list) in lists.iter().enumerate() {
        for to in list {
            peer.add_edge(ids[from], ids[*to], kind(*to));
        }
    }
    peer
}

fn bulk(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("build");
    group.sample_size(20);
    for modules in SIZES {
        let lists = lists(modules);
        let graph = build(named(modules), &lists);
        assert_eq!(graph.edges(), peer(&lists).edge_count());
        let bytes = graph.to_bytes();
        assert_eq!(Graph::from_bytes(&bytes).unwrap(), graph);
        group.throughput(Throughput::Elements(graph.edges() as u64));
        let id = |what| BenchmarkId::new(what, modules);
        group.bench_function(id("ours"), |bencher| {
            let start = named(modules);
            bencher.iter_batched(
                || start.clone(),
                |start| build(start, &lists),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(id("petgraph StableDiGraph"), |bencher| {
            bencher.iter_with_large_drop(|| peer(&lists));
        });
        group.bench_function(id("ours with names"), |bencher| {
            bencher.iter_with_large_drop(|| build(named(modules), &lists));
        });
        group.bench_function(id("to bytes"), |bencher| bencher.iter(|| graph.to_bytes()));
        group.bench_function(id("from bytes"), |bencher| {
            bencher.iter_with_large_drop(|| Graph::from_bytes(&bytes));
        });
        println!(
            "{modules} modules: {:.2} bytes an edge",
            bytes.len() as f64 / graph.edges() as f64
        );
    }
}

fn whole(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("scc");
    group.sample_size(30);
    for modules in SIZES {
        let lists = lists(modules);
        let (graph, peer) = (build(named(modules), &lists), peer(&lists));
        assert_eq!(graph.components(Kinds::ALL).len(), tarjan_scc(&peer).len());
        let id = |what| BenchmarkId::new(what, modules);
        group.bench_function(id("ours"), |bencher| {
            bencher.iter(|| graph.components(Kinds::ALL))
        });
        group.bench_function(id("petgraph tarjan_scc"), |bencher| {
            bencher.iter(|| tarjan_scc(&peer))
        });
        group.bench_function(id("layers"), |bencher| {
            bencher.iter(|| graph.layers(Kinds::ALL))
        });
    }
}

fn one_module(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("one module changed");
    for modules in SIZES {
        let lists = lists(modules);
        let (mut graph, mut peer) = (build(named(modules), &lists), peer(&lists));
        let names: Vec<_> = (0..modules).map(name).collect();
        let mut state = 7;
        let mut change = || {
            let from = modules / 2 + random(&mut state) % (modules / 2);
            (from, [(); DEGREE].map(|()| random(&mut state) % from))
        };
        let id = |what| BenchmarkId::new(what, modules);
        group.bench_function(id("ours"), |bencher| {
            bencher.iter_batched(
                &mut change,
                |(from, list)| {
                    let list =
                        list.map(|to| Reference::new(&names[to], kind(to)).at("lib/shop.ex", 1));
                    graph.replace(&names[from], list).unwrap()
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function(id("petgraph StableDiGraph"), |bencher| {
            bencher.iter_batched(
                &mut change,
                |(from, list)| {
                    let from = NodeIndex::new(from);
                    let mut old = peer.neighbors(from).detach();
                    while let Some(edge) = old.next_edge(&peer) {
                        peer.remove_edge(edge);
                        old = peer.neighbors(from).detach();
                    }
                    list.map(|to| peer.update_edge(from, NodeIndex::new(to), kind(to)))
                },
                BatchSize::SmallInput,
            );
        });
        let same = lists[modules - 1].clone();
        let same: Vec<_> = same
            .iter()
            .map(|to| Reference::new(&names[*to], kind(*to)).at("lib/shop.ex", 1))
            .collect();
        graph
            .replace(&names[modules - 1], same.iter().copied())
            .unwrap();
        group.bench_function(id("ours, same list"), |bencher| {
            bencher.iter(|| {
                graph
                    .replace(&names[modules - 1], same.iter().copied())
                    .unwrap()
            });
        });
    }
}

/// A module with about half of the others above it.
fn subject(graph: &Graph) -> ModuleId {
    let ids: Vec<_> = graph.modules().collect();
    let distance = |id: &&ModuleId| {
        let hits = graph.walk(&[**id], Walk::dependents()).modules().len();
        hits.abs_diff(ids.len() / 2)
    };
    let tried = ids.iter().step_by((ids.len() / 300).max(1));
    *tried.min_by_key(distance).unwrap()
}

fn dependents(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("who depends on it");
    for modules in SIZES {
        let lists = lists(modules);
        let (graph, peer) = (build(named(modules), &lists), peer(&lists));
        let subject = subject(&graph);
        let at = NodeIndex::new(graph.modules().position(|id| id == subject).unwrap());
        let back = Reversed(&peer);
        let hits = graph.walk(&[subject], Walk::dependents()).modules().len();
        assert_eq!(Bfs::new(back, at).iter(back).count(), hits + 1);
        println!("{modules} modules: {hits} depend on it");
        group.throughput(Throughput::Elements(hits as u64));
        let id = |what| BenchmarkId::new(what, modules);
        group.bench_function(id("ours"), |bencher| {
            bencher.iter(|| graph.walk(black_box(&[subject]), Walk::dependents()));
        });
        group.bench_function(id("petgraph Bfs"), |bencher| {
            bencher.iter(|| Bfs::new(back, at).iter(back).collect::<Vec<_>>());
        });
        let top = graph.modules().last().unwrap();
        let far = *graph
            .walk(&[top], Walk::dependencies())
            .modules()
            .last()
            .unwrap();
        group.bench_function(id("why"), |bencher| {
            bencher.iter(|| graph.why(top, far, Kinds::ALL))
        });
    }
}

/// The rows of the largest graph. Dependents are per 50,000 hits, as their target is.
fn rows(_: &mut Criterion<CpuTime>) {
    let size = SIZES[2];
    let at = |group: &str, what: &str| scope_bench::median(&[group, what, &size.to_string()]);
    let row = |what: &str, group, peer: &str, scale: f64, target: f64| {
        let (Some(ours), Some(theirs)) = (at(group, "ours"), at(group, peer)) else {
            return;
        };
        Row::new(format!("graph of 100 k: {what}"), "µs", ours * scale / 1e3)
            .beside(peer, theirs * scale / 1e3)
            .at_most(target)
            .print();
    };
    row("build", "build", "petgraph StableDiGraph", 1.0, 20e3);
    row("components", "scc", "petgraph tarjan_scc", 1.0, 10e3);
    let changed = "one module changed";
    row(changed, changed, "petgraph StableDiGraph", 1.0, 20.0);
    let graph = build(named(size), &lists(size));
    let hits = graph.walk(&[subject(&graph)], Walk::dependents());
    let scale = 50e3 / hits.modules().len() as f64;
    let what = "who depends on it, per 50 k";
    row(what, "who depends on it", "petgraph Bfs", scale, 2e3);
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = bulk, whole, one_module, dependents, rows
);
criterion_main!(benches);
