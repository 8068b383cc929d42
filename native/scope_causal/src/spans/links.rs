//! What led to the first call of each stack: a message or the start of its process.
//!
//! A process that receives an answer to its own request, in the call that sent the request, goes on with
//! that call: it waited. Any other message may be what the next call of the process is about. Where the call
//! has a correlation, that is the last message before it with the same one.

use super::stack::Found;
use super::{Link, NONE, Wait};
use crate::At;
use crate::{EdgeKind, Picture};
use scope_event::Kind;
use std::collections::HashMap;

/// What is remembered of the events so far.
struct Reading<'a> {
    picture: &'a Picture,
    found: &'a mut Found,
    /// By process: the last message that began something, of any correlation.
    last: Vec<u32>,
    /// The same, by process and correlation.
    of_correlation: HashMap<(u32, u32), At>,
    /// By process: whether it has received anything.
    received: Vec<bool>,
    /// By process: its first event.
    first: Vec<u32>,
    /// By who sent and who received: the last message that is not answered.
    requests: HashMap<(u32, u32), At>,
    /// By span: the end of the last call within it, or of the last wait.
    busy: Vec<u32>,
    waits: Vec<Wait>,
}

/// Links spans to what led to them, and finds the waits, in stamp order.
pub(crate) fn link(picture: &Picture, found: &mut Found) -> Vec<Wait> {
    let processes = picture.processes().len();
    let mut reading = Reading {
        last: vec![NONE; processes],
        of_correlation: HashMap::new(),
        received: vec![false; processes],
        first: vec![NONE; processes],
        requests: HashMap::new(),
        busy: vec![NONE; found.rows.len()],
        waits: Vec::new(),
        picture,
        found,
    };
    for at in (0..).take(picture.len()) {
        if let Some(process) = picture.process(at) {
            reading.step(at, process);
        }
    }
    reading.waits
}

impl Reading<'_> {
    fn step(&mut self, at: At, process: u32) {
        if self.first[process as usize] == NONE {
            self.first[process as usize] = at;
        }
        match self.picture.kind(at) {
            Kind::Send => self.send(at, process),
            Kind::Receive => self.receive(at, process),
            Kind::Call => self.begin(at, process),
            Kind::Return | Kind::Exception => self.end(at),
            _ => {}
        }
    }

    fn send(&mut self, at: At, process: u32) {
        if let Some((taken, _)) = self.effect(at)
            && let Some(to) = self.picture.process(taken)
        {
            self.requests.insert((process, to), at);
        }
    }

    fn receive(&mut self, at: At, process: u32) {
        self.received[process as usize] = true;
        if let Some(wait) = self.answer(at, process) {
            self.busy[wait.span as usize] = at;
            self.waits.push(wait);
            return;
        }
        self.last[process as usize] = at;
        if let Some(correlation) = self.correlation(at) {
            self.of_correlation.insert((process, correlation), at);
        }
    }

    /// A receive seldom has a correlation of its own: it is about that of who sent the message.
    fn correlation(&self, receive: At) -> Option<u32> {
        let sent = || self.picture.correlation(self.cause(receive)?.0);
        self.picture.correlation(receive).or_else(sent)
    }

    /// The wait that a receive ends: of an answer to what was sent within the same span.
    fn answer(&mut self, received: At, process: u32) -> Option<Wait> {
        let span = self.inside(received)?;
        let (answered, _) = self.cause(received)?;
        let of = (process, self.picture.process(answered)?);
        let sent = *self.requests.get(&of)?;
        let (taken, _) = self.effect(sent)?;
        if self.inside(sent) != Some(span)
            || self.picture.place(taken) > self.picture.place(answered)
        {
            return None;
        }
        self.requests.remove(&of);
        let busy = self.busy[span as usize];
        let idle = if busy == NONE { sent } else { sent.max(busy) };
        Some(Wait {
            span,
            sent,
            taken,
            answered,
            received,
            idle,
        })
    }

    fn begin(&mut self, at: At, process: u32) {
        let Some(span) = self.inside(at) else { return };
        if self.found.rows[span as usize].link == Link::Root {
            self.trigger(at, process, span);
        }
    }

    fn trigger(&mut self, at: At, process: u32, span: u32) {
        let begun_by = match self.picture.correlation(at) {
            Some(correlation) => self.of_correlation.get(&(process, correlation)).copied(),
            None => known(self.last[process as usize]),
        };
        if let Some(receive) = begun_by {
            if let Some((send, sure)) = self.cause(receive) {
                self.attach(span, receive, send, Link::Message(sure));
            }
        } else if !self.received[process as usize] {
            self.spawned(process, span);
        }
    }

    fn spawned(&mut self, process: u32, span: u32) {
        let Some(first) = known(self.first[process as usize]) else {
            return;
        };
        let edges = self.picture.edges_into(first);
        let spawn = edges.iter().find(|edge| edge.kind == EdgeKind::Spawn);
        if let Some(cause) = spawn.map(|edge| edge.cause) {
            self.attach(span, first, cause, Link::Spawn);
        }
    }

    /// A parent begins before its child, whatever is claimed to have caused what.
    fn attach(&mut self, span: u32, cause: At, from: At, link: Link) {
        self.found.rows[span as usize].cause = cause;
        let Some(parent) = self.inside(from) else {
            return;
        };
        let first = |span: u32| self.picture.place(self.found.rows[span as usize].first());
        if first(parent) < first(span) {
            let row = &mut self.found.rows[span as usize];
            (row.parent, row.link) = (parent, link);
        }
    }

    fn end(&mut self, at: At) {
        let Some(span) = self.inside(at) else { return };
        let row = self.found.rows[span as usize];
        if row.link == Link::Program && row.call != NONE {
            self.busy[row.parent as usize] = at;
        }
    }

    fn inside(&self, at: At) -> Option<u32> {
        known(self.found.inside[at as usize])
    }

    fn cause(&self, receive: At) -> Option<(At, crate::Confidence)> {
        let edges = self.picture.edges_into(receive);
        let message = edges.iter().find(|edge| edge.kind == EdgeKind::Message);
        message.map(|edge| (edge.cause, edge.sure))
    }

    fn effect(&self, send: At) -> Option<(At, crate::Confidence)> {
        let mut edges = self.picture.edges_from(send);
        let message = edges.find(|edge| edge.kind == EdgeKind::Message);
        message.map(|edge| (edge.effect, edge.sure))
    }
}

fn known(index: u32) -> Option<u32> {
    (index != NONE).then_some(index)
}
