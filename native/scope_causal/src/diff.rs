//! Two runs of the same thing, compared.
//!
//! Not along time: what is concurrent comes in another order every time. An execution is a tree. What a process
//! does in a call follows in the order in which it does it; what a message leads to hangs below its send; what a
//! process started does hangs below the spawn. Trees of two executions are compared from the top, and where
//! all below two places says the same, nothing below is looked at again. Processes, nodes, references and times
//! are different in any two runs and are no difference.

mod align;
mod compare;
mod tree;

use crate::spans::Spans;
use crate::{At, Picture};

/// One of two executions.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What it is part of.
    pub picture: &'a Picture,
    /// The spans of that.
    pub spans: &'a Spans,
    /// Which part.
    pub part: Part,
}

/// Which events of a picture an execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of them.
    All,
    /// Those of a span and of all below it.
    Span(u32),
    /// Those of a correlation.
    Correlation(u32),
}

/// How two executions differ at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// There is nothing like it in the second.
    Missing,
    /// There is nothing like it in the first.
    Added,
    /// The second has something else in its place.
    Replaced,
    /// Arguments, a message or a state are others.
    Content,
    /// It returned or raised something else.
    Result,
    /// It returned in one, and not in the other.
    Ending,
    /// Its message was received in one, and not in the other.
    Reception,
}

/// One difference. The events are where it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is different.
    pub change: Change,
    /// In the first execution.
    pub left: Option<At>,
    /// In the second.
    pub right: Option<At>,
    /// What it lies in, in the first execution: a call or a send.
    pub within: Option<At>,
}

/// All differences, in the causal order of the first execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differences {
    /// At most as many as were asked for.
    pub first: Vec<Difference>,
    /// How many there are.
    pub count: usize,
    /// The events of each execution that were compared.
    pub events: (usize, usize),
}

/// Compares two executions and tells of the first `most` differences. `contents` says what an event says,
/// without what differs between any two runs (see [`content`](crate::content())), and is asked in the order
/// of the events, of either side.
#[must_use]
pub fn diff(
    left: Side<'_>,
    right: Side<'_>,
    mut contents: (impl FnMut(At) -> u64, impl FnMut(At) -> u64),
    most: usize,
) -> Differences {
    let one = tree::Tree::of(left, &mut contents.0);
    let other = tree::Tree::of(right, &mut contents.1);
    let mut first = compare::compare(&one, &other);
    first.sort_by_key(|found| found.order);
    Differences {
        count: first.len(),
        first: first
            .into_iter()
            .take(most)
            .map(|found| found.difference)
            .collect(),
        events: (one.events, other.events),
    }
}
