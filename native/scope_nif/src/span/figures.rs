//! Where the time went: by function, and as a flame.

use super::{Handle, SpansRef};
use crate::symbols;
use rustler::{Env, NifResult};
use rustler::{NifMap, NifUnitEnum, Resource, ResourceArc, Term};
use scope_causal::{Block, Frame, flame, top};

#[derive(NifUnitEnum)]
enum By {
    Total,
    Own,
    Calls,
    P50,
    P99,
    Max,
}

#[derive(NifMap)]
struct Totals<'a> {
    function: Term<'a>,
    node: Option<Term<'a>>,
    calls: u64,
    open: u64,
    raised: u64,
    total_ns: u64,
    self_ns: u64,
    p50_ns: Option<u64>,
    p99_ns: Option<u64>,
    max_ns: Option<u64>,
}

/// A flame that is made, in order.
pub(crate) struct Flame {
    spans: SpansRef,
    frames: Vec<Frame>,
}

#[rustler::resource_impl]
impl Resource for Flame {}

// Nothing in it ever changes.
impl std::panic::RefUnwindSafe for Flame {}

#[derive(NifUnitEnum)]
enum Sort {
    Function,
    Waiting,
    Network,
}

#[derive(NifMap)]
struct Burning<'a> {
    sort: Sort,
    function: Option<Term<'a>>,
    node: Option<Term<'a>>,
    depth: u32,
    count: u64,
    unknown: u64,
    self_ns: u64,
    total_ns: u64,
}

/// The totals of functions, the first `most` by a figure, and how many functions there are.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_top(
    env: Env<'_>,
    spans: SpansRef,
    per_node: bool,
    by: By,
    most: usize,
) -> (usize, Vec<Totals<'_>>) {
    let by = match by {
        By::Total => scope_causal::By::Total,
        By::Own => scope_causal::By::Own,
        By::Calls => scope_causal::By::Calls,
        By::P50 => scope_causal::By::P50,
        By::P99 => scope_causal::By::P99,
        By::Max => scope_causal::By::Max,
    };
    let rows = top(&spans.drawn.picture, &spans.spans, per_node, by);
    let shown = rows.iter().take(most).map(|row| Totals {
        function: spans.function(env, row.function),
        node: row.node.and_then(|node| spans.node(env, node)),
        calls: row.calls,
        open: row.open,
        raised: row.raised,
        total_ns: row.total_ns,
        self_ns: row.self_ns,
        p50_ns: row.p50_ns,
        p99_ns: row.p99_ns,
        max_ns: row.max_ns,
    });
    (rows.len(), shown.collect())
}

/// The flame of all spans, or of one with what is below it.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_flame(spans: SpansRef, below: Option<u32>) -> ResourceArc<Flame> {
    let frames = flame(&spans.drawn.picture, &spans.spans, below);
    ResourceArc::new(Flame { spans, frames })
}

/// Some frames of a flame depth first, from the `from`-th on.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_frames(
    env: Env<'_>,
    flame: ResourceArc<Flame>,
    from: usize,
    count: usize,
) -> NifResult<Vec<Burning<'_>>> {
    let frames = flame.frames.iter().skip(from).take(count);
    Ok(frames
        .map(|frame| burning(env, &flame.spans, frame))
        .collect())
}

fn burning<'a>(env: Env<'a>, spans: &Handle, frame: &Frame) -> Burning<'a> {
    let (sort, function, node) = match frame.block {
        Block::Function { function, node } => (Sort::Function, Some(function), Some(node)),
        Block::Waiting => (Sort::Waiting, None, None),
        Block::Network => (Sort::Network, None, None),
    };
    Burning {
        sort,
        function: function.map(|function| spans.function(env, function)),
        node: node.and_then(|node| spans.node(env, node)),
        depth: frame.depth,
        count: frame.count,
        unknown: frame.unknown,
        self_ns: frame.self_ns,
        total_ns: frame.total_ns,
    }
}

impl Handle {
    pub(super) fn node<'a>(&self, env: Env<'a>, index: u32) -> Option<Term<'a>> {
        let name = self.drawn.picture.nodes().get(index as usize)?;
        Some(symbols::atom(env, name))
    }
}
