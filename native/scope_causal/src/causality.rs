//! Causal order, and questions about it.

use crate::effects::Effects;
use crate::pass::Pass;
use crate::{CausalError, Correction, Edge, Event};
use scope_clock::Stamp;

/// How two events stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The first can have influenced the second.
    Before,
    /// The second can have influenced the first.
    After,
    /// Neither can have influenced the other, as far as causes are known.
    Concurrent,
    /// They are the same event.
    Equal,
}

/// Events in causal order.
#[derive(Debug)]
pub struct Causality {
    effects: Effects,
    pass: Pass,
    /// By index: the place in causal order.
    places: Vec<usize>,
    corrections: Vec<Correction>,
}

impl Causality {
    /// Orders `events`, given in stamp order, behind their causes: the events before them in their
    /// process, and those that `edges` name. O(n log n + m) for n events and m edges.
    ///
    /// # Errors
    ///
    /// [`CausalError`] when the events are not in stamp order, or an edge names an event that does
    /// not exist, points to itself or closes a cycle.
    pub fn build(events: &[Event], edges: &[Edge]) -> Result<Self, CausalError> {
        if let Some(at) = events
            .windows(2)
            .position(|two| two[0].stamp > two[1].stamp)
        {
            return Err(CausalError::Unsorted { event: at + 1 });
        }
        let effects = Effects::new(events, edges)?;
        let pass = Pass::over(events, &effects)?;
        Ok(Self {
            places: places(&pass.order),
            corrections: corrections(events, &pass),
            effects,
            pass,
        })
    }

    /// The indexes of the events in causal order. Where no cause is stamped behind its effect, that
    /// is the order they were given in.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.pass.order
    }

    /// When the event happened at the earliest, given its causes.
    #[must_use]
    pub fn stamp(&self, event: usize) -> Option<Stamp> {
        self.pass.stamps.get(event).copied()
    }

    /// The events that were moved, in causal order.
    #[must_use]
    pub fn corrections(&self) -> &[Correction] {
        &self.corrections
    }

    /// How event `a` stands to event `b`; `None` where one of them does not exist.
    ///
    /// Exact, by following effects from the earlier to the later one. Takes time and memory linear
    /// in the events that stand between them and in their effects, and nothing beforehand.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_causal::{Causality, Event, Relation};
    /// use scope_clock::Stamp;
    ///
    /// let event = |process, ns| Event { process, stamp: Stamp::from_ns(ns) };
    /// let causality = Causality::build(&[event(1, 10), event(2, 20), event(1, 30)], &[])?;
    /// assert_eq!(causality.relation(2, 0), Some(Relation::After));
    /// assert_eq!(causality.relation(0, 1), Some(Relation::Concurrent));
    /// # Ok::<(), scope_causal::CausalError>(())
    /// ```
    #[must_use]
    pub fn relation(&self, a: usize, b: usize) -> Option<Relation> {
        let (&first, &second) = (self.places.get(a)?, self.places.get(b)?);
        Some(if first == second {
            Relation::Equal
        } else if !self.leads(first.min(second), first.max(second)) {
            Relation::Concurrent
        } else if first < second {
            Relation::Before
        } else {
            Relation::After
        })
    }

    /// Whether effects lead from one place to a later one. Every effect stands behind its cause, so
    /// that one look at the places between them, in order, is enough.
    fn leads(&self, from: usize, to: usize) -> bool {
        let mut reached = vec![false; to - from + 1];
        reached[0] = true;
        for place in from..to {
            let leads = reached[place - from];
            for &effect in self.effects.of(self.pass.order[place]) {
                if let Some(reached) = reached.get_mut(self.places[effect] - from) {
                    *reached |= leads;
                }
            }
        }
        reached[to - from]
    }
}

fn places(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    for (place, &event) in order.iter().enumerate() {
        places[event] = place;
    }
    places
}

fn corrections(events: &[Event], pass: &Pass) -> Vec<Correction> {
    let moved = pass.order.iter().filter_map(|&event| {
        let (now, recorded) = (pass.stamps[event], events[event].stamp);
        // A stamp is finer than a nanosecond: less than half of one is still a correction.
        (now > recorded).then(|| Correction {
            event,
            by_ns: now.ns_since(recorded).unsigned_abs().max(1),
        })
    });
    moved.collect()
}
