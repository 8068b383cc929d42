//! A picture while it is made.

use super::chains::Chains;
use super::columns::{Columns, Row};
use super::edge::{Edge, EdgeKind, Edges};
use super::input::Input;
use super::lives::{Lives, Told};
use super::names::Names;
use super::order::Order;
use super::possible::Possible;
use super::{At, Ids, Picture};
use crate::{CausalError, Confidence};
use scope_clock::Stamp;
use scope_event::{Family, Kind, Origin, Seq};
use std::collections::HashSet;
use std::sync::Arc;

/// Events that a picture holds at most: what 30 bits can count.
const MOST: usize = 1 << 30;

/// Which event: who recorded it, and its number there.
pub type Id = (Origin, Seq);

/// Takes events and what is known of them, and makes a picture.
///
/// # Examples
///
/// A request whose receive is stamped before its send:
///
/// ```
/// use scope_causal::{Confidence, Input, PictureBuilder, Relation};
/// use scope_clock::Stamp;
/// use scope_event::{Kind, Origin, Pid};
///
/// let (web, shop) = (Origin::new("web@host", 1), Origin::new("shop@host", 1));
/// let pid = |node: &str, id| Pid { node: node.into(), id, serial: 0, creation: 1 };
/// let (client, server) = (pid("web@host", 101), pid("shop@host", 102));
///
/// let mut builder = PictureBuilder::new();
/// builder.push(Input {
///     pid: Some(&server),
///     ..Input::new(&shop, 1, Stamp::from_ns(1_000), Kind::Receive)
/// })?;
/// builder.push(Input {
///     pid: Some(&client),
///     ..Input::new(&web, 1, Stamp::from_ns(1_800), Kind::Send)
/// })?;
/// builder.pair((web, 1), (shop, 1), Confidence::Exact);
/// let picture = builder.finish()?;
///
/// assert_eq!(picture.order(), [1, 0]);
/// assert_eq!(picture.corrections(), [(0, 800)]);
/// assert_eq!(picture.relation(1, 0), Relation::Before);
/// # Ok::<(), scope_causal::CausalError>(())
/// ```
#[derive(Debug, Default)]
pub struct PictureBuilder {
    columns: Columns,
    names: Names,
    told: Vec<Told>,
    pairs: Vec<Paired>,
    missing: HashSet<Arc<str>>,
    clocks_ns: u64,
}

/// Half of a message, the id of the other half, and how sure that is.
pub(super) type Outside = (At, (u32, Seq), Confidence);

/// Two halves of a message by their ids, with origins as numbers.
type Paired = ((u32, Seq), (u32, Seq), Confidence);

