//! A document as `TracesData`, which is what a request is, too.

use super::span::{Attributes, Finished, Value, resource};
use crate::proto::Message;
use crate::trace::Trace;

/// `StatusCode.STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

pub(super) fn document(trace: &Trace<'_>, finished: &[Vec<Finished>], out: &mut Vec<u8>) {
    let mut document = Message::default();
    for (node, spans) in finished
        .iter()
        .enumerate()
        .filter(|(_, spans)| !spans.is_empty())
    {
        document.message(1, |of_node| {
            of_node.message(1, |of| attributes(1, &resource(trace, node as u32), of));
            of_node.message(2, |scope| {
                scope.message(1, |name| {
                    name.text(1, "elixir_scope");
                });
                for span in spans {
                    scope.message(2, |to| self::span(span, to));
                }
            });
        });
    }
    out.extend_from_slice(document.bytes());
}

fn span(span: &Finished, to: &mut Message) {
    to.blob(1, &span.trace).blob(2, &span.span);
    if let Some(parent) = &span.parent {
        to.blob(4, parent);
    }
    to.text(5, &span.name).uint(6, span.sort as u64);
    to.fixed64(7, span.from).fixed64(8, span.to);
    attributes(9, &span.attributes, to);
    for event in &span.events {
        to.message(11, |of| {
            of.fixed64(1, event.ns).text(2, &event.name);
            attributes(3, &event.attributes, of);
        });
    }
    if span.dropped > 0 {
        to.uint(12, span.dropped.into());
    }
    for link in &span.links {
        to.message(13, |of| {
            of.blob(1, &link.trace).blob(2, &link.span);
            let how = super::span::text("elixir_scope.link", link.how.to_owned());
            attributes(4, &vec![how], of);
            of.fixed32(6, 1);
        });
    }
    if let Some(error) = &span.error {
        to.message(15, |status| {
            status.text(2, error).uint(3, ERROR);
        });
    }
    // The trace was recorded.
    to.fixed32(16, 1);
}

fn attributes(field: u32, of: &Attributes, to: &mut Message) {
    for (name, value) in of {
        to.message(field, |pair| {
            pair.text(1, name).message(2, |any| {
                match value {
                    Value::Text(text) => any.text(1, text),
                    Value::Int(value) => any.int(3, *value),
                };
            });
        });
    }
}
