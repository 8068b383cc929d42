//! Spans in causal order, and the forest that they are.

use super::stack::Found;
use super::{NONE, Row, Wait};
use crate::Picture;

/// Puts spans into the order of their first events, wherever they are named.
pub(crate) fn in_order(
    picture: &Picture,
    found: Found,
    mut waits: Vec<Wait>,
) -> (Vec<Row>, Vec<u32>, Vec<Wait>) {
    let Found {
        rows, mut inside, ..
    } = found;
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    order.sort_unstable_by_key(|&span| picture.place(rows[span as usize].first()));
    let mut new = vec![NONE; rows.len()];
    for (at, &span) in (0..).zip(&order) {
        new[span as usize] = at;
    }
    let renamed = |span: u32| new.get(span as usize).copied().unwrap_or(NONE);
    inside.iter_mut().for_each(|span| *span = renamed(*span));
    waits
        .iter_mut()
        .for_each(|wait| wait.span = renamed(wait.span));
    waits.sort_by_key(|wait| (wait.span, wait.received));
    let row = |&span: &u32| {
        let row = rows[span as usize];
        Row {
            parent: renamed(row.parent),
            ..row
        }
    };
    let rows = order.iter().map(row).collect();
    (rows, inside, waits)
}

/// Who is below whom.
#[derive(Debug)]
pub(crate) struct Forest {
    /// Where the children of a span begin among `children`; they end where those of the next one begin. Those
    /// of nobody stand behind all others.
    starts: Vec<u32>,
    children: Vec<u32>,
    /// Every span behind its parent and before its parent's next sibling.
    depth_first: Vec<u32>,
    /// By span: the place among `depth_first`.
    places: Vec<u32>,
    /// By span: how many are below it.
    below: Vec<u32>,
    depths: Vec<u32>,
}

impl Forest {
    /// Of spans whose parents stand before them.
    pub(crate) fn of(rows: &[Row]) -> Self {
        let (starts, children) = children(rows);
        let mut forest = Self {
            starts,
            children,
            depth_first: Vec::with_capacity(rows.len()),
            places: vec![0; rows.len()],
            below: vec![0; rows.len()],
            depths: vec![0; rows.len()],
        };
        for (span, row) in rows
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, row)| row.parent != NONE)
        {
            forest.below[row.parent as usize] += forest.below[span] + 1;
        }
        for (span, row) in rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.parent != NONE)
        {
            forest.depths[span] = forest.depths[row.parent as usize] + 1;
        }
        forest.walk();
        forest
    }

    fn walk(&mut self) {
        let mut left: Vec<u32> = self.roots().iter().rev().copied().collect();
        while let Some(span) = left.pop() {
            self.places[span as usize] = self.depth_first.len() as u32;
            self.depth_first.push(span);
            left.extend(self.children(span).iter().rev());
        }
    }

    pub(crate) fn children(&self, span: u32) -> &[u32] {
        // Behind the last span stand those that are below none.
        let span = span as usize;
        if span + 1 >= self.starts.len() {
            return &[];
        }
        &self.children[self.starts[span] as usize..self.starts[span + 1] as usize]
    }

    pub(crate) fn roots(&self) -> &[u32] {
        let from = self.starts.last().copied().unwrap_or(0);
        &self.children[from as usize..]
    }

    pub(crate) fn depth_first(&self) -> &[u32] {
        &self.depth_first
    }

    pub(crate) fn depth(&self, span: u32) -> u32 {
        self.depths.get(span as usize).copied().unwrap_or(0)
    }

    pub(crate) fn below(&self, span: u32) -> Option<(u32, u32)> {
        let span = span as usize;
        Some((*self.places.get(span)?, self.below[span]))
    }

    pub(crate) fn bytes(&self) -> usize {
        let columns = [
            &self.starts,
            &self.children,
            &self.depth_first,
            &self.places,
            &self.below,
            &self.depths,
        ];
        columns
            .iter()
            .map(|column| size_of_val(column.as_slice()))
            .sum()
    }
}

/// A counting sort by parent; those without one come last. `starts` has one entry more than there are spans.
fn children(rows: &[Row]) -> (Vec<u32>, Vec<u32>) {
    let slot = |row: &Row| (row.parent as usize).min(rows.len());
    let mut starts = vec![0u32; rows.len() + 2];
    rows.iter().for_each(|row| starts[slot(row) + 1] += 1);
    (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
    let (mut next, mut children) = (starts.clone(), vec![0; rows.len()]);
    for (span, row) in (0..).zip(rows) {
        let place = &mut next[slot(row)];
        children[*place as usize] = span;
        *place += 1;
    }
    starts.pop();
    (starts, children)
}