impl PictureBuilder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many events it was given.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether it was given none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the next event. Stamp order saves the work of sorting; of events with one id the first
    /// counts.
    ///
    /// # Errors
    ///
    /// [`CausalError::TooMany`] beyond 2^30 events.
    pub fn push(&mut self, input: Input<'_>) -> Result<(), CausalError> {
        let at = self.columns.len();
        if at >= MOST {
            return Err(CausalError::TooMany);
        }
        let names = &mut self.names;
        if let Some(end) = input.end {
            let of = names.process(end.of);
            self.told.push(Told {
                at: at as At,
                of,
                reason: end.reason,
            });
        }
        self.columns.push(Row {
            stamp: input.stamp,
            seq: input.seq,
            origin: names.origins.index(input.origin),
            mono_ns: input.mono_ns,
            kind: input.kind,
            flags: input.flags,
            process: input.pid.map(|pid| names.process(pid)),
            about: names.about(input.about),
            correlation: input
                .correlation
                .map(|hash| names.correlations.index(&hash)),
        });
        Ok(())
    }

    /// The sends and receives that it was given.
    pub fn messages(&self) -> impl Iterator<Item = (u32, Seq)> + '_ {
        let kinds = self.columns.kinds.iter().enumerate();
        let messages = kinds.filter(|(_, kind)| kind.family() == Family::Message);
        messages.map(|(at, _)| (self.columns.origins[at], self.columns.seqs[at]))
    }

    /// The origins of the events so far, in the order that [`messages`](Self::messages) counts them by.
    #[must_use]
    pub fn origins(&self) -> Vec<Origin> {
        self.names.origins.clone().list()
    }

    /// Says that two events are the halves of one message, in whichever order; of an ambiguous message
    /// it is said of each candidate.
    pub fn pair(&mut self, one: Id, other: Id, sure: Confidence) {
        let mut id = |(origin, seq): Id| (self.names.origins.index(&origin), seq);
        let (one, other) = (id(one), id(other));
        self.pairs.push((one, other, sure));
    }

    /// Says that not all events of a node are here, wherever they are missing.
    pub fn misses(&mut self, node: Arc<str>) {
        // Also a node without any event may have led to those of others.
        self.names.nodes.index(&node);
        self.missing.insert(node);
    }

    /// Says by how much the clocks of two nodes may differ.
    pub fn clocks(&mut self, ns: u64) {
        self.clocks_ns = ns;
    }

    /// The picture.
    ///
    /// # Errors
    ///
    /// [`CausalError`] when there is none; so far there always is.
    pub fn finish(mut self) -> Result<Picture, CausalError> {
        let origins = std::mem::take(&mut self.names.origins).list();
        let (ids, rows) = self.sort(&origins);
        let processes = Names::processes(
            std::mem::take(&mut self.names.processes),
            &mut self.names.nodes,
        );
        let nodes_of: Vec<u32> = origins
            .iter()
            .map(|origin| self.names.nodes.index(&origin.node))
            .collect();
        let chains = Chains::new(&self.columns, processes.len());
        let messages = Messages::new(&self.columns, &ids, &self.pairs);
        let told = self.told(&rows);
        let mut outside = messages.outside;
        outside.sort_unstable();
        outside.dedup();
        let mut edges = messages.edges;
        edges.extend(Lives::new(&self.columns, &chains, &told).edges(&told));
        let (order, edges, left_out) = Order::new(&self.columns.stamps, &chains, Edges::new(edges));
        let possible = messages
            .possible
            .into_iter()
            .chain(left_out.iter().copied());
        let possible = Possible {
            edges: Edges::new(possible.collect()),
            lost: self.lost(&nodes_of),
            open: messages.open,
        };
        self.columns.shrink();
        let corrections = order.moved.iter().map(|(at, now)| {
            let by = now.ns_since(self.columns.stamps[*at as usize]);
            // A stamp is finer than a nanosecond: less than half of one is still a correction.
            (*at, by.unsigned_abs().max(1))
        });
        Ok(Picture {
            corrections: corrections.collect(),
            rows,
            ids,
            nodes_of,
            origins,
            processes,
            nodes: self.names.nodes.list(),
            functions: self.names.functions.list(),
            correlations: self.names.correlations.list(),
            clocks_ns: self.clocks_ns,
            columns: self.columns,
            chains,
            edges,
            order,
            possible,
            left_out,
            outside,
        })
    }

    /// Puts the events in stamp order, each once; answers which were given as which, unless all were in
    /// order.
    fn sort(&mut self, origins: &[Origin]) -> (Ids, Option<Vec<u32>>) {
        let columns = &self.columns;
        let key = |row: u32| {
            let row = row as usize;
            let origin = &origins[columns.origins[row] as usize];
            (columns.stamps[row], origin, columns.seqs[row])
        };
        let mut rows: Vec<u32> = (0..).take(columns.len()).collect();
        let ids = Ids::new(columns);
        let sorted = rows.is_sorted_by(|one, other| key(*one) < key(*other));
        if sorted && ids.is_unique(columns) {
            return (ids, None);
        }
        let mut rows_by_id = ids.0;
        let id = |row: &mut u32| (columns.origins[*row as usize], columns.seqs[*row as usize]);
        rows_by_id.dedup_by_key(id);
        rows = rows_by_id;
        rows.sort_unstable_by(|one, other| key(*one).cmp(&key(*other)));
        self.columns.picked(&rows);
        (Ids::new(&self.columns), Some(rows))
    }

    fn told(&self, rows: &Option<Vec<u32>>) -> Vec<Told> {
        let Some(rows) = rows else {
            return self.told.clone();
        };
        let ats: std::collections::HashMap<u32, At> = rows.iter().copied().zip(0..).collect();
        let told = self.told.iter();
        told.filter_map(|told| {
            Some(Told {
                at: *ats.get(&told.at)?,
                ..*told
            })
        })
        .collect()
    }

    /// By node: until when events may be lost.
    fn lost(&self, nodes_of: &[u32]) -> Vec<Option<Stamp>> {
        let mut lost = vec![None; self.names.nodes.len()];
        for (at, _) in self
            .columns
            .kinds
            .iter()
            .enumerate()
            .filter(|(_, kind)| **kind == Kind::Gap)
        {
            let node = nodes_of[self.columns.origins[at] as usize];
            lost[node as usize] = lost[node as usize].max(Some(self.columns.stamps[at]));
        }
        for node in self
            .missing
            .iter()
            .filter_map(|node| self.names.nodes.get(node))
        {
            lost[node as usize] = Some(Stamp::from_bits(u64::MAX));
        }
        lost
    }
}

/// What pairs say of the events that are here.
struct Messages {
    /// From send to receive.
    edges: Vec<Edge>,
    possible: Vec<Edge>,
    /// Messages of which no pair is settled.
    open: Vec<At>,
    /// Halves of which the other one is not here.
    outside: Vec<Outside>,
}

impl Messages {
    fn new(columns: &Columns, ids: &Ids, pairs: &[Paired]) -> Self {
        let mut settled = vec![false; columns.len()];
        let (mut edges, mut possible, mut outside) = (Vec::new(), Vec::new(), Vec::new());
        for (one_id, other_id, sure) in pairs {
            let (one, other) = (ids.find(columns, *one_id), ids.find(columns, *other_id));
            match (one, other) {
                (Some(at), None) => outside.push((at, *other_id, *sure)),
                (None, Some(at)) => outside.push((at, *one_id, *sure)),
                _ => {}
            }
            if *sure > Confidence::Ambiguous {
                one.into_iter()
                    .chain(other)
                    .for_each(|at| settled[at as usize] = true);
            }
            let both = one
                .zip(other)
                .and_then(|(one, other)| edge(columns, one, other, *sure));
            let to = if *sure == Confidence::Ambiguous {
                &mut possible
            } else {
                &mut edges
            };
            to.extend(both);
        }
        let is_open = |at: &At| {
            matches!(columns.kinds[*at as usize], Kind::Send | Kind::Receive)
                && !settled[*at as usize]
        };
        let open = (0..).take(columns.len()).filter(is_open).collect();
        Self {
            edges,
            possible,
            open,
            outside,
        }
    }
}

/// From a send to a receive, whichever was named first.
fn edge(columns: &Columns, one: At, other: At, sure: Confidence) -> Option<Edge> {
    let kind = |at: At| columns.kinds[at as usize];
    let (cause, effect) = match (kind(one), kind(other)) {
        (Kind::Send, Kind::Receive) => (one, other),
        (Kind::Receive, Kind::Send) => (other, one),
        _ => return None,
    };
    Some(Edge {
        cause,
        effect,
        kind: EdgeKind::Message,
        sure,
    })
}
