//! An event as cells of a table, for the formats that have columns.
//!
//! | column | what |
//! |---|---|
//! | `node`, `incarnation`, `seq` | identity; a `seq` of 0 is a `gap` that says what the reader misses |
//! | `time`, `ns`, `logical` | when: RFC 3339 (in Parquet a timestamp), nanoseconds since 1970, the place within that nanosecond |
//! | `mono_ns` | the monotonic clock of the node |
//! | `pid` | who: `<node.id.serial>` |
//! | `kind` | what |
//! | `module`, `function`, `arity` | the subject, where it is a function |
//! | `subject` | any other subject: text as it is, other terms in JSON |
//! | `correlation_id` | text as it is, other terms in JSON |
//! | `data` | JSON |
//! | `truncated`, `inherited`, `likely`, `entry` | `true` or `false` |
//! | `pairing`, `pair` | how sure the other half of a message is, and its id in JSON |
//! | `received_at`, `received_by` | when it came and by whose clock, where its own stamp is not believed |

use crate::row::{About, Row};
use crate::time::Rfc3339;
use crate::{json, labels};
use std::borrow::Cow;

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'r> {
    /// Nothing.
    Empty,
    /// Text from elsewhere.
    Text(Cow<'r, str>),
    /// Text that a writer of this crate made, and that no spreadsheet takes for a formula.
    Own(Cow<'r, str>),
    /// A number.
    Int(i64),
    /// Nanoseconds since 1970.
    Time(u64),
    /// Yes or no.
    Bool(bool),
}

/// What a column holds, in every row, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "parquet"),
    allow(dead_code, reason = "only Parquet has types")
)]
pub(crate) enum Sort {
    Text,
    Int,
    Time,
    Bool,
}

/// Names and sorts of the columns, in order.
pub(crate) const COLUMNS: [(&str, Sort); 23] = [
    ("node", Sort::Text),
    ("incarnation", Sort::Int),
    ("seq", Sort::Int),
    ("time", Sort::Time),
    ("ns", Sort::Int),
    ("logical", Sort::Int),
    ("mono_ns", Sort::Int),
    ("pid", Sort::Text),
    ("kind", Sort::Text),
    ("module", Sort::Text),
    ("function", Sort::Text),
    ("arity", Sort::Int),
    ("subject", Sort::Text),
    ("correlation_id", Sort::Text),
    ("data", Sort::Text),
    ("truncated", Sort::Bool),
    ("inherited", Sort::Bool),
    ("likely", Sort::Bool),
    ("entry", Sort::Bool),
    ("pairing", Sort::Text),
    ("pair", Sort::Text),
    ("received_at", Sort::Time),
    ("received_by", Sort::Text),
];

/// The cells of an event, one for each of [`COLUMNS`].
pub(crate) fn cells<'r>(row: &'r Row<'r>) -> [Cell<'r>; COLUMNS.len()] {
    let ns = row.stamp.physical_ns();
    let (module, function, arity, subject) = about(&row.about);
    let (pairing, pair) = row
        .pairing
        .as_ref()
        .map_or((Cell::Empty, Cell::Empty), |of| {
            (
                Cell::Own(of.name().into()),
                Cell::Own(json::pair_text(of).into()),
            )
        });
    let (received_at, received_by) = row.received.map_or((Cell::Empty, Cell::Empty), |of| {
        (Cell::Time(of.0.physical_ns()), Cell::Text(of.1.into()))
    });
    [
        Cell::Text((&*row.origin.node).into()),
        int(row.origin.incarnation),
        int(row.seq),
        Cell::Time(ns),
        int(ns),
        Cell::Int(row.stamp.logical().into()),
        row.mono_ns.map_or(Cell::Empty, Cell::Int),
        row.pid
            .map_or(Cell::Empty, |pid| Cell::Own(pid.to_string().into())),
        Cell::Own(row.kind.name().into()),
        module,
        function,
        arity,
        subject,
        row.correlation
            .as_ref()
            .map_or(Cell::Empty, |id| Cell::Text(labels::term(id))),
        row.data
            .as_ref()
            .map_or(Cell::Empty, |data| Cell::Own(json::text_of(data).into())),
        Cell::Bool(row.truncated),
        Cell::Bool(row.inherited),
        Cell::Bool(row.likely),
        Cell::Bool(row.entry),
        pairing,
        pair,
        received_at,
        received_by,
    ]
}

fn about<'r>(about: &'r About<'r>) -> (Cell<'r>, Cell<'r>, Cell<'r>, Cell<'r>) {
    match about {
        About::Function {
            module,
            function,
            arity,
        } => (
            Cell::Text((*module).into()),
            Cell::Text((*function).into()),
            Cell::Int((*arity).into()),
            Cell::Empty,
        ),
        other => {
            let subject = labels::about(other).map_or(Cell::Empty, |of| Cell::Text(of.into()));
            (Cell::Empty, Cell::Empty, Cell::Empty, subject)
        }
    }
}

/// Beyond 63 bits nothing counts; a damaged number is as large as one can be.
fn int(value: u64) -> Cell<'static> {
    Cell::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A point in time as text.
pub(crate) fn time(ns: u64) -> impl std::fmt::Display {
    Rfc3339(ns)
}
