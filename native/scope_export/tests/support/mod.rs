//! Events for tests: owned, and as a picture.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod fixture;
pub(crate) mod wire;

use scope_causal::{Confidence, Input, Picture, PictureBuilder, Spans, Subject};
use scope_clock::Stamp;
use scope_event::{Kind, Origin, Pid, Value};
use scope_export::{About, Format, Lacks, Row, Rows, Trace};
use std::io;
use std::sync::Arc;

/// An event that owns what it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) origin: Origin,
    pub(crate) seq: u64,
    pub(crate) ns: u64,
    pub(crate) kind: Kind,
    pub(crate) pid: Option<Pid>,
    pub(crate) about: Of,
    pub(crate) correlation: Option<Value>,
    pub(crate) data: Option<Value>,
}

#[derive(Clone, Debug)]
pub(crate) enum Of {
    Nothing,
    Function(Arc<str>, Arc<str>, u8),
    Pid(Pid),
    Name(Arc<str>),
}

impl Event {
    pub(crate) fn row(&self) -> Row<'_> {
        Row {
            origin: &self.origin,
            seq: self.seq,
            stamp: Stamp::from_ns(self.ns),
            mono_ns: Some(self.ns as i64 - 5),
            pid: self.pid.as_ref(),
            kind: self.kind,
            about: match &self.about {
                Of::Nothing => About::Nothing,
                Of::Function(module, function, arity) => About::Function {
                    module,
                    function,
                    arity: *arity,
                },
                Of::Pid(pid) => About::Pid(pid),
                Of::Name(name) => About::Name(name),
            },
            correlation: self.correlation.clone(),
            data: self.data.clone(),
            truncated: false,
            inherited: false,
            likely: false,
            entry: false,
            pairing: None,
            received: None,
        }
    }

    fn input(&self) -> Input<'_> {
        let about = match &self.about {
            Of::Function(module, function, arity) => Subject::Mfa {
                module,
                function,
                arity: *arity,
            },
            Of::Pid(pid) => Subject::Pid(pid),
            _ => Subject::None,
        };
        let correlation = self.correlation.as_ref();
        Input {
            mono_ns: Some(self.ns as i64 - 5),
            pid: self.pid.as_ref(),
            about,
            correlation: correlation.map(|of| format!("{of:?}").bytes().fold(7, hash)),
            ..Input::new(&self.origin, self.seq, Stamp::from_ns(self.ns), self.kind)
        }
    }
}

fn hash(so_far: u64, byte: u8) -> u64 {
    so_far.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte)
}

/// Events in stamp order, and which are the halves of messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) events: Vec<Event>,
    pub(crate) pairs: Vec<(usize, usize, Confidence)>,
    pub(crate) lacks: Lacks,
}

impl Story {
    pub(crate) fn picture(&self) -> Picture {
        let mut builder = PictureBuilder::new();
        for event in &self.events {
            builder.push(event.input()).unwrap();
        }
        let id = |at: usize| (self.events[at].origin.clone(), self.events[at].seq);
        for &(one, other, sure) in &self.pairs {
            builder.pair(id(one), id(other), sure);
        }
        builder.finish().unwrap()
    }

    /// What a format makes of it, step by step.
    pub(crate) fn written(&self, format: &mut dyn Format) -> Vec<u8> {
        self.steps(format).concat()
    }

    pub(crate) fn steps(&self, format: &mut dyn Format) -> Vec<Vec<u8>> {
        let picture = self.picture();
        let spans = Spans::build(&picture);
        let trace = Trace {
            picture: &picture,
            spans: &spans,
            lacks: &self.lacks,
        };
        let mut steps = Vec::new();
        loop {
            let mut out = Vec::new();
            let more = format
                .step(&trace, &mut Own(self, &picture), &mut out)
                .unwrap();
            steps.push(out);
            if !more {
                return steps;
            }
        }
    }
}

pub(crate) struct Own<'a>(pub(crate) &'a Story, pub(crate) &'a Picture);

impl Rows for Own<'_> {
    fn row(
        &mut self,
        at: u32,
        read: &mut dyn FnMut(&Row<'_>) -> io::Result<()>,
    ) -> io::Result<bool> {
        let given = self.1.given(at).unwrap();
        read(&self.0.events[given as usize].row()).map(|()| true)
    }
}

pub(crate) fn pid(node: &str, id: u32) -> Pid {
    Pid {
        node: node.into(),
        id,
        serial: 0,
        creation: 1,
    }
}
