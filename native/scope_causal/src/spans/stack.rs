//! Calls and their ends, replayed on one stack for each process.

use super::{Link, NONE, Row, UNKNOWN};
use crate::At;
use crate::Picture;
use scope_event::Kind;
use std::collections::{HashMap, HashSet};

/// The spans of each process, in stamp order of their first events, not yet linked across processes.
pub(crate) struct Found {
    pub(crate) rows: Vec<Row>,
    /// By event: see [`super::Spans`].
    pub(crate) inside: Vec<u32>,
    /// By span: what shows that it is over, or that more cannot be known of it; [`NONE`] of one that is
    /// still open behind the last event.
    pub(crate) over: Vec<u32>,
}

/// What a process is in.
#[derive(Default)]
struct Process {
    stack: Vec<u32>,
    /// How many losses of its node it has seen.
    losses: u32,
}

struct Replay<'a> {
    picture: &'a Picture,
    /// By function: whether its ends were not captured.
    points: Vec<bool>,
    processes: Vec<Process>,
    /// By node: how often events of it were lost so far, and where the last time.
    losses: Vec<(u32, At)>,
    /// How many calls of a function a process is in; **invariant**: as many as on its stack.
    open: HashMap<(u32, u32), u32>,
    found: Found,
}

pub(crate) fn replay(picture: &Picture) -> Found {
    let mut replay = Replay {
        points: points(picture),
        processes: (0..picture.processes().len())
            .map(|_| Process::default())
            .collect(),
        losses: vec![(0, 0); picture.nodes().len()],
        open: HashMap::new(),
        found: Found {
            rows: Vec::new(),
            inside: vec![NONE; picture.len()],
            over: Vec::new(),
        },
        picture,
    };
    (0..).take(picture.len()).for_each(|at| replay.step(at));
    replay.found
}

/// The functions that some process calls again and again, and that are never seen to end: their calls
/// alone were captured, and as none of them is known to be open, they hold nothing.
fn points(picture: &Picture) -> Vec<bool> {
    let functions = picture.functions().len();
    let (mut ends, mut again) = (vec![false; functions], vec![false; functions]);
    let calls = |kinds: fn(Kind) -> bool| {
        let events = (0..)
            .take(picture.len())
            .filter(move |&at| kinds(picture.kind(at)));
        events.filter_map(|at| Some((picture.process(at)?, picture.function(at)?)))
    };
    for (_, function) in calls(|kind| matches!(kind, Kind::Return | Kind::Exception)) {
        ends[function as usize] = true;
    }
    let mut seen = HashSet::new();
    for call in calls(|kind| kind == Kind::Call).filter(|&(_, function)| !ends[function as usize]) {
        again[call.1 as usize] |= !seen.insert(call);
    }
    again
}

impl Replay<'_> {
    fn step(&mut self, at: At) {
        let kind = self.picture.kind(at);
        if matches!(kind, Kind::Gap | Kind::TraceStopped) {
            return self.lost(at);
        }
        let Some(process) = self.picture.process(at) else {
            return;
        };
        self.catch_up(at, process);
        match (kind, self.picture.function(at)) {
            (Kind::Call, Some(function)) => self.call(at, process, function),
            (Kind::Return, Some(function)) => self.end(at, process, function, false),
            (Kind::Exception, Some(function)) => self.end(at, process, function, true),
            (Kind::Exit, _) => self.exit(at, process),
            _ => self.note(at, process),
        }
    }

    /// Events of a node are missing. What its processes are in is looked at when they do something.
    fn lost(&mut self, at: At) {
        if let Some(node) = self.picture.node(at)
            && let Some(losses) = self.losses.get_mut(node as usize)
        {
            *losses = (losses.0 + 1, at);
        }
    }

    /// What was open when events were lost may have ended since.
    fn catch_up(&mut self, at: At, process: u32) {
        let node = self.picture.node(at);
        let known = node.and_then(|node| self.losses.get(node as usize));
        let Some(&(losses, at)) = known else { return };
        if self.processes[process as usize].losses != losses {
            self.processes[process as usize].losses = losses;
            while self.pop(process, at).is_some() {}
        }
    }

    fn note(&mut self, at: At, process: u32) {
        if let Some(&top) = self.processes[process as usize].stack.last() {
            self.found.inside[at as usize] = top;
        }
    }

    fn call(&mut self, at: At, process: u32, function: u32) {
        let span = self.push(process, function, at, NONE);
        let row = &mut self.found.rows[span as usize];
        row.point = self.points[function as usize];
        self.found.inside[at as usize] = span;
        if row.point {
            self.found.over[span as usize] = at;
        } else {
            self.processes[process as usize].stack.push(span);
            *self.open.entry((process, function)).or_default() += 1;
        }
    }

    /// What was called within it and is open has lost its end, or handed it on by calling last.
    fn end(&mut self, at: At, process: u32, function: u32, raised: bool) {
        if self
            .open
            .get(&(process, function))
            .is_none_or(|&calls| calls == 0)
        {
            let span = self.push(process, function, NONE, at);
            self.found.rows[span as usize].raised = raised;
            self.found.over[span as usize] = at;
            self.found.inside[at as usize] = span;
            return;
        }
        while let Some(span) = self.pop(process, at) {
            let row = &mut self.found.rows[span as usize];
            if row.function == function {
                (row.end, row.raised) = (at, raised);
                self.found.inside[at as usize] = span;
                return;
            }
        }
    }

    /// All that a process is in ends with it.
    fn exit(&mut self, at: At, process: u32) {
        self.note(at, process);
        while let Some(span) = self.pop(process, at) {
            let row = &mut self.found.rows[span as usize];
            (row.end, row.raised) = (at, true);
        }
    }

    fn push(&mut self, process: u32, function: u32, call: u32, end: u32) -> u32 {
        let parent = self.processes[process as usize].stack.last().copied();
        let span = self.found.rows.len() as u32;
        self.found.rows.push(Row {
            process,
            function,
            call,
            end,
            parent: parent.unwrap_or(NONE),
            cause: NONE,
            link: parent.map_or(Link::Root, |_| Link::Program),
            raised: false,
            point: false,
            total: UNKNOWN,
            own: UNKNOWN,
        });
        self.found.over.push(NONE);
        span
    }

    fn pop(&mut self, process: u32, at: At) -> Option<u32> {
        let span = self.processes[process as usize].stack.pop()?;
        let function = self.found.rows[span as usize].function;
        if let Some(calls) = self.open.get_mut(&(process, function)) {
            *calls -= 1;
        }
        self.found.over[span as usize] = at;
        Some(span)
    }
}
