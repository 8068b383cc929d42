//! One answer as a picture: what happened, and what led to what.
//!
//! A picture holds no payload: a few dozen bytes an event, in columns of numbers, and names once. An
//! event is [`At`] its number in stamp order; its *place* is where it stands in causal order.

mod builder;
mod chains;
mod columns;
mod cycles;
mod edge;
mod input;
mod lives;
mod making;
mod names;
mod order;
mod path;
mod possible;
mod reach;

pub use builder::{Id, PictureBuilder};
pub use edge::{Edge, EdgeKind};
pub use input::{End, Input, Subject};
pub use making::Making;
pub use path::{Step, Way};

use crate::Confidence;
use chains::Chains;
use columns::Columns;
use edge::Edges;
use order::Order;
use possible::Possible;
use scope_clock::Stamp;
use scope_event::{Kind, Origin, Pid, Seq};
use std::sync::Arc;

/// The number of an event in stamp order, from 0.
pub type At = u32;

/// No event, no process: never the number of one.
const NONE: u32 = u32::MAX;

/// A process, and its node as an index into [`Picture::nodes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Which one.
    pub pid: Pid,
    /// Where it lives.
    pub node: u32,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function {
    /// Its module.
    pub module: Arc<str>,
    /// Its name.
    pub function: Arc<str>,
    /// How many arguments it takes.
    pub arity: u8,
}

/// How two events stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The first can have influenced the second.
    Before,
    /// The second can have influenced the first.
    After,
    /// Neither can have influenced the other.
    Concurrent,
    /// They are the same event.
    Equal,
    /// No known cause orders them, and something that is not known could.
    Unknown,
}

/// Events, and what led to what.
///
/// The methods that take an [`At`] take any number: of one that is no event they know nothing.
#[derive(Debug, Default)]
pub struct Picture {
    columns: Columns,
    /// As which each event was given, where that is not its number.
    rows: Option<Vec<u32>>,
    ids: Ids,
    origins: Vec<Origin>,
    /// By origin, its node.
    nodes_of: Vec<u32>,
    processes: Vec<Process>,
    nodes: Vec<Arc<str>>,
    functions: Vec<Function>,
    correlations: Vec<u64>,
    chains: Chains,
    edges: Edges,
    order: Order,
    corrections: Vec<(At, u64)>,
    possible: Possible,
    left_out: Vec<Edge>,
    /// In order.
    outside: Vec<builder::Outside>,
    clocks_ns: u64,
}

impl Picture {
    /// How many events are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event of that origin and number.
    #[must_use]
    pub fn at(&self, (origin, seq): &Id) -> Option<At> {
        let origin = self.origins.iter().position(|known| known == origin)?;
        self.ids
            .find(&self.columns, (u32::try_from(origin).ok()?, *seq))
    }

    /// Who recorded an event, and its number there.
    #[must_use]
    pub fn id(&self, at: At) -> Option<(&Origin, Seq)> {
        let origin = *self.columns.origins.get(at as usize)?;
        Some((
            self.origins.get(origin as usize)?,
            self.columns.seqs[at as usize],
        ))
    }

    /// As which it was given to the builder, from 0.
    #[must_use]
    pub fn given(&self, at: At) -> Option<u32> {
        match &self.rows {
            Some(rows) => rows.get(at as usize).copied(),
            None => self.known(at).then_some(at),
        }
    }

    /// What happened; a `Gap` for what is no event.
    #[must_use]
    pub fn kind(&self, at: At) -> Kind {
        self.columns
            .kinds
            .get(at as usize)
            .copied()
            .unwrap_or(Kind::Gap)
    }

    /// When, by the clock of the node that recorded it.
    #[must_use]
    pub fn stamp(&self, at: At) -> Stamp {
        let stamp = self.columns.stamps.get(at as usize).copied();
        stamp.unwrap_or(Stamp::from_bits(0))
    }

    /// When at the earliest, given its causes.
    #[must_use]
    pub fn corrected(&self, at: At) -> Stamp {
        let moved = &self.order.moved;
        match moved.binary_search_by_key(&at, |(at, _)| *at) {
            Ok(found) => moved[found].1,
            Err(_) => self.stamp(at),
        }
    }

    /// By how many nanoseconds its clock was behind, at least; 0 where it need not be moved.
    #[must_use]
    pub fn behind_ns(&self, at: At) -> u64 {
        let found = self.corrections.binary_search_by_key(&at, |(at, _)| *at);
        found.map_or(0, |found| self.corrections[found].1)
    }

