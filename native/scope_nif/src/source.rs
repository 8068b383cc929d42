//! What an event is correlated by: what the caller says, else the extent that the process is in, else
//! what it carries.

use crate::entry;
use crate::erl::Term;
use crate::extent::{self, Id};
use crate::label::{self, Carried};
use crate::payload::Correlation;

/// Where an event has its correlation from: what the caller says, else the extent it is in, else
/// what it carries.
#[derive(Clone, Copy)]
pub(crate) enum Source<'e> {
    None,
    Given(Term<'e>),
    Extent(Id, Carried),
    /// The call that its process is in, which a trace gives ids to.
    Entry(Id, Carried),
    Token(Carried),
    /// What the process carried when it made the call that returns now, and whether that is likely.
    Call(Id, bool),
}

impl<'e> Source<'e> {
    // Always in line: most events have none, and moving this about costs more than finding that out.
    #[inline(always)]
    pub(crate) fn of(pid: u64, id: Option<Term<'e>>, token: Term<'e>) -> Self {
        if let Some(id) = id {
            return Self::Given(id);
        }
        match (extent::of(pid), entry::of(pid)) {
            (None, None) if label::is_none(token) => Self::None,
            (None, None) => Self::Token(label::carried(pid, token)),
            (Some(own), _) => Self::Extent(own, label::carried(pid, token)),
            (None, Some(own)) => Self::Entry(own, label::carried(pid, token)),
        }
    }

    /// Of a process of whose token nothing is known.
    #[inline]
    pub(crate) fn own(pid: u64) -> Self {
        match (extent::of(pid), entry::of(pid)) {
            (Some(own), _) => Self::Extent(own, Carried::Foreign),
            (None, Some(own)) => Self::Entry(own, Carried::Foreign),
            (None, None) => Self::None,
        }
    }

    /// Of a return, by its process.
    #[inline]
    pub(crate) fn of_return(pid: u64) -> Self {
        match (Self::own(pid), extent::carried(pid)) {
            (Self::None, Some((id, likely))) => Self::Call(id, likely),
            (own, _) => own,
        }
    }

    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// What it is at a second since 1970, and whether the label should be another one by then.
    #[inline(always)]
    pub(crate) fn at(self, now: u64) -> (Option<Correlation<'e>>, bool) {
        match self {
            Self::None => (None, false),
            Self::Given(id) => (Some(Correlation::Given(id)), false),
            Self::Extent(id, carried) => (Some(Correlation::Own(id)), carried.differs(id, now)),
            Self::Entry(id, carried) => (Some(Correlation::Own(id)), carried.is_lost()),
            Self::Call(id, likely) => (Some(Correlation::Inherited(id, likely)), false),
            Self::Token(carried) => {
                let found = carried.found(now);
                let id = found.map(|(id, likely)| Correlation::Inherited(id, likely));
                (id, carried.is_stale(now))
            }
        }
    }
}
