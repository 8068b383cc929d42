//! How long spans took, and how much of that was their own.

use super::waits::elapsed;
use super::{Link, NONE, Row, UNKNOWN, Wait};
use crate::Picture;

/// **Invariant.** Of a span whose times are known, the own time, the totals of the calls within it and the
/// times it waited add up to its total.
pub(crate) fn measure(picture: &Picture, rows: &mut [Row], waits: &[Wait]) {
    for row in &mut *rows {
        if row.call != NONE && row.end != NONE {
            row.total = elapsed(picture, row.call, row.end);
        }
        row.own = row.total;
    }
    for span in 0..rows.len() {
        let row = rows[span];
        if row.link == Link::Program && !row.point {
            take(&mut rows[row.parent as usize], row.total);
        }
    }
    for wait in waits {
        take(&mut rows[wait.span as usize], wait.ns(picture));
    }
}

/// Without the time of what lies within it, its own is not known.
fn take(row: &mut Row, ns: u64) {
    row.own = if ns == UNKNOWN || row.own == UNKNOWN {
        UNKNOWN
    } else {
        row.own.saturating_sub(ns)
    };
}
