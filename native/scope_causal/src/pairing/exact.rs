//! Pairs by a reference that nobody else holds.

use super::{Pair, Pairs};
use crate::likeness::Reference;
use crate::{Message, Tolerance};
use std::collections::HashMap;

/// What was seen of one side.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    None,
    One(usize),
    Many,
}

impl Seen {
    fn add(&mut self, message: usize) {
        *self = match self {
            Self::None => Self::One(message),
            _ => Self::Many,
        };
    }
}

pub(super) fn settle(messages: &[Message], tolerance: Tolerance, pairs: &mut Pairs) {
    // For each message the one that its references name; `Many` where they name different ones.
    let mut named = vec![Seen::None; messages.len()];
    for (sent, received) in holders(messages).into_values() {
        let (Seen::One(send), Seen::One(receive)) = (sent, received) else {
            continue;
        };
        if agree(&messages[send], &messages[receive], tolerance) {
            name(&mut named[send], receive);
            name(&mut named[receive], send);
        }
    }
    for (send, &other) in named.iter().enumerate() {
        if let Seen::One(receive) = other
            && messages[send].is_send()
            && named[receive] == Seen::One(send)
        {
            pairs.join(send, receive, Pair::Exact);
        }
    }
}

fn name(seen: &mut Seen, other: usize) {
    if *seen != Seen::One(other) {
        seen.add(other);
    }
}

/// Who sent and who received each reference, by where it stands in the message.
fn holders(messages: &[Message]) -> HashMap<Reference, (Seen, Seen)> {
    let mut holders: HashMap<Reference, (Seen, Seen)> = HashMap::new();
    for (at, message) in messages.iter().enumerate() {
        for &reference in message.likeness.iter().flat_map(|it| &it.references) {
            let (sent, received) = holders.entry(reference).or_default();
            let side = if message.is_send() { sent } else { received };
            side.add(at);
        }
    }
    holders
}

/// Whether nothing speaks against it, and nobody can be missing who would.
fn agree(send: &Message, receive: &Message, tolerance: Tolerance) -> bool {
    send.complete && receive.complete && send.fits(receive, tolerance)
}
