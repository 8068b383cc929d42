//! An exception as an event tells it: what it was, and the top of its stack.

use crate::erl::Term;
use crate::{walk, words};
use scope_event::{Step, TermWriter};

/// Frames of the stack that are kept.
const FRAMES: usize = 4;

/// `{class, reason, [{module, function, arity, line}]}`.
pub(super) fn exception(
    to: &mut TermWriter<'_>,
    class: Term<'_>,
    reason: Option<Term<'_>>,
    stack: Term<'_>,
) -> Step {
    let _ = to.tuple(3);
    let _ = to.atom(class.word());
    let _ = match reason {
        Some(reason) => walk::put(reason, to),
        None => to.redacted(),
    };
    frames(to, stack)
}

/// The first frames of a stack trace. What stands in one for the arity may be the arguments, of which
/// nothing is shown.
fn frames(to: &mut TermWriter<'_>, mut stack: Term<'_>) -> Step {
    if stack.is_empty_list() {
        return to.nil();
    }
    let _ = to.list();
    for _ in 0..FRAMES {
        let Some((frame, rest)) = stack.cell() else {
            break;
        };
        if place(to, frame).is_none() {
            let _ = to.nil();
        }
        stack = rest;
    }
    if stack.is_empty_list() {
        to.end()
    } else {
        to.cut()
    }
}

fn place(to: &mut TermWriter<'_>, frame: Term<'_>) -> Option<Step> {
    let mut parts = frame.tuple()?;
    let (module, name) = (parts.next()?, parts.next()?);
    let (arity, location) = (parts.next()?, parts.next()?);
    let _ = to.tuple(4);
    let _ = walk::put(module, to);
    let _ = walk::put(name, to);
    let _ = to.int(i64::from(arity.arity()));
    Some(to.int(line(location).unwrap_or(0)))
}

/// The line in a location such as `[{file, "a.ex"}, {line, 7}]`.
fn line(mut location: Term<'_>) -> Option<i64> {
    while let Some((entry, rest)) = location.cell() {
        let mut parts = entry.tuple()?;
        if parts.next()?.word() == words::line() {
            return parts.next()?.int();
        }
        location = rest;
    }
    None
}
