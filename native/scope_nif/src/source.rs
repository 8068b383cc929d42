//! What an event is correlated by: what the caller says, else the extent that the process is in, else
//! what it carries.

use crate::entry;
use crate::erl::Term;
use crate::extent::{self, Own};
use crate::label::{self, Carried};
use crate::payload::Correlation;
use scope_trace::Traces;

/// Where an event has its correlation from: what the caller says, else the extent it is in, else
/// what it carries.
#[derive(Clone, Copy)]
pub(crate) enum Source<'e> {
    None,
    Given(Term<'e>),
    Extent(Own, Carried),
    /// The call that its process is in, which a trace gives ids to.
    Entry(Own, Carried),
    Token(Carried),
    /// What the process carried when it made the call that returns now.
    Call(Own),
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
            (Self::None, Some(own)) => Self::Call(own),
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
            Self::Extent(own, carried) => {
                (Some(Correlation::Own(own.id)), carried.differs(own, now))
            }
            Self::Entry(own, carried) => (Some(Correlation::Own(own.id)), carried.is_lost()),
            Self::Call(own) => (Some(Correlation::Inherited(own.id, own.likely)), false),
            Self::Token(carried) => {
                let own = carried.own(now);
                let id = own.map(|own| Correlation::Inherited(own.id, own.likely));
                (id, carried.is_stale(now))
            }
        }
    }

    /// Those of the running traces that drop what it names.
    #[inline]
    pub(crate) fn dropping(&self) -> Traces {
        match self {
            Self::None | Self::Given(_) => Traces::NONE,
            Self::Extent(own, _) | Self::Entry(own, _) | Self::Call(own) => own.dropping,
            Self::Token(carried) => carried.dropping(),
        }
    }

    /// The extent or what was carried, at a second since 1970.
    pub(crate) fn known(&self, now: u64) -> Option<Own> {
        match self {
            Self::None | Self::Given(_) => None,
            Self::Extent(own, _) | Self::Entry(own, _) | Self::Call(own) => Some(*own),
            Self::Token(carried) => carried.own(now),
        }
    }
}
