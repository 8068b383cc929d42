//! Pairs of messages that say the same.
//!
//! First those of which everything was kept, by all of it; then what is left, by the beginning. Within
//! those that are alike, each *inbox* is settled by itself: what one process received from one other,
//! or from some processes of one node, and what was sent there.

use super::order::InOrder;
use super::{CANDIDATES, Pair, Pairs};
use crate::Tolerance;
use crate::messages::{Half, Side};
use scope_clock::Stamp;
use std::collections::HashMap;
use std::ops::Range;

/// Those of which everything was kept.
pub(super) fn settle_whole(messages: &[Half], tolerance: Tolerance, pairs: &mut Pairs) {
    let by_all = keyed(messages, pairs, |of| of.whole);
    for group in groups(&by_all) {
        settle_group(messages, tolerance, &group, pairs);
    }
}

/// What is left: a message that was kept whole on one side may have been cut on the other.
pub(super) fn settle_cut(messages: &[Half], tolerance: Tolerance, pairs: &mut Pairs) {
    let by_beginning = keyed(messages, pairs, Half::outline);
    for group in groups(&by_beginning) {
        if group.iter().any(|&at| messages[at].is_cut()) {
            settle_group(messages, tolerance, &group, pairs);
        }
    }
}

/// The messages without another half, sorted by what they have in common, then by stamp.
fn keyed(
    messages: &[Half],
    pairs: &Pairs,
    key: impl Fn(&Half) -> Option<u64>,
) -> Vec<(u64, usize)> {
    let open = (0..messages.len()).filter(|&at| pairs.is_open(at));
    let keyed = open.filter_map(|at| Some((key(&messages[at])?, at)));
    let mut keyed: Vec<_> = keyed.collect();
    keyed.sort_unstable();
    keyed
}

fn groups(keyed: &[(u64, usize)]) -> impl Iterator<Item = Vec<usize>> {
    let groups = keyed.chunk_by(|one, other| one.0 == other.0);
    let groups = groups.filter(|group| group.len() > 1);
    groups.map(|group| group.iter().map(|&(_, at)| at).collect())
}

fn settle_group(messages: &[Half], tolerance: Tolerance, group: &[usize], pairs: &mut Pairs) {
    // What is alike is mostly one message and no more: there is nothing to sort out.
    if let &[one, other] = group {
        let is_send = messages[one].is_send();
        let (send, receive) = if is_send { (one, other) } else { (other, one) };
        if messages[send].fits(&messages[receive], tolerance) {
            pairs.join(send, receive, Pair::Likely);
        }
        return;
    }
    let post = Post::new(messages, group);
    let mut inboxes: Vec<_> = post.receives.iter().collect();
    // Whatever the hasher thinks: the answer is the same on every node.
    inboxes.sort_unstable_by_key(|(_, receives)| receives[0]);
    for (&inbox, receives) in inboxes {
        let settling = Settling {
            messages,
            tolerance,
            inbox,
        };
        settling.settle(&post, receives, pairs);
    }
}

/// Who received, and from whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Inbox {
    process: u32,
    node: u32,
    from: Side,
}

/// Where a send went, as far as the sender said, and from whom: as the receiver would say it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Route {
    to: Side,
    from: Side,
}

impl Inbox {
    /// The sends that named the process, and those that named a name or alias of its node.
    fn routes(self) -> [Route; 2] {
        [Side::To(self.process), Side::ToNode(self.node)].map(|to| Route {
            to,
            from: self.from,
        })
    }
}

/// Messages that are alike.
struct Post {
    receives: HashMap<Inbox, Vec<usize>>,
    sends: HashMap<Route, Vec<usize>>,
    /// How many inboxes each route can lead to.
    inboxes: HashMap<Route, usize>,
}

impl Post {
    fn new(messages: &[Half], group: &[usize]) -> Self {
        let mut post = Self {
            receives: HashMap::new(),
            sends: HashMap::new(),
            inboxes: HashMap::new(),
        };
        for &at in group {
            post.add(at, &messages[at]);
        }
        for inbox in post.receives.keys() {
            for route in inbox.routes() {
                *post.inboxes.entry(route).or_default() += 1;
            }
        }
        post
    }

    fn add(&mut self, at: usize, message: &Half) {
        let (process, node) = (message.process, message.node);
        if message.is_send() {
            for from in [Side::From(process), Side::FromNode(node)] {
                let route = Route {
                    to: message.side,
                    from,
                };
                self.sends.entry(route).or_default().push(at);
            }
        } else {
            let inbox = Inbox {
                process,
                node,
                from: message.side,
            };
            self.receives.entry(inbox).or_default().push(at);
        }
    }

    fn sends(&self, route: Route) -> &[usize] {
        self.sends.get(&route).map_or(&[], Vec::as_slice)
    }

    /// Whether what went this way can be in no other inbox.
    fn leads_here_alone(&self, route: Route) -> bool {
        self.sends(route).is_empty() || self.inboxes.get(&route) == Some(&1)
    }
}

