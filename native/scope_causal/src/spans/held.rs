//! What holds a span in time, for those of which nothing else says what led to them.
//!
//! Of the spans of one correlation, in order of their beginnings, one that ends after an earlier one did is always
//! the better answer for what comes later. So those that can still be an answer lie on a stack on which the
//! ends fall from bottom to top, and the innermost that holds a span is found by halving.

use super::stack::Found;
use super::{Link, NONE};
use crate::Picture;
use std::collections::HashMap;

/// Where a span begins and ends, as places in causal order.
#[derive(Clone, Copy)]
struct Stretch {
    from: u32,
    to: u32,
    span: u32,
    correlation: u32,
}

pub(crate) fn link(picture: &Picture, found: &mut Found) {
    let mut stretches: Vec<_> = (0..found.rows.len() as u32)
        .filter_map(|span| stretch(picture, found, span))
        .collect();
    stretches.sort_unstable_by_key(|stretch| stretch.from);
    // By correlation: ends fall from bottom to top.
    let mut open: HashMap<u32, Vec<Stretch>> = HashMap::new();
    for stretch in stretches {
        let open = open.entry(stretch.correlation).or_default();
        let row = &mut found.rows[stretch.span as usize];
        if row.link == Link::Root
            && let Some(holder) = holder(open, stretch)
        {
            (row.parent, row.link) = (holder.span, Link::Correlation);
        }
        // What holds nothing is never an answer.
        if !row.point {
            while open.last().is_some_and(|last| last.to <= stretch.to) {
                open.pop();
            }
            open.push(stretch);
        }
    }
}

fn holder(open: &[Stretch], stretch: Stretch) -> Option<Stretch> {
    let holding = open.partition_point(|one| one.to >= stretch.to);
    open.get(holding.checked_sub(1)?).copied()
}

/// Of a span that has a correlation and a beginning.
fn stretch(picture: &Picture, found: &Found, span: u32) -> Option<Stretch> {
    let row = &found.rows[span as usize];
    let correlation = (row.call != NONE).then(|| picture.correlation(row.call))??;
    let over = found.over[span as usize];
    Some(Stretch {
        from: picture.place(row.call),
        to: if over == NONE {
            u32::MAX
        } else {
            picture.place(over)
        },
        span,
        correlation,
    })
}
