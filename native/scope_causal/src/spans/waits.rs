//! Requests that a call waited for.

use crate::At;
use crate::Picture;

/// A request that was sent within a span, and answered within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The span that waited.
    pub span: u32,
    /// It sent the request.
    pub sent: At,
    /// The other side received the request.
    pub taken: At,
    /// The other side sent the answer.
    pub answered: At,
    /// It received the answer.
    pub received: At,
    /// The last it did before it received the answer: from here on it waited. Behind `sent` where it did
    /// something else in between.
    pub idle: At,
}

/// Where the time of a wait went. The three add up to the time that the span waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Until the other side took the request: the network, and its queue.
    pub to_ns: u64,
    /// Until it answered.
    pub there_ns: u64,
    /// Until the answer was received.
    pub back_ns: u64,
    /// By how much `to_ns` may be too large or too small, and `back_ns` the other way: between two nodes
    /// only the sum of both is known.
    pub unsure_ns: u64,
}

impl Wait {
    /// For how long the span waited, by the clock of its node.
    #[must_use]
    pub fn ns(&self, picture: &Picture) -> u64 {
        elapsed(picture, self.idle, self.received)
    }

    /// Where the time went.
    #[must_use]
    pub fn parts(&self, picture: &Picture) -> Parts {
        let round = elapsed(picture, self.sent, self.received);
        let there = elapsed(picture, self.taken, self.answered).min(round);
        let network = round - there;
        let seen = picture.stamp(self.taken).ns_since(picture.stamp(self.sent));
        let to = u64::try_from(seen).unwrap_or(0).min(network);
        // What lies before it began to wait was no waiting.
        let busy = elapsed(picture, self.sent, self.idle);
        let after = |end: u64, ns: u64| ns.min(end.saturating_sub(busy));
        Parts {
            to_ns: after(to, to),
            there_ns: after(to + there, there),
            back_ns: after(round, network - to),
            unsure_ns: if one_node(picture, self.sent, self.taken) {
                0
            } else {
                network
            },
        }
    }
}

fn one_node(picture: &Picture, one: At, other: At) -> bool {
    picture.node(one) == picture.node(other)
}

/// Nanoseconds between two events of one process: by the monotonic clock of its node where both have
/// that, else by their stamps.
pub(crate) fn elapsed(picture: &Picture, from: At, to: At) -> u64 {
    let ns = match (picture.mono_ns(from), picture.mono_ns(to)) {
        (Some(from), Some(to)) => to.saturating_sub(from),
        _ => picture.stamp(to).ns_since(picture.stamp(from)),
    };
    u64::try_from(ns).unwrap_or(0)
}
