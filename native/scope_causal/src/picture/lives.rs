//! What the beginnings and ends of processes lead to.

use super::At;
use super::chains::Chains;
use super::columns::Columns;
use super::edge::{Edge, EdgeKind};
use crate::Confidence;
use scope_event::Kind;
use std::collections::HashMap;

/// That a process ended, as an event tells of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) at: At,
    /// Who ended.
    pub(super) of: u32,
    pub(super) reason: Option<u64>,
}

/// Finds edges from what was captured of lives.
pub(super) struct Lives<'a> {
    columns: &'a Columns,
    chains: &'a Chains,
    /// Why each `:exit` happened, by event.
    reasons: HashMap<At, u64>,
    /// The `:exit` events of each process, in order.
    ends: HashMap<u32, Vec<At>>,
    /// From who made a link to who is at its other side: the events that say so.
    links: HashMap<(u32, u32), Vec<At>>,
    /// By process: those that it was ever linked with, whoever made the link.
    near: HashMap<u32, Vec<u32>>,
}

impl<'a> Lives<'a> {
    pub(super) fn new(columns: &'a Columns, chains: &'a Chains, told: &[Told]) -> Self {
        let mut lives = Self {
            columns,
            chains,
            reasons: HashMap::new(),
            ends: HashMap::new(),
            links: HashMap::new(),
            near: HashMap::new(),
        };
        for told in told {
            if let Some(reason) = told.reason {
                lives.reasons.insert(told.at, reason);
            }
        }
        for (at, (kind, process)) in (0..).zip(columns.kinds.iter().zip(&columns.processes)) {
            lives.note(at, *kind, *process);
        }
        lives
    }

    fn note(&mut self, at: At, kind: Kind, process: u32) {
        let other = self.columns.abouts[at as usize].process();
        match (kind, other) {
            (Kind::Exit, _) => self.ends.entry(process).or_default().push(at),
            (Kind::Link | Kind::Unlink, Some(other)) => self.note_link(at, process, other),
            _ => {}
        }
    }

    fn note_link(&mut self, at: At, maker: u32, other: u32) {
        let known = self.links.entry((maker, other)).or_default();
        if known.is_empty() {
            self.near.entry(maker).or_default().push(other);
            self.near.entry(other).or_default().push(maker);
        }
        known.push(at);
    }

    pub(super) fn edges(&self, told: &[Told]) -> Vec<Edge> {
        let mut edges: Vec<Edge> = self.spawns().collect();
        for told in told {
            if self.columns.kinds[told.at as usize] != Kind::Exit {
                self.shown(*told, &mut edges);
            }
        }
        self.passed_on(&mut edges);
        edges.retain(|edge| edge.cause != edge.effect);
        edges
    }

    /// From each spawn to what the child did first.
    fn spawns(&self) -> impl Iterator<Item = Edge> + '_ {
        let events = (0..).zip(&self.columns.kinds);
        let spawns = events.filter(|(_, kind)| **kind == Kind::Spawn);
        spawns.filter_map(|(cause, _)| {
            let child = self.columns.abouts[cause as usize].process()?;
            let effect = self.begins(child, cause)?;
            Some(Edge {
                cause,
                effect,
                kind: EdgeKind::Spawn,
                sure: Confidence::Exact,
            })
        })
    }

    /// What a process did first: the first event of its pid, or the one behind the end of an earlier life.
    fn begins(&self, child: u32, spawn: At) -> Option<At> {
        let ends = self.ends.get(&child).into_iter().flatten().copied();
        match ends.take_while(|end| *end < spawn).last() {
            Some(end) => self.chains.behind(end),
            None => self.chains.first(child),
        }
    }

    /// From an end to an exit signal or `:DOWN` that tells of it.
    fn shown(&self, told: Told, edges: &mut Vec<Edge>) {
        if let Some(end) = self.end(told.of, told.reason, told.at) {
            self.ended(end, told.of, told.at, edges);
        }
    }

    /// From an end to those of linked processes that took its reason.
    fn passed_on(&self, edges: &mut Vec<Edge>) {
        for (&effect, &reason) in &self.reasons {
            let process = self.columns.processes[effect as usize];
            for other in self.linked(process, effect) {
                let end = self.end(other, Some(reason), effect);
                if let Some(end) = end.filter(|end| *end < effect) {
                    self.ended(end, other, effect, edges);
                }
            }
        }
    }

    /// Those that a process is linked with at an event, by the last word of either side.
    fn linked(&self, process: u32, until: At) -> impl Iterator<Item = u32> + '_ {
        let near = self.near.get(&process).into_iter().flatten().copied();
        near.filter(move |&other| {
            let sides = [(process, other), (other, process)];
            let last = sides.iter().filter_map(|side| {
                let events = self.links.get(side)?;
                events.iter().copied().rfind(|at| *at < until)
            });
            let last = last.max();
            last.is_some_and(|at| self.columns.kinds[at as usize] == Kind::Link)
        })
    }

    /// The end of a process that is seen in `effect`, unless it is known to have had another reason.
    fn end(&self, process: u32, reason: Option<u64>, effect: At) -> Option<At> {
        let ends = self.ends.get(&process)?;
        let before = ends.iter().rfind(|end| **end < effect);
        let end = *before.or(ends.first())?;
        let known = self.reasons.get(&end).copied();
        let differs = known.zip(reason).is_some_and(|(one, other)| one != other);
        (!differs).then_some(end)
    }

    /// An end is seen: so what came of it does, and what had to be there for it to be seen.
    fn ended(&self, end: At, of: u32, effect: At, edges: &mut Vec<Edge>) {
        edges.push(Edge {
            cause: end,
            effect,
            kind: EdgeKind::Exit,
            sure: Confidence::Likely,
        });
        let seer = self.columns.processes[effect as usize];
        let links = self.links.get(&(seer, of)).into_iter().flatten();
        let link = links.copied().rfind(|at| *at < effect);
        edges.extend(
            link.filter(|at| self.columns.kinds[*at as usize] == Kind::Link)
                .map(|cause| Edge {
                    cause,
                    effect: end,
                    kind: EdgeKind::Link,
                    sure: Confidence::Likely,
                }),
        );
    }
}