/// One inbox, being settled.
struct Settling<'a> {
    messages: &'a [Half],
    tolerance: Tolerance,
    inbox: Inbox,
}

impl Settling<'_> {
    fn settle(&self, post: &Post, receives: &[usize], pairs: &mut Pairs) {
        let [direct, indirect] = self.inbox.routes();
        let (one, other) = (post.sends(direct), post.sends(indirect));
        if !post.leads_here_alone(indirect) {
            return self.contested(one, other, receives, pairs);
        }
        let mut sends = [one, other].concat();
        sends.sort_unstable();
        let mut rest = (&sends[..], receives);
        while let Some((sends, receives)) = self.next_part(&mut rest) {
            self.settle_part(sends, receives, pairs);
        }
    }

    /// Cuts off what comes before the first moment at which all that was sent has been received.
    fn next_part<'m>(
        &self,
        rest: &mut (&'m [usize], &'m [usize]),
    ) -> Option<(&'m [usize], &'m [usize])> {
        let (sends, receives) = *rest;
        if sends.is_empty() || receives.is_empty() {
            return None;
        }
        let is_even = |&received: &usize| self.until(sends, receives[received]) == received + 1;
        let end = (0..receives.len()).find(is_even);
        let (n, m) = end.map_or((sends.len(), receives.len()), |at| (at + 1, at + 1));
        *rest = (&sends[n..], &receives[m..]);
        Some((&sends[..n], &receives[..m]))
    }

    fn settle_part(&self, sends: &[usize], receives: &[usize], pairs: &mut Pairs) {
        let process = self.messages[sends[0]].process;
        let mut senders = sends.iter().map(|&send| self.messages[send].process);
        if !senders.all(|sender| sender == process) {
            return self.contested(sends, &[], receives, pairs);
        }
        let until = receives.iter().map(|&at| self.until(sends, at)).collect();
        let order = InOrder::new(sends.len(), until);
        for (at, &receive) in receives.iter().enumerate() {
            let of = order.sends_of(at);
            let sole = of.len() == 1 && order.receives_of(of.start).len() == 1;
            if !sole {
                self.undecided(receive, sends, of, pairs);
            } else if self.is_like(sends[of.start], receive) {
                pairs.join(sends[of.start], receive, Pair::Likely);
            }
        }
        for (at, &send) in sends.iter().enumerate() {
            if pairs.is_open(send) {
                self.undecided(send, receives, order.receives_of(at), pairs);
            }
        }
    }

    /// Sends of several processes, or such that can have gone elsewhere: no order is known, and those
    /// near a receive are as good as any.
    fn contested(&self, one: &[usize], other: &[usize], receives: &[usize], pairs: &mut Pairs) {
        for &receive in receives {
            let near = |sends: &[usize]| {
                sends[nearest(0..self.until(sends, receive), sends, receive)].to_vec()
            };
            let mut sends = [near(one), near(other)].concat();
            sends.sort_unstable();
            let all = 0..sends.len();
            self.undecided(receive, &sends, all, pairs);
            for send in sends {
                self.undecided(send, &[receive], 0..1, pairs);
            }
        }
    }

    /// Tells the candidates of `message`: of those in the range, the nearest in time that are alike.
    fn undecided(&self, message: usize, others: &[usize], range: Range<usize>, pairs: &mut Pairs) {
        let mut near: Vec<usize> = others[nearest(range, others, message)].to_vec();
        near.retain(|&other| self.is_like(message, other));
        if let Some(Pair::Ambiguous(known)) = &pairs.pairs[message] {
            near.extend(known);
            near.sort_unstable();
            let all = 0..near.len();
            near = near[nearest(all, &near, message)].to_vec();
        }
        if !near.is_empty() {
            pairs.pairs[message] = Some(Pair::Ambiguous(near.into()));
        }
    }

    fn is_like(&self, one: usize, other: usize) -> bool {
        self.messages[one].is_like(&self.messages[other])
    }

    /// How many of the sends are not too late for a receive.
    fn until(&self, sends: &[usize], receive: usize) -> usize {
        let latest = self.latest(receive);
        sends.partition_point(|&send| self.messages[send].stamp <= latest)
    }

    fn latest(&self, receive: usize) -> Stamp {
        let one_node = match self.inbox.from {
            Side::FromNode(node) => node == self.inbox.node,
            _ => true,
        };
        self.tolerance
            .latest_send(self.messages[receive].stamp, one_node)
    }
}

/// The part of a range of indexes in stamp order that lies around `message`, of at most
/// [`CANDIDATES`].
fn nearest(range: Range<usize>, others: &[usize], message: usize) -> Range<usize> {
    let middle = others[range.clone()].partition_point(|&other| other < message) + range.start;
    let half = CANDIDATES / 2;
    let first = middle
        .saturating_sub(half)
        .min(range.end.saturating_sub(CANDIDATES));
    let first = first.max(range.start);
    first..range.end.min(first + CANDIDATES)
}
