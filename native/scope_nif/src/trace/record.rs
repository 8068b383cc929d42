//! From what a trace point saw to an event in the thread's ring.

use super::seats::{self, Keep};
use super::thin;
use crate::erl::Term;
use crate::payload::{self, Content, Data};
use crate::ring::LANES;
use crate::scopes::{self, ScopeId};
use crate::source::Source;
use scope_clock::Clock;
use scope_event::{Budget, Kind};
use scope_ring::{Entry, Head, Refusal, Words};
use scope_trace::Traces;

/// What an event is about, where its payload does not say it. In the ring the arity of a function and
/// this share a byte, as no kind has both.
#[derive(Clone, Copy)]
pub(crate) enum About<'e> {
    Nothing,
    /// Module and function in one word, and the arity.
    Function(u64, u8),
    /// A process of this node.
    Pid(u64),
    Name(u64),
    /// Whatever has no word.
    Term(Term<'e>),
}

/// The byte beside the subject's word, for kinds that are not about functions.
pub(crate) const PID: u8 = 1;
pub(crate) const NAME: u8 = 2;

/// What a trace point saw.
pub(crate) struct Sight<'e> {
    pub(crate) kind: Kind,
    pub(crate) pid: u64,
    pub(crate) about: About<'e>,
    pub(crate) data: Data<'e>,
    /// The token that the process carried, where a match specification asked for it.
    pub(crate) token: Option<Term<'e>>,
    /// Whether it is a call that begins an entry.
    pub(crate) entry: bool,
}

impl Sight<'_> {
    /// Whether there is nothing in it that a payload would hold.
    #[inline]
    fn is_bare(&self, keep: Keep) -> bool {
        let no_data = keep == Keep::Nothing && self.kind != Kind::State;
        let no_data = no_data && !matches!(self.data, Data::Written(_));
        (no_data || matches!(self.data, Data::Nothing)) && !matches!(self.about, About::Term(_))
    }
}

impl About<'_> {
    /// Anything that a message can be sent to, or that can be linked.
    pub(crate) fn of(term: Term<'_>) -> About<'_> {
        if let Some(pid) = term.local_pid() {
            About::Pid(pid)
        } else if term.is_atom() {
            About::Name(term.word())
        } else {
            About::Term(term)
        }
    }

    fn words(self) -> (u64, u8) {
        match self {
            About::Nothing | About::Term(_) => (0, 0),
            About::Function(name, arity) => (name, arity),
            About::Pid(word) => (word, PID),
            About::Name(word) => (word, NAME),
        }
    }
}

/// Records what this library itself has to say: no trace pays for it. `None` if nobody can hear it.
pub(crate) fn note(scope: ScopeId, kind: Kind, pid: u64, data: Data<'_>) -> Option<()> {
    let head = Head::new(kind as u8).scope(scope.index());
    let content = Content {
        data,
        ..Content::EMPTY
    };
    let clock = scopes::clock(scope)?;
    let mut entry = LANES.begin(head, content.room()).ok()?;
    let stamp = clock.now().coarse().bits();
    let used = payload::write(entry.payload(), &content);
    entry.commit(
        Words {
            stamp,
            pid,
            subject: 0,
        },
        used,
    );
    Some(())
}

/// Records what was seen for those who want it: once for each scope, whoever of it wants it.
#[inline]
pub(crate) fn record(traces: Traces, sight: &Sight<'_>) {
    if traces.is_empty() {
        return;
    }
    let source = source(sight);
    let traces = thin::kept(traces, sight, &source);
    match (traces.len(), traces.seats().next()) {
        (1, Some(seat)) => record_in(traces, seat, sight, &source),
        _ => record_shared(traces, sight, &source),
    }
}

fn record_shared(traces: Traces, sight: &Sight<'_>, source: &Source<'_>) {
    let mut left = traces;
    while let Some(first) = left.seats().next() {
        let scope = seats::of(first).scope;
        let same = left.seats().filter(|&seat| seats::of(seat).scope == scope);
        let group = same.fold(Traces::NONE, |all, seat| all | Traces::of(seat));
        left = left.without(group);
        record_in(group, first, sight, source);
    }
}

#[inline]
fn record_in(group: Traces, first: usize, sight: &Sight<'_>, source: &Source<'_>) {
    let seat = seats::of(first);
    let Some(clock) = scopes::clock(seat.scope_id()) else {
        return;
    };
    let (subject, arity) = sight.about.words();
    let head = Head::new(sight.kind as u8).scope(seat.scope).arity(arity);
    if group.len() == 1 && sight.is_bare(seat.keep) && source.is_none() {
        return bare(clock, head.session(seat.session), first, sight.pid, subject);
    }
    record_whole(group, first, (sight, source), clock, head, subject);
}

