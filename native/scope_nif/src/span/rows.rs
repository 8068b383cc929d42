//! Spans as Erlang sees them.

use super::SpansRef;
use crate::event::pid;
use crate::{atoms, symbols};
use rustler::{Encoder, Env, NifMap, NifUnitEnum, Term};
use scope_causal::{At, Confidence, Link, Span};
use scope_event::Kind;

#[derive(NifUnitEnum)]
enum Way {
    Root,
    Program,
    Message,
    Spawn,
    Correlation,
}

#[derive(NifUnitEnum)]
enum Sure {
    Likely,
    Exact,
}

#[derive(NifUnitEnum)]
enum Ending {
    Return,
    Exception,
    Exit,
}

#[derive(NifMap)]
struct Row<'a> {
    index: u32,
    depth: u32,
    parent: Option<u32>,
    below: u32,
    last: bool,
    link: Way,
    sure: Sure,
    node: Term<'a>,
    pid: Term<'a>,
    function: Term<'a>,
    call: Option<u32>,
    end: Option<u32>,
    cause: Option<u32>,
    ending: Option<Ending>,
    raised: bool,
    point: bool,
    total_ns: Option<u64>,
    self_ns: Option<u64>,
    start_ns: u64,
    waiting_ns: u64,
    network_ns: u64,
}

/// A stretch in which a span waited for an answer.
#[derive(NifMap)]
struct Wait {
    sent: u32,
    taken: u32,
    answered: u32,
    received: u32,
    to_ns: u64,
    there_ns: u64,
    back_ns: u64,
    unsure_ns: u64,
}

/// Some spans depth first, from the `from`-th on: of all, or of one with what is below it.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_rows(
    env: Env<'_>,
    spans: SpansRef,
    top: Option<u32>,
    from: usize,
    count: usize,
) -> Vec<Row<'_>> {
    let order = spans.part(top);
    let order = order.iter().skip(from).take(count);
    let rows = order.filter_map(|&index| spans.row(env, index));
    rows.collect()
}

/// How many spans there are in all, or of one with what is below it.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_count(spans: SpansRef, top: Option<u32>) -> usize {
    spans.part(top).len()
}

/// When a span waited, and for what.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_waits(spans: SpansRef, index: u32) -> Vec<Wait> {
    let picture = &spans.drawn.picture;
    let wait = |wait: &scope_causal::Wait| {
        let parts = wait.parts(picture);
        Wait {
            sent: picture.place(wait.sent),
            taken: picture.place(wait.taken),
            answered: picture.place(wait.answered),
            received: picture.place(wait.received),
            to_ns: parts.to_ns,
            there_ns: parts.there_ns,
            back_ns: parts.back_ns,
            unsure_ns: parts.unsure_ns,
        }
    };
    spans.spans.waits(index).iter().map(wait).collect()
}

impl super::Handle {
    fn part(&self, top: Option<u32>) -> &[u32] {
        let order = self.spans.depth_first();
        let Some(top) = top else { return order };
        let Some((from, below)) = self.spans.below(top) else {
            return &[];
        };
        order
            .get(from as usize..=(from + below) as usize)
            .unwrap_or_default()
    }

    fn row<'a>(&self, env: Env<'a>, index: u32) -> Option<Row<'a>> {
        let (span, picture) = (self.spans.get(index)?, &self.drawn.picture);
        let process = picture.processes().get(span.process as usize)?;
        let place = |at: At| picture.place(at);
        let (mut waiting_ns, mut network_ns) = (0, 0);
        for wait in self.spans.waits(index) {
            let parts = wait.parts(picture);
            waiting_ns += parts.there_ns;
            network_ns += parts.to_ns + parts.back_ns;
        }
        let (link, sure) = way(span.link);
        Some(Row {
            index,
            depth: self.spans.depth(index),
            parent: span.parent,
            below: self.spans.below(index)?.1,
            last: self.is_last(index, &span),
            link,
            sure,
            node: self.node(env, self.spans.node(picture, index)?)?,
            pid: pid(env, &process.pid),
            function: self.function(env, span.function),
            call: span.call.map(place),
            end: span.end.map(place),
            cause: span.cause.map(place),
            ending: span.end.and_then(|end| ending(picture.kind(end))),
            raised: span.raised,
            point: span.point,
            total_ns: span.total_ns,
            self_ns: span.self_ns,
            start_ns: picture.corrected(span.first()).physical_ns(),
            waiting_ns,
            network_ns,
        })
    }

    fn is_last(&self, index: u32, span: &Span) -> bool {
        let siblings = match span.parent {
            Some(parent) => self.spans.children(parent),
            None => self.spans.roots(),
        };
        siblings.last() == Some(&index)
    }

    pub(super) fn function<'a>(&self, env: Env<'a>, index: u32) -> Term<'a> {
        let functions = self.drawn.picture.functions();
        functions.get(index as usize).map_or_else(
            || atoms::nil().encode(env),
            |of| {
                let (module, function) = (&of.module, &of.function);
                let atom = |text| symbols::atom(env, text);
                (atom(module), atom(function), of.arity).encode(env)
            },
        )
    }
}

fn way(link: Link) -> (Way, Sure) {
    match link {
        Link::Root => (Way::Root, Sure::Exact),
        Link::Program => (Way::Program, Sure::Exact),
        Link::Message(Confidence::Exact) => (Way::Message, Sure::Exact),
        Link::Message(_) => (Way::Message, Sure::Likely),
        Link::Spawn => (Way::Spawn, Sure::Exact),
        Link::Correlation => (Way::Correlation, Sure::Likely),
    }
}

fn ending(kind: Kind) -> Option<Ending> {
    match kind {
        Kind::Return => Some(Ending::Return),
        Kind::Exception => Some(Ending::Exception),
        Kind::Exit => Some(Ending::Exit),
        _ => None,
    }
}
