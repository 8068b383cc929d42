//! From what was given to a picture, in steps: none of them takes long, whoever may be waiting.

use super::builder::{Messages, PictureBuilder};
use super::chains::Chains;
use super::cycles::Breaking;
use super::edge::{Edge, Edges};
use super::lives::{Lives, Told};
use super::order::{Order, Pass};
use super::{At, Ids, Picture, Process};
use scope_clock::Stamp;
use scope_event::{Kind, Pid};
use std::collections::HashMap;

/// Events that are ordered in one step.
const STEP: usize = 100_000;

/// A picture that is not whole yet.
///
/// # Examples
///
/// ```
/// let mut making = scope_causal::PictureBuilder::new().making();
/// while making.step() {}
/// assert!(making.picture().is_empty());
/// ```
#[derive(Debug)]
pub struct Making {
    builder: PictureBuilder,
    /// Invariant: it has what the stages before this one gave it.
    picture: Picture,
    /// Candidates of ambiguous messages.
    candidates: Vec<Edge>,
    stage: Stage,
}

/// What comes next.
#[derive(Debug)]
enum Stage {
    Sort,
    Chain,
    Join,
    Order(Pass, Edges),
    Break(Breaking),
    Finish,
    Nothing,
}

impl Making {
    pub(super) fn new(builder: PictureBuilder) -> Self {
        Self {
            builder,
            picture: Picture::default(),
            candidates: Vec::new(),
            stage: Stage::Sort,
        }
    }