    /// When, by the monotonic clock of its node.
    #[must_use]
    pub fn mono_ns(&self, at: At) -> Option<i64> {
        self.columns.mono_ns(at)
    }

    /// The recorder's bits.
    #[must_use]
    pub fn flags(&self, at: At) -> u8 {
        self.columns.flags.get(at as usize).copied().unwrap_or(0)
    }

    /// The process that did it, as an index into [`processes`](Self::processes).
    #[must_use]
    pub fn process(&self, at: At) -> Option<u32> {
        self.columns
            .processes
            .get(at as usize)
            .copied()
            .and_then(chains::some)
    }

    /// The node that recorded it, as an index into [`nodes`](Self::nodes).
    #[must_use]
    pub fn node(&self, at: At) -> Option<u32> {
        let origin = *self.columns.origins.get(at as usize)?;
        self.nodes_of.get(origin as usize).copied()
    }

    /// The function that it is about, as an index into [`functions`](Self::functions).
    #[must_use]
    pub fn function(&self, at: At) -> Option<u32> {
        self.columns.abouts.get(at as usize)?.function()
    }

    /// The process that it is about: a peer, a child, who is linked.
    #[must_use]
    pub fn peer(&self, at: At) -> Option<u32> {
        self.columns.abouts.get(at as usize)?.process()
    }

    /// What it is correlated by, as an index into [`correlations`](Self::correlations).
    #[must_use]
    pub fn correlation(&self, at: At) -> Option<u32> {
        self.columns
            .correlations
            .get(at as usize)
            .copied()
            .and_then(chains::some)
    }

    /// Every process that did something or that an event is about.
    #[must_use]
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// The first and the last event of a process and how many it has.
    #[must_use]
    pub fn life(&self, process: u32) -> Option<(At, At, u32)> {
        let (first, last) = (self.chains.first(process)?, self.chains.last(process)?);
        Some((first, last, self.chains.count(process)))
    }

    /// The event before in the same process.
    #[must_use]
    pub fn before(&self, at: At) -> Option<At> {
        self.chains.before(at).filter(|_| self.known(at))
    }

    /// The event behind in the same process.
    #[must_use]
    pub fn behind(&self, at: At) -> Option<At> {
        self.chains.behind(at).filter(|_| self.known(at))
    }

    /// Every node that recorded something, on which a process lives, or that is missing.
    #[must_use]
    pub fn nodes(&self) -> &[Arc<str>] {
        &self.nodes
    }

    /// Every function that an event is about.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The hashes of all correlation ids.
    #[must_use]
    pub fn correlations(&self) -> &[u64] {
        &self.correlations
    }

    /// The events in causal order. Where no cause is stamped behind its effect, that is stamp order.
    #[must_use]
    pub fn order(&self) -> &[At] {
        &self.order.order
    }

    /// Where an event stands in causal order; behind all of them for what is no event.
    #[must_use]
    pub fn place(&self, at: At) -> u32 {
        self.order.places.get(at as usize).copied().unwrap_or(NONE)
    }

    /// The events that had to be moved behind their causes, in stamp order, and by how many nanoseconds
    /// the clock was behind at least; never 0.
    #[must_use]
    pub fn corrections(&self) -> &[(At, u64)] {
        &self.corrections
    }

