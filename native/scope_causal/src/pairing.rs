//! Which send and which receive are of one message.
//!
//! A virtual machine does not say it: a receive shows neither the send nor, from another node, the
//! sender. What can be had is what both sides hold. A *reference* that occurs in one captured send and
//! one captured receive of the same shape makes the pair exact. All others are found by content: what
//! is alike, went from whom to whom it can have gone, in the order that the machine keeps between two
//! processes. That is likely while one candidate remains, and ambiguous while more do.
//!
//! **Invariant.** An exact pair is never a guess: both halves are complete to the knowledge of their
//! nodes, agree in content, sender, receiver and time, and no second half claims either.

mod alike;
mod exact;
mod order;

use crate::{Message, Messages, Tolerance};

/// Candidates that are told of one ambiguous message; the nearest in time.
pub const CANDIDATES: usize = 8;

/// The other half of a message, as an index into the messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pair {
    /// It is this one.
    Exact(usize),
    /// It is this one, or one that was not captured and says the same.
    Likely(usize),
    /// It is one of these, in stamp order, or none that was captured.
    Ambiguous(Box<[usize]>),
}

/// How sure it is that a cause is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// One of several: it orders nothing.
    Ambiguous,
    /// By content and order.
    Likely,
    /// By a reference.
    Exact,
}

/// For every message its other half, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// By index of the message. Exact and likely pairs name each other.
    pairs: Vec<Option<Pair>>,
}

/// Pairs sends with receives. `messages` are in stamp order; O(n log n).
///
/// # Examples
///
/// ```
/// use scope_causal::{Identity, Likeness, Message, Node, Pair, Peer, Tolerance, pair};
/// use scope_clock::Stamp;
/// use scope_event::{Pid, SymbolTable};
///
/// struct NoNames;
/// impl scope_event::Names for NoNames {
///     fn atom(&self, _: u32) -> Option<&std::sync::Arc<str>> { None }
///     fn pid(&self, _: u32) -> Option<&Pid> { None }
/// }
///
/// let process = |id| Identity::of(&Pid { node: "a@host".into(), id, serial: 0, creation: 1 });
/// let (alice, bob) = (process(101), process(102));
/// let says = |number| Likeness::read(&[number], &NoNames).ok();
/// let message = |ns, process, peer, likeness| Message {
///     stamp: Stamp::from_ns(ns), process, node: Node::of("a@host"), peer, likeness, complete: true,
/// };
/// let messages = [
///     message(1_000, alice, Peer::To(bob), says(7)),
///     message(2_000, alice, Peer::To(bob), says(8)),
///     message(3_000, bob, Peer::From(alice), says(7)),
/// ];
/// let pairs = pair(&messages, Tolerance::of_clocks(0));
/// assert_eq!(pairs.of(0), Some(&Pair::Likely(2)));
/// assert_eq!(pairs.of(1), None);
/// ```
#[must_use]
pub fn pair(messages: &[Message], tolerance: Tolerance) -> Pairs {
    let mut all = Messages::new();
    messages.iter().for_each(|message| all.push(message));
    Pairing::new(all, tolerance).pairs()
}

/// Messages while they are paired, in steps: none of them takes long, whoever may be waiting.
///
/// # Examples
///
/// ```
/// use scope_causal::{Messages, Pairing, Tolerance};
/// let mut pairing = Pairing::new(Messages::new(), Tolerance::of_clocks(0));
/// while pairing.step() {}
/// assert!(pairing.pairs().of(0).is_none());
/// ```
#[derive(Debug)]
pub struct Pairing {
    messages: Messages,
    tolerance: Tolerance,
    pairs: Pairs,
    /// How many steps were done.
    steps: usize,
}

impl Pairing {
    /// Begins with nothing paired.
    #[must_use]
    pub fn new(messages: Messages, tolerance: Tolerance) -> Self {
        Self {
            pairs: Pairs {
                pairs: vec![None; messages.len()],
            },
            messages,
            tolerance,
            steps: 0,
        }
    }

    /// Goes on; answers whether there is more to do.
    pub fn step(&mut self) -> bool {
        let (halves, pairs) = (self.messages.all(), &mut self.pairs);
        match self.steps {
            0 => exact::settle(&self.messages, self.tolerance, pairs),
            1 => alike::settle_whole(halves, self.tolerance, pairs),
            2 => alike::settle_cut(halves, self.tolerance, pairs),
            _ => {}
        }
        self.steps += 1;
        self.steps < 3
    }

    /// The pairs, after all steps that are left.
    #[must_use]
    pub fn pairs(mut self) -> Pairs {
        while self.step() {}
        self.pairs
    }
}

impl Pairs {
    /// The other half of a message.
    #[must_use]
    pub fn of(&self, message: usize) -> Option<&Pair> {
        self.pairs.get(message)?.as_ref()
    }

    fn is_open(&self, message: usize) -> bool {
        self.pairs[message].is_none()
    }

    fn join(&mut self, send: usize, receive: usize, pair: fn(usize) -> Pair) {
        self.pairs[send] = Some(pair(receive));
        self.pairs[receive] = Some(pair(send));
    }
}
