//! Histories for tests, an event at a time.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "shared by tests that each use a part"
)]

use scope_causal::{At, Confidence, Id, Input, Picture, PictureBuilder, Spans, Subject};
use scope_clock::Stamp;
use scope_event::{Kind, Origin, Pid};
use std::collections::HashMap;
use std::sync::Arc;

/// A process, by its node and number.
pub(crate) type Who = (&'static str, u32);

pub(crate) fn pid((node, id): Who) -> Pid {
    Pid {
        node: node.into(),
        id,
        serial: 0,
        creation: 1,
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) events: Vec<Told>,
    seqs: HashMap<&'static str, u64>,
    pairs: Vec<(Id, Id)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) id: Id,
    pub(crate) ns: u64,
    pub(crate) kind: Kind,
    pub(crate) who: Option<Who>,
    pub(crate) function: Option<String>,
    pub(crate) peer: Option<Who>,
    pub(crate) correlation: Option<u64>,
    /// What it says, for diffs.
    pub(crate) content: u64,
}

impl Story {
    pub(crate) fn tell(
        &mut self,
        node: &'static str,
        who: Option<Who>,
        ns: u64,
        kind: Kind,
    ) -> &mut Told {
        let seq = self.seqs.entry(node).or_default();
        *seq += 1;
        self.events.push(Told {
            id: (Origin::new(node, 1), *seq),
            ns,
            kind,
            who,
            function: None,
            peer: None,
            correlation: None,
            content: 0,
        });
        self.events.last_mut().unwrap()
    }

    fn about(&mut self, who: Who, ns: u64, kind: Kind, function: &str) -> &mut Told {
        let told = self.tell(who.0, Some(who), ns, kind);
        told.function = Some(function.into());
        told
    }

    pub(crate) fn call(&mut self, who: Who, ns: u64, function: &str) -> &mut Told {
        self.about(who, ns, Kind::Call, function)
    }

    pub(crate) fn back(&mut self, who: Who, ns: u64, function: &str) -> &mut Told {
        self.about(who, ns, Kind::Return, function)
    }

    pub(crate) fn raise(&mut self, who: Who, ns: u64, function: &str) -> &mut Told {
        self.about(who, ns, Kind::Exception, function)
    }

    pub(crate) fn exit(&mut self, who: Who, ns: u64) {
        self.tell(who.0, Some(who), ns, Kind::Exit);
    }

    pub(crate) fn gap(&mut self, node: &'static str, ns: u64) {
        self.tell(node, None, ns, Kind::Gap);
    }

    pub(crate) fn spawn(&mut self, who: Who, ns: u64, child: Who) {
        self.tell(who.0, Some(who), ns, Kind::Spawn).peer = Some(child);
    }

    /// A message whose halves are known to be one.
    pub(crate) fn message(&mut self, from: Who, sent: u64, to: Who, received: u64) {
        self.message_saying(from, sent, to, received, 0, None);
    }

    pub(crate) fn message_saying(
        &mut self,
        from: Who,
        sent: u64,
        to: Who,
        received: u64,
        content: u64,
        correlation: Option<u64>,
    ) {
        let told = self.tell(from.0, Some(from), sent, Kind::Send);
        (told.peer, told.content, told.correlation) = (Some(to), content, correlation);
        let send = told.id.clone();
        let told = self.tell(to.0, Some(to), received, Kind::Receive);
        (told.peer, told.content) = (Some(from), content);
        let receive = told.id.clone();
        self.pairs.push((send, receive));
    }

    pub(crate) fn picture(&self) -> Picture {
        let mut builder = PictureBuilder::new();
        for told in &self.events {
            let who = told.who.map(pid);
            let peer = told.peer.map(pid);
            let text: [Arc<str>; 2] = [
                "Elixir.Shop".into(),
                told.function.clone().unwrap_or_default().into(),
            ];
            let about = match (&told.function, &peer) {
                (Some(_), _) => Subject::Mfa {
                    module: &text[0],
                    function: &text[1],
                    arity: 1,
                },
                (None, Some(peer)) => Subject::Pid(peer),
                _ => Subject::None,
            };
            let input = Input {
                pid: who.as_ref(),
                about,
                mono_ns: Some(told.ns as i64 - 7),
                correlation: told.correlation,
                ..Input::new(&told.id.0, told.id.1, Stamp::from_ns(told.ns), told.kind)
            };
            builder.push(input).unwrap();
        }
        for (one, other) in &self.pairs {
            builder.pair(one.clone(), other.clone(), Confidence::Exact);
        }
        builder.finish().unwrap()
    }

    /// What each event says, by its number in stamp order.
    pub(crate) fn contents(&self, picture: &Picture) -> Vec<u64> {
        let mut contents = vec![0; picture.len()];
        for told in &self.events {
            contents[picture.at(&told.id).unwrap() as usize] = told.content;
        }
        contents
    }
}

/// The forest as text: one line for each span, `function begin..end` in ns, deeper ones indented.
pub(crate) fn drawn(picture: &Picture, spans: &Spans) -> Vec<String> {
    let ns =
        |at: Option<At>| at.map_or("?".into(), |at| picture.stamp(at).physical_ns().to_string());
    let line = |&index: &u32| {
        let span = spans.get(index).unwrap();
        let name = &picture.functions()[span.function as usize].function;
        let indent = "  ".repeat(spans.depth(index) as usize);
        let raised = if span.raised { "!" } else { "" };
        format!("{indent}{name}{raised} {}..{}", ns(span.call), ns(span.end))
    };
    spans.depth_first().iter().map(line).collect()
}
