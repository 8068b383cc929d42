//! A query prepared for many blocks: what decides whether a block is looked into.

use super::{Body, Candidate};
use crate::index::{Filter, Index, hash, term};
use crate::log::Slot;
use crate::query::{Order, Query, Span};
use scope_event::{Origin, Seq};
use std::ops::RangeInclusive;

/// The filters of a query as hashes. An empty list lets everything pass.
#[derive(Debug)]
pub(crate) struct Sieve<'a> {
    pub(crate) query: &'a Query,
    /// Stamps that can match, the cursor taken into account.
    pub(crate) stamps: RangeInclusive<u64>,
    pids: Vec<u64>,
    modules: Vec<u64>,
    /// The function, or its module if the query does not say more.
    function: Option<u64>,
    correlations: Vec<u64>,
}

impl<'a> Sieve<'a> {
    pub(crate) fn new(query: &'a Query) -> Self {
        Self {
            query,
            stamps: stamps(query),
            pids: query.pids.iter().map(hash::pid).collect(),
            modules: query
                .modules
                .iter()
                .map(|module| hash::module(module))
                .collect(),
            function: function(query),
            correlations: query
                .correlations
                .iter()
                .map(|wanted| term::hash(&wanted.id))
                .collect(),
        }
    }

    /// Whether events of `origin` can match.
    pub(crate) fn takes_origin(&self, origin: &Origin) -> bool {
        (self.query.nodes.is_empty() || self.query.nodes.contains(&origin.node))
            && !self.spans(origin).is_empty()
    }

    /// The numbers of an origin that can match.
    pub(crate) fn spans(&self, origin: &Origin) -> &'a [Span] {
        match &self.query.ranges {
            Some(ranges) => ranges.of(origin),
            None => &[(0, Seq::MAX)],
        }
    }

    /// How many of an origin's numbers `first..=last` can match.
    pub(crate) fn counts(&self, origin: &Origin, first: Seq, last: Seq) -> u64 {
        match &self.query.ranges {
            Some(ranges) => ranges.counts(origin, first, last),
            None => (last - first).saturating_add(1),
        }
    }

    /// Whether all events of a block can match by their numbers.
    pub(crate) fn takes_all_of(&self, block: &Candidate) -> bool {
        let (first, last) = block.body.span();
        block.floor < first
            && self.counts(block.body.origin(), first, last) == (last - first).saturating_add(1)
    }

    /// Whether some of a block's stamps can match.
    pub(crate) fn meets(&self, oldest: u64, newest: u64) -> bool {
        oldest <= *self.stamps.end() && *self.stamps.start() <= newest
    }

    /// Whether a stamp comes behind the place where the question goes on, so that an answer that ends
    /// before it is not the same question again.
    pub(crate) fn is_further(&self, stamp: u64) -> bool {
        match self.query.order {
            Order::Asc => *self.stamps.start() < stamp,
            Order::Desc => stamp < *self.stamps.end(),
        }
    }

    /// Whether a block of an origin that matches can hold a match.
    pub(crate) fn may_match(&self, slot: &Slot) -> bool {
        self.meets(slot.oldest, slot.newest)
            && (self.query.kinds.is_empty() || self.query.kinds.meets(slot.kinds))
            && self.may_hold(&slot.entry.index)
    }

    /// Whether all events of a block match whose key does.
    pub(crate) fn asks_keys_alone(&self, block: &Candidate) -> bool {
        let Query {
            pids,
            correlations,
            contains,
            after,
            ..
        } = self.query;
        let all =
            pids.is_empty() && correlations.is_empty() && contains.is_none() && after.is_none();
        all && matches!(block.body, Body::Closed(_))
            && self.takes_all_of(block)
            && self.stamps.contains(&block.oldest)
            && self.stamps.contains(&block.newest)
    }

    fn may_hold(&self, index: &Index) -> bool {
        some_in(&self.pids, &index.pids)
            && some_in(&self.correlations, &index.correlations)
            && some_in(&self.modules, &index.functions)
            && some_in(self.function.as_slice(), &index.functions)
    }
}

fn some_in(hashes: &[u64], filter: &Filter) -> bool {
    hashes.is_empty() || hashes.iter().any(|hash| filter.may_hold(*hash))
}

fn stamps(query: &Query) -> RangeInclusive<u64> {
    let (from, to) = (query.from.unwrap_or(0), query.to.unwrap_or(u64::MAX));
    match (&query.after, query.order) {
        (None, _) => from..=to,
        (Some(cursor), Order::Asc) => from.max(cursor.stamp)..=to,
        (Some(cursor), Order::Desc) => from..=to.min(cursor.last_before()),
    }
}

fn function(query: &Query) -> Option<u64> {
    let wanted = query.mfa.as_ref()?;
    let module = wanted.module.as_ref()?;
    Some(match (&wanted.function, wanted.arity) {
        (Some(function), Some(arity)) => hash::function(module, function, arity),
        _ => hash::module(module),
    })
}
