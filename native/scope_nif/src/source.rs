//! What an event is correlated by: what the caller says, else the extent that the process is in, else
//! what it carries.

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
    Token(Carried),
}

impl<'e> Source<'e> {
    // Always in line: most events have none, and moving this about costs more than finding that out.
    #[inline(always)]
    pub(crate) fn of(pid: u64, id: Option<Term<'e>>, token: Term<'e>) -> Self {
        if let Some(id) = id {
            return Self::Given(id);
        }
        match extent::of(pid) {
            None if label::is_none(token) => Self::None,
            None => Self::Token(label::carried(token)),
            Some(own) => Self::Extent(own, label::carried(token)),
        }
    }

    /// Of a process in an extent of whose token nothing is known.
    pub(crate) fn own(id: Id) -> Self {
        Self::Extent(id, Carried::Foreign)
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
            Self::Token(carried) => {
                let id = carried.id(now).map(Correlation::Inherited);
                (id, carried.is_stale(now))
            }
        }
    }
}