    /// Goes on; answers whether there is more to do.
    pub fn step(&mut self) -> bool {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Nothing) {
            Stage::Sort => self.sort(),
            Stage::Chain => self.chain(),
            Stage::Join => self.join(),
            Stage::Order(pass, edges) => self.order(pass, edges),
            Stage::Break(breaking) => self.broken(breaking),
            Stage::Finish => self.finish(),
            Stage::Nothing => Stage::Nothing,
        };
        !matches!(self.stage, Stage::Nothing)
    }

    /// The picture, after all steps that are left.
    #[must_use]
    pub fn picture(mut self) -> Picture {
        while self.step() {}
        self.picture
    }

    /// Puts the events in stamp order, each once.
    fn sort(&mut self) -> Stage {
        let names = &mut self.builder.names;
        self.picture.origins = std::mem::take(&mut names.origins).list();
        let origins = self.picture.origins.iter();
        let nodes_of = origins.map(|origin| names.nodes.index(&origin.node));
        self.picture.nodes_of = nodes_of.collect();
        let mut columns = std::mem::take(&mut self.builder.columns);
        (self.picture.ids, self.picture.rows) = Ids::sort(&mut columns, &self.picture.origins);
        let processes = std::mem::take(&mut names.processes).list();
        let numbers = columns.renumber(processes.len());
        self.renamed(processes, &numbers);
        self.picture.columns = columns;
        Stage::Chain
    }

    /// Gives processes the numbers that go by their first event, however the events came.
    fn renamed(&mut self, pids: Vec<Pid>, numbers: &[u32]) {
        let mut pids: Vec<_> = numbers.iter().zip(pids).collect();
        pids.sort_unstable_by_key(|(number, _)| **number);
        let nodes = &mut self.builder.names.nodes;
        let process = |(_, pid): (&u32, Pid)| Process {
            node: nodes.index(&pid.node),
            pid,
        };
        self.picture.processes = pids.into_iter().map(process).collect();
        for told in &mut self.builder.told {
            told.of = numbers[told.of as usize];
        }
    }

    fn chain(&mut self) -> Stage {
        let Picture {
            columns, processes, ..
        } = &self.picture;
        self.picture.chains = Chains::new(columns, processes.len());
        self.picture.possible.lost = self.lost();
        Stage::Join
    }

    /// Finds the edges.
    fn join(&mut self) -> Stage {
        let pairs = std::mem::take(&mut self.builder.pairs);
        let told = self.told();
        let picture = &mut self.picture;
        let messages = Messages::new(&picture.columns, &picture.ids, &pairs);
        let mut edges = messages.edges;
        let lives = Lives::new(&picture.columns, &picture.chains, &told);
        edges.extend(lives.edges(&told));
        picture.possible.open = messages.open;
        picture.outside = messages.outside;
        self.candidates = messages.possible;
        let edges = Edges::new(edges);
        if edges.all().iter().all(|edge| edge.cause < edge.effect) {
            picture.order = Order::given(picture.columns.len());
            picture.edges = edges;
            return Stage::Finish;
        }
        self.pass(edges)
    }

    fn pass(&self, edges: Edges) -> Stage {
        let (stamps, chains) = (&self.picture.columns.stamps, &self.picture.chains);
        Stage::Order(Pass::new(stamps, chains, &edges), edges)
    }

    fn order(&mut self, mut pass: Pass, edges: Edges) -> Stage {
        let (stamps, chains) = (&self.picture.columns.stamps, &self.picture.chains);
        if pass.advance(STEP, stamps, chains, &edges) {
            return Stage::Order(pass, edges);
        }
        if !pass.is_whole() {
            return Stage::Break(Breaking::new(edges));
        }
        self.picture.order = pass.finish(stamps);
        self.picture.edges = edges;
        Stage::Finish
    }

    /// One cycle less, or several that have nothing in common.
    fn broken(&mut self, mut breaking: Breaking) -> Stage {
        let (stamps, chains) = (&self.picture.columns.stamps, &self.picture.chains);
        if breaking.round(stamps, chains) {
            return Stage::Break(breaking);
        }
        let (edges, left_out) = breaking.finish();
        self.picture.left_out = left_out;
        self.pass(edges)
    }

    fn finish(&mut self) -> Stage {
        let picture = &mut self.picture;
        let corrections = picture.order.moved.iter().map(|(at, now)| {
            let by = now.ns_since(picture.columns.stamps[*at as usize]);
            // A stamp is finer than a nanosecond: less than half of one is still a correction.
            (*at, by.unsigned_abs().max(1))
        });
        picture.corrections = corrections.collect();
        let mut possible = std::mem::take(&mut self.candidates);
        possible.extend_from_slice(&picture.left_out);
        picture.possible.edges = Edges::new(possible);
        picture.columns.shrink();
        let names = std::mem::take(&mut self.builder.names);
        picture.nodes = names.nodes.list();
        picture.functions = names.functions.list();
        picture.correlations = names.correlations.list();
        picture.clocks_ns = self.builder.clocks_ns;
        Stage::Nothing
    }

    /// Who is told of ends, by the events as they are sorted.
    fn told(&mut self) -> Vec<Told> {
        let told = std::mem::take(&mut self.builder.told);
        let Some(rows) = &self.picture.rows else {
            return told;
        };
        let ats: HashMap<u32, At> = rows.iter().copied().zip(0..).collect();
        let told = told.into_iter();
        let told = told.filter_map(|told| {
            let at = *ats.get(&told.at)?;
            Some(Told { at, ..told })
        });
        told.collect()
    }

    /// By node: until when events may be lost.
    fn lost(&self) -> Vec<Option<Stamp>> {
        let picture = &self.picture;
        let mut lost = vec![None; self.builder.names.nodes.len()];
        let kinds = picture.columns.kinds.iter().enumerate();
        for (at, _) in kinds.filter(|(_, kind)| **kind == Kind::Gap) {
            let node = picture.nodes_of[picture.columns.origins[at] as usize];
            let until = &mut lost[node as usize];
            *until = (*until).max(Some(picture.columns.stamps[at]));
        }
        let missing = self.builder.missing.iter();
        for node in missing.filter_map(|node| self.builder.names.nodes.get(node)) {
            lost[node as usize] = Some(Stamp::from_bits(u64::MAX));
        }
        lost
    }
}
