//! Where the time went, by function.

use crate::Picture;
use crate::spans::{Link, Spans};
use std::collections::HashMap;

/// What all spans of one function came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// The function.
    pub function: u32,
    /// The node, where each is counted by itself.
    pub node: Option<u32>,
    /// Its calls, also those of which only the end is known.
    pub calls: u64,
    /// How many of them have no known duration.
    pub open: u64,
    /// How many were left by an exception or by the end of their process.
    pub raised: u64,
    /// The time in them, that of a call within a call of the same function once.
    pub total_ns: u64,
    /// The time that was their own.
    pub self_ns: u64,
    /// Half of the calls with a known duration took no longer.
    pub p50_ns: Option<u64>,
    /// Of a hundred calls 99 took no longer.
    pub p99_ns: Option<u64>,
    /// The longest.
    pub max_ns: Option<u64>,
}

/// What functions are sorted by, the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The time in them.
    Total,
    /// The time that was their own.
    Own,
    /// How often they were called.
    Calls,
    /// The median.
    P50,
    /// The 99th percentile.
    P99,
    /// The longest call.
    Max,
}

/// The totals of all functions, of every node by itself or of all nodes together. O(n log n) for n spans.
#[must_use]
pub fn top(picture: &Picture, spans: &Spans, per_node: bool, by: By) -> Vec<Totals> {
    let mut found = Found::default();
    let mut stacks = Stacks::new(picture.processes().len());
    for (index, span) in (0..).zip(spans.spans()) {
        let inner = span.link == Link::Program;
        let again = stacks.enter(index, &span, inner.then_some(span.parent).flatten());
        let node = per_node.then(|| spans.node(picture, index)).flatten();
        let row = found.row(span.function, node);
        let totals = &mut found.rows[row as usize];
        totals.calls += 1;
        totals.raised += u64::from(span.raised);
        totals.open += u64::from(span.total_ns.is_none());
        totals.self_ns += span.self_ns.unwrap_or(0);
        if let Some(total) = span.total_ns {
            totals.total_ns += if again { 0 } else { total };
            found.durations.push((row, total));
        }
    }
    found.finish(by)
}

#[derive(Default)]
struct Found {
    rows: Vec<Totals>,
    known: HashMap<(u32, Option<u32>), u32>,
    durations: Vec<(u32, u64)>,
}

impl Found {
    fn row(&mut self, function: u32, node: Option<u32>) -> u32 {
        *self.known.entry((function, node)).or_insert_with(|| {
            self.rows.push(Totals {
                function,
                node,
                calls: 0,
                open: 0,
                raised: 0,
                total_ns: 0,
                self_ns: 0,
                p50_ns: None,
                p99_ns: None,
                max_ns: None,
            });
            self.rows.len() as u32 - 1
        })
    }

    fn finish(mut self, by: By) -> Vec<Totals> {
        self.durations.sort_unstable();
        for of_one in self.durations.chunk_by(|one, other| one.0 == other.0) {
            let row = &mut self.rows[of_one[0].0 as usize];
            row.p50_ns = Some(rank(of_one, 50));
            row.p99_ns = Some(rank(of_one, 99));
            row.max_ns = Some(rank(of_one, 100));
        }
        self.rows
            .sort_by_key(|row| (std::cmp::Reverse(figure(row, by)), row.function, row.node));
        self.rows
    }
}

/// The nearest rank: so many of a hundred are not larger.
fn rank(sorted: &[(u32, u64)], percent: usize) -> u64 {
    sorted[(sorted.len() * percent).div_ceil(100) - 1].1
}

fn figure(row: &Totals, by: By) -> u64 {
    match by {
        By::Total => row.total_ns,
        By::Own => row.self_ns,
        By::Calls => row.calls,
        By::P50 => row.p50_ns.unwrap_or(0),
        By::P99 => row.p99_ns.unwrap_or(0),
        By::Max => row.max_ns.unwrap_or(0),
    }
}

/// What each process is in, made again from the parents.
struct Stacks {
    stacks: Vec<Vec<(u32, u32)>>,
    /// By process and function: how often it is on the stack.
    open: HashMap<(u32, u32), u32>,
}

impl Stacks {
    fn new(processes: usize) -> Self {
        Self {
            stacks: vec![Vec::new(); processes],
            open: HashMap::new(),
        }
    }

    /// Whether a span lies within one of the same function in its process.
    fn enter(&mut self, index: u32, span: &crate::spans::Span, parent: Option<u32>) -> bool {
        let stack = &mut self.stacks[span.process as usize];
        while let Some(&(top, function)) = stack.last()
            && Some(top) != parent
        {
            stack.pop();
            if let Some(open) = self.open.get_mut(&(span.process, function)) {
                *open -= 1;
            }
        }
        stack.push((index, span.function));
        let open = self.open.entry((span.process, span.function)).or_default();
        *open += 1;
        *open > 1
    }
}
