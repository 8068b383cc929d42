//! One order out of what this store holds and what others answer, page by page.
//!
//! The store is read directly, and members are fed. An event is released when no source can have one
//! that comes before it: when each of them has an event at hand or is over. What a page says is held
//! against the pages before it, so that whoever feeds nonsense is found out and left out by whoever
//! asked.
//!
//! Nothing can come late into a stretch that was released, because a question is about numbers, not
//! about time: its [`Ranges`](crate::Ranges) end at numbers that are held, here and at each member,
//! when it begins. What is recorded meanwhile has higher numbers, and is the next question's
//! business.

mod local;
mod member;

use crate::query::{Cursor, Order, Query};
use crate::search::{Expired, Match};
use crate::store::Store;
use local::Local;
use member::Member;
use scope_event::Origin;
use scope_event::page::PageError;
use std::cmp::Ordering;

/// Bytes of terms that one step releases at most, but for the last event.
const STEP_BYTES: usize = 4 << 20;

/// Why a page is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// There is no such member.
    #[error("there is no member of that number")]
    Unknown,
    /// The member was closed, or said that it has no more.
    #[error("a page of a member that has no more")]
    Over,
    /// More pages are at hand than a member may have.
    #[error("a page too many")]
    Full,
    /// Not a page.
    #[error(transparent)]
    Page(#[from] PageError),
    /// Its events are not behind those that came before, or in the other order.
    #[error("a page out of order")]
    Order,
}

/// A page of a member, and what it said of it.
#[derive(Clone, Copy, Debug)]
pub struct Fed<'a> {
    /// The page itself, which nobody vouches for.
    pub page: &'a [u8],
    /// Whether there are more behind it.
    pub more: bool,
    /// What was lost in its stretch.
    pub dropped: u64,
    /// What had expired behind its cursor.
    pub expired: Option<Expired>,
}

/// What came out of a union at once.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The next events.
    pub events: Vec<Match>,
    /// The members of which no page is at hand: nothing more comes before they are fed or closed.
    pub need: Vec<usize>,
    /// Whether all is out.
    pub done: bool,
}

/// A place in the order without a copy of the origin.
type Place<'a> = (u64, &'a Origin, u64);

/// Several sources as one.
///
/// # Examples
///
/// ```
/// # use scope_event::{Interner, Kind, Origin, RawEvent, SymbolTable};
/// # use scope_store::{Config, Fed, Query, Store, Union};
/// # use std::sync::Arc;
/// # let store = |node: &str| {
/// #     let interner = Arc::new(Interner::new(Arc::new(SymbolTable::new(node))));
/// #     Store::open(Config::new(Origin::new(node, 1)), interner)
/// # };
/// let (here, there) = (store("a@host")?, store("b@host")?);
/// for (store, second) in [(&here, 1u64), (&there, 2), (&here, 3)] {
///     store.push(0, &RawEvent::new(Kind::Mark, second << 32, 0), 5_000);
/// }
/// let mut union = Union::new(Query::default(), 1);
/// assert_eq!(union.next(&here, 10).need, [0]);
///
/// let answer = there.page(&Query::default(), 64 * 1024);
/// let fed = Fed { page: &answer.page, more: answer.more, dropped: 0, expired: None };
/// union.feed(0, fed)?;
/// let step = union.next(&here, 10);
/// let seconds: Vec<u64> = step.events.iter().map(|event| event.stamp() >> 32).collect();
/// assert_eq!((seconds, step.done), (vec![1, 2, 3], true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Union {
    query: Query,
    local: Local,
    members: Vec<Member>,
    /// The last event that was released, or where the question goes on.
    cursor: Option<Cursor>,
}

/// Which source: the store here, or a member.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Here,
    Member(usize),
}

impl Union {
    /// What `query` finds here, and the pages of so many members. The query's `limit` does not matter
    /// but for how much is read here at once.
    pub fn new(query: Query, members: usize) -> Self {
        Self {
            members: (0..members).map(|_| Member::new(&query)).collect(),
            local: Local::new(&query),
            cursor: query.after.clone(),
            query,
        }
    }

    /// Takes the next page of a member.
    ///
    /// # Errors
    ///
    /// [`FeedError`] when it is none, or not the next one; the member is as it was.
    pub fn feed(&mut self, member: usize, fed: Fed<'_>) -> Result<(), FeedError> {
        let member = self.members.get_mut(member).ok_or(FeedError::Unknown)?;
        member.feed(fed)
    }

    /// Nothing more is to be had of a member. What is at hand of it is released in its turn.
    pub fn close(&mut self, member: usize) {
        if let Some(member) = self.members.get_mut(member) {
            member.close();
        }
    }