    /// What led to what besides the order within processes, by effect.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        self.edges.all()
    }

    /// What led to an event.
    #[must_use]
    pub fn edges_into(&self, at: At) -> &[Edge] {
        self.edges.of_effect(at)
    }

    /// What an event led to.
    pub fn edges_from(&self, at: At) -> impl Iterator<Item = &Edge> + '_ {
        self.edges.of_cause(at)
    }

    /// What may have led to an event: of an ambiguous message each candidate, and what is in
    /// [`left_out`](Self::left_out).
    #[must_use]
    pub fn possible_into(&self, at: At) -> &[Edge] {
        self.possible.edges.of_effect(at)
    }

    /// Edges that lead back to where they come from: one on each such way is wrong, and was left out.
    #[must_use]
    pub fn left_out(&self) -> &[Edge] {
        &self.left_out
    }

    /// The other half of a message, or what it may be, wherever that is, and how sure it is.
    #[must_use]
    pub fn other_half(&self, at: At) -> Option<(Confidence, Vec<(&Origin, Seq)>)> {
        let begin = self.outside.partition_point(|(of, ..)| *of < at);
        let outside = self.outside[begin..]
            .iter()
            .take_while(|(of, ..)| *of == at);
        let outside = outside.filter_map(|(_, (origin, seq), sure)| {
            Some((*sure, (self.origins.get(*origin as usize)?, *seq)))
        });
        let all: Vec<_> = self.half_here(at).into_iter().chain(outside).collect();
        let sure = all.iter().map(|(sure, _)| *sure).max()?;
        let surest = all.into_iter().filter(|(of, _)| *of == sure);
        Some((sure, surest.map(|(_, id)| id).collect()))
    }

    fn half_here(&self, at: At) -> Vec<(Confidence, (&Origin, Seq))> {
        let of = |edges: &Edges| {
            let causes = edges.of_effect(at).iter().map(|edge| (edge, edge.cause));
            let effects = edges.of_cause(at).map(|edge| (edge, edge.effect));
            let both = causes.chain(effects);
            let messages = both.filter(|(edge, _)| edge.kind == EdgeKind::Message);
            messages
                .map(|(edge, other)| (edge.sure, other))
                .collect::<Vec<_>>()
        };
        let here = [of(&self.edges), of(&self.possible.edges)].concat();
        let id = |(sure, other)| Some((sure, self.id(other)?));
        here.into_iter().filter_map(id).collect()
    }

    /// How event `a` stands to event `b`, by the order within processes and the edges.
    ///
    /// Takes time and memory linear in the events, and nothing beforehand.
    ///
    /// An example is at [`PictureBuilder`].
    #[must_use]
    pub fn relation(&self, a: At, b: At) -> Relation {
        if !self.known(a) || !self.known(b) {
            return Relation::Unknown;
        }
        let (first, second) = (self.place(a), self.place(b));
        if first == second {
            Relation::Equal
        } else if self.leads(first.min(second), first.max(second)) {
            if first < second {
                Relation::Before
            } else {
                Relation::After
            }
        } else if self.may_lead(a, b) || self.may_lead(b, a) {
            Relation::Unknown
        } else {
            Relation::Concurrent
        }
    }

    /// Everything that can have influenced an event, in causal order.
    #[must_use]
    pub fn led_to(&self, at: At) -> Vec<At> {
        if !self.known(at) {
            return Vec::new();
        }
        self.all_from(at, |at| self.causes(at))
    }

    /// Everything that an event can have influenced, in causal order.
    #[must_use]
    pub fn influenced(&self, at: At) -> Vec<At> {
        if !self.known(at) {
            return Vec::new();
        }
        self.all_from(at, |at| self.effects(at))
    }

    fn known(&self, at: At) -> bool {
        (at as usize) < self.len()
    }

    fn node_of(&self, process: u32) -> u32 {
        self.processes
            .get(process as usize)
            .map_or(NONE, |process| process.node)
    }
}

/// The events by origin and number.
#[derive(Debug, Default)]
struct Ids(Vec<At>);

impl Ids {
    fn new(columns: &Columns) -> Self {
        let mut all: Vec<At> = (0..).take(columns.len()).collect();
        all.sort_unstable_by_key(|at| (Self::key(columns, *at), *at));
        Self(all)
    }

    /// Puts columns in stamp order, each event once; answers which were given as which, unless all were
    /// in order.
    fn sort(columns: &mut Columns, origins: &[Origin]) -> (Self, Option<Vec<u32>>) {
        let ids = Self::new(columns);
        let key = |columns: &Columns, row: u32| {
            let row = row as usize;
            let origin = columns.origins[row] as usize;
            (columns.stamps[row], &origins[origin], columns.seqs[row])
        };
        let rows = 0..columns.len() as u32;
        let is_sorted = rows.is_sorted_by(|one, other| key(columns, *one) < key(columns, *other));
        if is_sorted && ids.is_unique(columns) {
            return (ids, None);
        }
        let mut rows = ids.0;
        rows.dedup_by_key(|row| Self::key(columns, *row));
        rows.sort_unstable_by(|one, other| key(columns, *one).cmp(&key(columns, *other)));
        columns.picked(&rows);
        (Self::new(columns), Some(rows))
    }

    fn key(columns: &Columns, at: At) -> (u32, Seq) {
        (columns.origins[at as usize], columns.seqs[at as usize])
    }

    fn is_unique(&self, columns: &Columns) -> bool {
        let key = |at: &At| Self::key(columns, *at);
        self.0.is_sorted_by(|one, other| key(one) < key(other))
    }

    fn find(&self, columns: &Columns, id: (u32, Seq)) -> Option<At> {
        let found = self
            .0
            .binary_search_by_key(&id, |at| Self::key(columns, *at));
        found.ok().map(|found| self.0[found])
    }
}