/// Who did what, and nothing else: the cheapest event, and with `capture: :calls` nearly every one.
#[inline]
fn bare(clock: &Clock, head: Head, seat: usize, pid: u64, subject: u64) {
    // What cannot be paid for, or has no room, was counted.
    match LANES.begin(head, 0) {
        Ok(entry) => {
            let stamp = clock.now().coarse().bits();
            entry.commit(
                Words {
                    stamp,
                    pid,
                    subject,
                },
                0,
            );
        }
        Err(refusal) => thin::refused(refusal, seat, pid, &Source::None),
    }
}

#[inline(never)]
fn record_whole(
    group: Traces,
    first: usize,
    (sight, source): (&Sight<'_>, &Source<'_>),
    clock: &Clock,
    head: Head,
    subject: u64,
) {
    let seat = seats::of(first);
    let others = group.without(Traces::of(first)).seats();
    let keep = others.map(|seat| seats::of(seat).keep);
    let content = content(sight, keep.fold(seat.keep, Keep::max));
    let joined = group.len() > 1;
    let is_bare = content.is_empty() && !joined && source.is_none();
    let room = if is_bare { 0 } else { content.room() };
    let Some((mut entry, payers)) = open(group, head, room, (sight.pid, source)) else {
        return;
    };
    let stamp = clock.now().coarse().bits();
    let content = Content {
        correlation: (*source).at(stamp >> 32).0,
        joined: joined.then_some(payers.bits()),
        ..content
    };
    let used = if is_bare {
        0
    } else {
        payload::write(entry.payload(), &content)
    };
    let pid = sight.pid;
    entry.commit(
        Words {
            stamp,
            pid,
            subject,
        },
        used,
    );
}

/// A process that carries what it should not is put right where its own code records.
#[inline]
fn source<'e>(sight: &Sight<'e>) -> Source<'e> {
    match (sight.token, sight.kind) {
        (Some(token), _) => Source::of(sight.pid, None, token),
        (None, Kind::Return | Kind::Exception | Kind::State) => Source::of_return(sight.pid),
        // What was counted over a while belongs to all that the process did then.
        (None, Kind::Memory) => Source::None,
        _ => Source::own(sight.pid),
    }
}

/// An entry that the first of them who can pays for, and all who do.
fn open(
    group: Traces,
    head: Head,
    room: usize,
    (pid, source): (u64, &Source<'_>),
) -> Option<(Entry<'static>, Traces)> {
    for seat in group.seats() {
        match LANES.begin(head.session(seats::of(seat).session), room) {
            Ok(entry) => return Some((entry, Traces::of(seat) | payers(group, seat))),
            Err(refusal @ (Refusal::OverBudget | Refusal::SessionOver)) => {
                thin::refused(refusal, seat, pid, source);
            }
            Err(_counted) => return None,
        }
    }
    None
}

/// Those after the first who pay for the same event.
fn payers(group: Traces, first: usize) -> Traces {
    let others = group.seats().filter(|&seat| seat > first);
    let paying = others.filter(|&seat| LANES.charge(seats::of(seat).session).is_ok());
    paying.fold(Traces::NONE, |all, seat| all | Traces::of(seat))
}

fn content<'e>(sight: &Sight<'e>, keep: Keep) -> Content<'e> {
    let subject = match sight.about {
        About::Term(term) => Some(term),
        _ => None,
    };
    // Sizes that we wrote ourselves are nothing that a program keeps to itself, and a state without
    // its data is nothing at all.
    let data = match (keep, sight.kind, sight.data) {
        (_, Kind::State, data) => data,
        (Keep::Nothing, _, Data::Term(_) | Data::Arguments(_) | Data::Message(_)) => Data::Nothing,
        (_, _, data) => data,
    };
    Content {
        subject,
        data,
        budget: budget(sight.kind, keep),
        entry: sight.entry,
        ..Content::EMPTY
    }
}

fn budget(kind: Kind, keep: Keep) -> Budget {
    match (keep, kind) {
        (Keep::Full, _) => Budget::FULL,
        (_, Kind::Send | Kind::Receive) => Budget::MESSAGES,
        (_, Kind::State) => Budget::STATES,
        _ => Budget::ARGUMENTS,
    }
}
