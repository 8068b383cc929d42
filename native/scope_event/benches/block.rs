//! Bytes and nanoseconds an event, for two kinds of trace, beside a row encoding in the same run.

mod peers;
mod table;
mod traces;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use scope_event::block::MAX_EVENTS;
use scope_event::{Block, BlockBuilder, Codec, Interner, Origin, SymbolTable, consolidate};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use traces::Trace;

const NODE: &str = "shop@host.example";

fn builder(interner: &Arc<Interner>) -> BlockBuilder {
    BlockBuilder::new(Origin::new(NODE, 1), 1, interner.clone())
}

/// The trace as closed blocks of at most `events` events.
fn blocks(trace: &Trace, open: &mut BlockBuilder, events: usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    for step in &trace.steps {
        let event = trace.event(step);
        if open.len() >= events || open.push(step.lane, &event).is_err() {
            blocks.extend(open.close(0));
            assert!(open.push(step.lane, &event).is_ok());
        }
    }
    blocks.extend(open.close(0));
    blocks
}

/// The same blocks at rest, each as a consolidation of one.
fn at_rest(blocks: &[Block]) -> Vec<Block> {
    blocks
        .iter()
        .map_while(|block| consolidate(std::slice::from_ref(block), Codec::at_rest()).ok())
        .collect()
}

fn build(criterion: &mut Criterion) {
    let names = Arc::new(SymbolTable::new(NODE));
    let traces = traces::all(&names);
    let interner = Arc::new(Interner::new(names));
    if !std::env::args().any(|argument| argument == "--profile-time") {
        table::print(&traces, &interner);
    }
    let mut group = criterion.benchmark_group("block");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(2));
    for trace in &traces {
        group.throughput(Throughput::Elements(trace.steps.len() as u64));
        group.bench_with_input(
            BenchmarkId::new("build", trace.name),
            trace,
            |bench, trace| {
                let mut open = builder(&interner);
                bench.iter(|| black_box(blocks(trace, &mut open, MAX_EVENTS)));
            },
        );
        group.bench_with_input(
            BenchmarkId::new("row + LZ4", trace.name),
            trace,
            |bench, trace| {
                bench.iter(|| black_box(peers::rows(trace)));
            },
        );
        let closed = blocks(trace, &mut builder(&interner), MAX_EVENTS);
        group.bench_with_input(
            BenchmarkId::new("decode", trace.name),
            &closed,
            |bench, closed| {
                bench.iter(|| {
                    closed
                        .iter()
                        .for_each(|block| drop(black_box(block.events())))
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, build);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