    /// The next events, at most so many: as many as can be told to be next.
    pub fn next(&mut self, store: &Store, most: usize) -> Step {
        let mut step = Step::default();
        let mut bytes = 0;
        while step.events.len() < most && bytes < STEP_BYTES {
            self.local.fill(store);
            let Some(source) = self.first() else { break };
            let rest = self.first_but(source);
            self.release(source, rest, most, &mut step, &mut bytes);
        }
        self.local.fill(store);
        step.need = self.need();
        step.done = step.need.is_empty() && self.is_over();
        step
    }

    /// So many events that were released could not be read.
    pub fn miss(&mut self, events: u64) {
        self.local.dropped = self.local.dropped.saturating_add(events);
    }

    /// How many events were lost in the stretch that was read so far.
    pub fn dropped(&self) -> u64 {
        self.members.iter().fold(self.local.dropped, |sum, member| {
            sum.saturating_add(member.dropped)
        })
    }

    /// What expired before it was read.
    pub fn expired(&self) -> Option<Expired> {
        let members = self.members.iter().filter_map(|member| member.expired);
        members
            .chain(self.local.expired)
            .reduce(|one, other| Expired {
                newest: one.newest.max(other.newest),
                events: one.events.saturating_add(other.events),
            })
    }

    /// The last event that was released; at first, where the question goes on.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    fn need(&self) -> Vec<usize> {
        let members = self.members.iter().enumerate();
        members
            .filter(|(_, member)| member.is_waited_for())
            .map(|(at, _)| at)
            .collect()
    }

    fn is_over(&self) -> bool {
        self.local.head().is_none() && self.members.iter().all(|member| member.head().is_none())
    }

    fn head(&self, of: Of) -> Option<Place<'_>> {
        match of {
            Of::Here => self.local.head(),
            Of::Member(at) => self.members[at].head(),
        }
    }

    fn sources(&self) -> impl Iterator<Item = Of> + use<> {
        std::iter::once(Of::Here).chain((0..self.members.len()).map(Of::Member))
    }

    /// Who has the next event, if that can be told.
    fn first(&self) -> Option<Of> {
        if self.members.iter().any(Member::is_waited_for) {
            return None;
        }
        let heads = self
            .sources()
            .filter_map(|of| self.head(of).map(|head| (of, head)));
        let first = heads.reduce(|one, other| {
            if self.turned(&other.1, &one.1).is_lt() {
                other
            } else {
                one
            }
        });
        first.map(|(of, _)| of)
    }

    /// The first event of all others.
    fn first_but(&self, source: Of) -> Option<Cursor> {
        let others = self.sources().filter(|of| *of != source);
        let heads = others.filter_map(|of| self.head(of));
        let first = heads.reduce(|one, other| {
            if self.turned(&other, &one).is_lt() {
                other
            } else {
                one
            }
        });
        first.map(|(stamp, origin, seq)| Cursor {
            stamp,
            origin: origin.clone(),
            seq,
        })
    }

    /// Releases events of a source up to the first one of all others, and passes over what was released
    /// before.
    fn release(
        &mut self,
        of: Of,
        rest: Option<Cursor>,
        most: usize,
        step: &mut Step,
        bytes: &mut usize,
    ) {
        while step.events.len() < most && *bytes < STEP_BYTES {
            let Some(head) = self.head(of) else { return };
            let is_next = |rest: &Cursor| self.turned(&head, &place(rest)).is_le();
            if !rest.as_ref().is_none_or(is_next) {
                return;
            }
            let is_again = self
                .cursor
                .as_ref()
                .is_some_and(|cursor| place(cursor) == head);
            let Some(event) = self.pop(of) else { return };
            if !is_again {
                *bytes += event.bytes();
                self.cursor = Some(event.cursor());
                step.events.push(event);
            }
        }
    }

    fn pop(&mut self, of: Of) -> Option<Match> {
        match of {
            Of::Here => self.local.pop(),
            Of::Member(at) => self.members[at].pop(),
        }
    }

    fn turned(&self, one: &Place<'_>, other: &Place<'_>) -> Ordering {
        turned(self.query.order, one, other)
    }
}

fn turned(order: Order, one: &Place<'_>, other: &Place<'_>) -> Ordering {
    match order {
        Order::Asc => one.cmp(other),
        Order::Desc => other.cmp(one),
    }
}

fn place(cursor: &Cursor) -> Place<'_> {
    (cursor.stamp, &cursor.origin, cursor.seq)
}
