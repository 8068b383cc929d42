//! The direct effects of every event, side by side in one array.

use crate::{CausalError, Edge, Event};
use std::collections::HashMap;

/// What each event leads to: the next event of its process, and the effects that edges name.
#[derive(Debug)]
pub(crate) struct Effects {
    /// Where the effects of an event begin; they end where those of the next one begin.
    starts: Vec<usize>,
    effects: Vec<usize>,
}

impl Effects {
    pub(crate) fn new(events: &[Event], edges: &[Edge]) -> Result<Self, CausalError> {
        for edge in edges {
            check(edge, events.len())?;
        }
        let mut all = program_order(events);
        all.extend_from_slice(edges);
        Ok(Self::grouped(events.len(), &all))
    }

    /// A counting sort by cause: `starts` first holds where each group ends and is counted down.
    fn grouped(events: usize, edges: &[Edge]) -> Self {
        let mut starts = vec![0; events + 1];
        edges.iter().for_each(|edge| starts[edge.cause] += 1);
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut effects = vec![0; edges.len()];
        for edge in edges {
            starts[edge.cause] -= 1;
            effects[starts[edge.cause]] = edge.effect;
        }
        Self { starts, effects }
    }

    pub(crate) fn of(&self, cause: usize) -> &[usize] {
        &self.effects[self.starts[cause]..self.starts[cause + 1]]
    }

    /// How many direct causes each event has.
    pub(crate) fn causes(&self) -> Vec<usize> {
        let mut causes = vec![0; self.starts.len() - 1];
        self.effects.iter().for_each(|&effect| causes[effect] += 1);
        causes
    }
}

fn check(edge: &Edge, events: usize) -> Result<(), CausalError> {
    let event = edge.cause.max(edge.effect);
    if event >= events {
        return Err(CausalError::NoEvent { event });
    }
    if edge.cause == edge.effect {
        return Err(CausalError::Itself { event });
    }
    Ok(())
}

/// From each event to the next one of its process.
fn program_order(events: &[Event]) -> Vec<Edge> {
    let mut last = HashMap::new();
    let next = events.iter().enumerate().filter_map(|(effect, event)| {
        let cause = last.insert(event.process, effect)?;
        Some(Edge { cause, effect })
    });
    next.collect()
}
