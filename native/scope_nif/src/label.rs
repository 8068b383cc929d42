//! What the label of a `seq_trace` token says to us.
//!
//! Labels are shared: ours is a map, in which each tool has a key, and ours holds `{id, expiry}`, or
//! `{id, expiry, traces}` with the numbers of the traces that drop the id, decided where it began. It
//! may come from anywhere, so what is not exactly that is nothing, and so is what expired, or what
//! would live longer than any label of ours does. A match specification can set no map: where it
//! begins an id, the label is the pid of the process, which stands for what [`entry`] knows of it.

use crate::entry;
use crate::erl::Term;
use crate::extent::{Id, Own};
use crate::trace::thin;
use crate::words;
use scope_trace::Traces;

/// Seconds for which a label counts, from when it is set.
pub(crate) const LIFETIME: u64 = 30;

/// A label of the process's own extent is set anew when it has fewer seconds left.
const FRESH: u64 = LIFETIME / 2;

/// Seconds by which the clocks of two nodes may differ before one believes no label of the other.
const SKEW: u64 = 30;

/// What a process carries.
#[derive(Clone, Copy)]
pub(crate) enum Carried {
    /// No token.
    Nothing,
    /// A label that is no map: another tool's alone.
    Foreign,
    /// A map in which we have nothing, or nothing that can be read.
    Shared,
    /// Ours; `expiry` in seconds since 1970, `dropping` those of the running traces that drop it.
    Ours {
        id: Id,
        expiry: u64,
        dropping: Traces,
    },
    /// The pid of the process itself: a match specification put it there when it made an entry call.
    Itself(u64),
    /// The pid of another process of this node, which may have been in an entry.
    Process(u64),
    /// The pid of a process elsewhere, by the id that its entries are known by here.
    Elsewhere(Id),
}

impl Carried {
    /// The id and who drops it, while it counts.
    #[inline]
    pub(crate) fn own(self, now: u64) -> Option<Own> {
        match self {
            Self::Ours {
                id,
                expiry,
                dropping,
            } if (now..=now + LIFETIME + SKEW).contains(&expiry) => Some(Own::new(id, dropping)),
            Self::Process(process) => entry::meant_by(process, now),
            // Who drops it is not known here.
            Self::Elsewhere(id) => Some(Own {
                likely: true,
                ..Own::new(id, Traces::NONE)
            }),
            _ => None,
        }
    }

    /// Those of the running traces that drop what it names.
    #[inline]
    pub(crate) fn dropping(self) -> Traces {
        match self {
            Self::Ours { dropping, .. } => dropping,
            _ => Traces::NONE,
        }
    }

    /// Whether a process in the extent of `own` should carry another label, which can be given it.
    pub(crate) fn differs(self, own: Own, now: u64) -> bool {
        match self {
            Self::Foreign => false,
            Self::Ours {
                id,
                expiry,
                dropping,
            } => {
                let told = own.dropping.without(dropping).is_empty();
                id != own.id || !told || expiry < now + FRESH
            }
            Self::Itself(_) | Self::Process(_) | Self::Elsewhere(_) => true,
            Self::Nothing | Self::Shared => true,
        }
    }

    /// Whether a process in an entry should carry its pid again, which can be given it.
    pub(crate) fn is_lost(self) -> bool {
        matches!(
            self,
            Self::Nothing | Self::Ours { .. } | Self::Process(_) | Self::Elsewhere(_)
        )
    }

    /// Whether a label of ours is past its time.
    pub(crate) fn is_stale(self, now: u64) -> bool {
        match self {
            Self::Ours { .. } => self.own(now).is_none(),
            Self::Itself(process) => entry::knows(process),
            Self::Process(process) => entry::knows(process) && self.own(now).is_none(),
            _ => false,
        }
    }
}

/// Whether there is no token: the common case, without a call into the machine.
#[inline]
pub(crate) fn is_none(token: Term<'_>) -> bool {
    token.word() == words::empty_list()
}

/// What a process carries, from what `:seq_trace.get_token(:label)` says: `[]` or `{:label, label}`.
pub(crate) fn carried(process: u64, token: Term<'_>) -> Carried {
    match token.tuple().and_then(|mut parts| parts.nth(1)) {
        Some(label) => read(process, label),
        None => Carried::Nothing,
    }
}

/// From a label itself, as a trace point sees it.
#[inline]
fn read(process: u64, label: Term<'_>) -> Carried {
    match label.field(words::elixir_scope()) {
        Some(ours) => stamped(ours).unwrap_or(Carried::Shared),
        None if label.is_map() => Carried::Shared,
        None if label.is_pid() => named(process, label),
        None => Carried::Foreign,
    }
}

/// The list of a label of ours; `None` where it has none.
pub(crate) fn list(token: Term<'_>) -> Option<Term<'_>> {
    let label = token.tuple()?.nth(1)?;
    label.field(words::elixir_scope())?.tuple()?.nth(2)
}

/// A pid that nobody was in an entry of stands for nothing: it may be anybody's.
fn named(process: u64, pid: Term<'_>) -> Carried {
    match pid.local_pid() {
        Some(named) if named == process => Carried::Itself(named),
        Some(named) => Carried::Process(named),
        None => entry::elsewhere(pid).map_or(Carried::Foreign, Carried::Elsewhere),
    }
}

fn stamped(ours: Term<'_>) -> Option<Carried> {
    let mut parts = ours.tuple().filter(|parts| matches!(parts.len(), 2 | 3))?;
    let (id, expiry) = (parts.next()?, parts.next()?);
    Some(Carried::Ours {
        id: Id::read(id)?,
        expiry: expiry.int()?.try_into().ok()?,
        dropping: match parts.next() {
            Some(numbers) => thin::named(numbers)?,
            None => Traces::NONE,
        },
    })
}
