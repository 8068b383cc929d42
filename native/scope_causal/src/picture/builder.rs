//! A picture while it is made.

use super::columns::{Columns, Row};
use super::edge::{Edge, EdgeKind};
use super::input::Input;
use super::lives::Told;
use super::making::Making;
use super::names::Names;
use super::{At, Ids, Picture};
use crate::{CausalError, Confidence};
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
    pub(super) columns: Columns,
    pub(super) names: Names,
    pub(super) told: Vec<Told>,
    pub(super) pairs: Vec<Paired>,
    pub(super) missing: HashSet<Arc<str>>,
    pub(super) clocks_ns: u64,
}

/// Half of a message, the id of the other half, and how sure that is.
pub(super) type Outside = (At, (u32, Seq), Confidence);

/// Two halves of a message by their ids, with origins as numbers.
pub(super) type Paired = ((u32, Seq), (u32, Seq), Confidence);

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

    /// The origin and number of the event that was given as this one, if it is a send or receive.
    #[must_use]
    pub fn message(&self, given: usize) -> Option<(&Origin, Seq)> {
        let kind = self.columns.kinds.get(given)?;
        let origin = self.names.origins.at(self.columns.origins[given])?;
        (kind.family() == Family::Message).then_some((origin, self.columns.seqs[given]))
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
    pub fn finish(self) -> Result<Picture, CausalError> {
        Ok(self.making().picture())
    }

    /// The picture, to be made in steps.
    #[must_use]
    pub fn making(self) -> Making {
        Making::new(self)
    }
}

/// What pairs say of the events that are here.
pub(super) struct Messages {
    /// From send to receive.
    pub(super) edges: Vec<Edge>,
    pub(super) possible: Vec<Edge>,
    /// Messages of which no pair is settled.
    pub(super) open: Vec<At>,
    /// Halves of which the other one is not here, in order.
    pub(super) outside: Vec<Outside>,
}

impl Messages {
    pub(super) fn new(columns: &Columns, ids: &Ids, pairs: &[Paired]) -> Self {
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
        outside.sort_unstable();
        outside.dedup();
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
