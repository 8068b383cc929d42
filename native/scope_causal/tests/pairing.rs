//! Pairs against one who knows the truth: random programs, of which only a part is captured.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "the rate of wrong guesses is a result")]

use proptest::prelude::*;
use scope_causal::{
    CANDIDATES, Confidence, Identity, Input, Likeness, Message, Node, Pair, Pairs, Peer, Picture,
    PictureBuilder, Tolerance, pair,
};
use scope_clock::Stamp;
use scope_event::{Kind, Names, Origin, Pid};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const CLOCKS_NS: u64 = 2_000;

/// More cases where `SCOPE_LONG=1` asks for them.
fn cases(normal: u32) -> ProptestConfig {
    let factor = if std::env::var_os("SCOPE_LONG").is_some() {
        20
    } else {
        1
    };
    ProptestConfig {
        cases: normal * factor,
        failure_persistence: None,
        ..Default::default()
    }
}

struct NoNames;

impl Names for NoNames {
    fn atom(&self, _index: u32) -> Option<&Arc<str>> {
        None
    }

    fn pid(&self, _index: u32) -> Option<&Pid> {
        None
    }
}

/// A number, or a number and a reference.
fn likeness(content: u8, reference: Option<u32>) -> Likeness {
    let Some(reference) = reference else {
        return Likeness::read(&[content], &NoNames).unwrap();
    };
    let mut external = vec![131, 90, 0, 1, 119, 1, b'a', 0, 0, 0, 1];
    external.extend(reference.to_be_bytes());
    let mut bytes = vec![0xa2, content, 0x91, external.len() as u8];
    bytes.extend(external);
    Likeness::read(&bytes, &NoNames).unwrap()
}

/// A small generator (xorshift), so that a program follows from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

const NODES: [&str; 3] = ["a", "b", "c"];
const PROCESSES: u64 = 6;

fn node(process: u64) -> usize {
    (process % 3) as usize
}

fn identity(process: u64) -> Identity {
    Identity::of(&Pid {
        node: NODES[node(process)].into(),
        id: process as u32,
        serial: 0,
        creation: 1,
    })
}

/// How it is captured.
#[derive(Clone, Copy, Debug)]
struct Capture {
    seed: u64,
    messages: u64,
    /// Different contents: few make many messages alike.
    contents: u64,
    /// One in so many processes is not traced; 0 for none.
    untraced: u64,
    /// One in so many events is lost, and known to be; 0 for none.
    lost: u64,
    /// One in so many messages holds a reference of its own; 0 for none.
    references: u64,
    /// One in so many is sent again or passed on as it was; 0 for none.
    again: u64,
}

/// What really happened.
#[derive(Clone, Copy)]
struct Truth {
    from: u64,
    to: u64,
    by_name: bool,
    content: u8,
    reference: Option<u32>,
    sent: u64,
    received: u64,
    /// It is another message, passed on.
    passed_on: bool,
}

fn happened(capture: Capture, random: &mut Random) -> Vec<Truth> {
    let mut all: Vec<Truth> = Vec::new();
    let mut last = std::collections::HashMap::new();
    for number in 0..capture.messages {
        let sent = 10_000 + number * 300;
        let old = (!all.is_empty()).then(|| all[random.below(all.len() as u64) as usize]);
        let again = capture.again > 0 && random.one_in(capture.again);
        let mut new = match old {
            // Whoever passes on what was passed on to it, unseen and back to where it came from, hides
            // that it is not the first: no look at both ends tells.
            Some(old) if again && random.one_in(2) && !old.passed_on && old.received < sent => {
                Truth {
                    from: old.to,
                    to: random.below(PROCESSES),
                    passed_on: true,
                    ..old
                }
            }
            Some(old) if again && !old.passed_on => old,
            _ => Truth {
                from: random.below(PROCESSES),
                to: random.below(PROCESSES),
                by_name: random.one_in(3),
                content: random.below(capture.contents) as u8,
                reference: (capture.references > 0 && random.one_in(capture.references))
                    .then_some(number as u32),
                sent: 0,
                received: 0,
                passed_on: false,
            },
        };
        new.sent = sent;
        // Later than what went the same way before, and else in any order.
        let arrival: &mut u64 = last.entry((new.from, new.to)).or_default();
        *arrival = (*arrival + 20).max(sent + 20 + random.below(3_000));
        new.received = *arrival;
        all.push(new);
    }
    all
}

/// What was captured of it: in stamp order, each with the number of its message.
fn captured(capture: Capture, truth: &[Truth], random: &mut Random) -> Vec<(usize, Message)> {
    let mut any = |bound| bound > 0 && random.one_in(bound);
    let traced: Vec<bool> = (0..PROCESSES).map(|_| !any(capture.untraced)).collect();
    let mut halves = Vec::new();
    let mut complete = [true; 3];
    for (number, message) in truth.iter().enumerate() {
        for is_send in [true, false] {
            let process = if is_send { message.from } else { message.to };
            if !traced[process as usize] {
                continue;
            }
            if any(capture.lost) {
                complete[node(process)] = false;
                continue;
            }
            halves.push((number, is_send));
        }
    }
    let skews: Vec<u64> = (0..3).map(|_| random.below(CLOCKS_NS)).collect();
    let mut messages: Vec<_> = halves
        .into_iter()
        .map(|(number, is_send)| (number, half(&truth[number], is_send, &skews, &complete)))
        .collect();
    messages.sort_by_key(|(_, message)| message.stamp);
    messages
}

fn half(of: &Truth, is_send: bool, skews: &[u64], complete: &[bool]) -> Message {
    let (process, at) = if is_send {
        (of.from, of.sent)
    } else {
        (of.to, of.received)
    };
    let at_node = |process: u64| Node::of(NODES[node(process)]);
    let peer = match is_send {
        true if of.by_name => Peer::ToNode(at_node(of.to)),
        true => Peer::To(identity(of.to)),
        false if node(of.from) == node(of.to) => Peer::From(identity(of.from)),
        false => Peer::FromNode(at_node(of.from)),
    };
    Message {
        stamp: Stamp::from_ns(at + skews[node(process)]),
        process: identity(process),
        node: at_node(process),
        peer,
        likeness: Some(likeness(of.content, of.reference)),
        complete: complete[node(process)],
    }
}

struct Run {
    truth: Vec<Truth>,
    numbers: Vec<usize>,
    messages: Vec<Message>,
    pairs: Pairs,
}

fn run(capture: Capture) -> Run {
    let mut random = Random(capture.seed | 1);
    let truth = happened(capture, &mut random);
    let (numbers, messages): (Vec<_>, Vec<_>) =
        captured(capture, &truth, &mut random).into_iter().unzip();
    let pairs = pair(&messages, Tolerance::of_clocks(CLOCKS_NS));
    Run {
        truth,
        numbers,
        messages,
        pairs,
    }
}

impl Run {
    fn is_true(&self, one: usize, other: usize) -> bool {
        self.numbers[one] == self.numbers[other]
    }

    /// Whether some other message says the same.
    fn has_twin(&self, message: usize) -> bool {
        let says = |of: &Truth| (of.content, of.reference);
        let own = says(&self.truth[self.numbers[message]]);
        self.truth.iter().filter(|of| says(of) == own).count() > 1
    }

    fn count(&self, which: impl Fn(&Pair) -> bool) -> usize {
        let pairs = (0..self.messages.len()).filter_map(|at| self.pairs.of(at));
        pairs.filter(|pair| which(pair)).count()
    }
}

fn capture() -> impl Strategy<Value = Capture> {
    (
        any::<u64>(),
        1u64..120,
        1u64..40,
        (0u64..4, prop_oneof![Just(0), 3u64..40]),
        0u64..3,
        0u64..6,
    )
        .prop_map(
            |(seed, messages, contents, (untraced, lost), references, again)| Capture {
                seed,
                messages,
                contents,
                untraced,
                lost,
                references,
                again,
            },
        )
}

static LIKELY: AtomicU64 = AtomicU64::new(0);
static WRONG: AtomicU64 = AtomicU64::new(0);

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn an_exact_pair_is_never_wrong_and_a_likely_one_only_among_twins(capture in capture()) {
        let run = run(capture);
        for at in 0..run.messages.len() {
            match run.pairs.of(at) {
                Some(Pair::Exact(other)) => {
                    prop_assert!(run.is_true(at, *other), "{} {} {:?}", at, other, capture);
                    prop_assert_eq!(run.pairs.of(*other), Some(&Pair::Exact(at)));
                }
                Some(Pair::Likely(other)) => {
                    prop_assert_eq!(run.pairs.of(*other), Some(&Pair::Likely(at)));
                    LIKELY.fetch_add(1, Ordering::Relaxed);
                    if !run.is_true(at, *other) {
                        WRONG.fetch_add(1, Ordering::Relaxed);
                        prop_assert!(run.has_twin(at));
                    }
                }
                Some(Pair::Ambiguous(others)) => {
                    prop_assert!(others.is_sorted() && others.len() <= CANDIDATES);
                    for &other in others {
                        prop_assert_ne!(run.messages[at].is_send(), run.messages[other].is_send());
                    }
                }
                None => {}
            }
        }
        let (likely, wrong) = (LIKELY.load(Ordering::Relaxed), WRONG.load(Ordering::Relaxed));
        if likely > 0 && likely.is_power_of_two() {
            println!("of {likely} likely halves {wrong} are wrong");
        }
    }

    #[test]
    fn where_everything_was_captured_nothing_is_wrong_and_nothing_is_missed(
        capture in capture(),
    ) {
        let capture = Capture { untraced: 0, lost: 0, ..capture };
        let run = run(capture);
        for at in 0..run.messages.len() {
            let holds = |others: &[usize]| others.iter().any(|&other| run.is_true(at, other));
            match run.pairs.of(at) {
                Some(Pair::Exact(other)) => prop_assert!(run.is_true(at, *other)),
                // With clocks that differ, a twin in between can look like the one.
                Some(Pair::Likely(other)) => {
                    prop_assert!(run.is_true(at, *other) || run.has_twin(at));
                }
                Some(Pair::Ambiguous(others)) if others.len() < CANDIDATES => {
                    prop_assert!(holds(others) || run.has_twin(at), "{} {:?}", at, capture);
                }
                Some(Pair::Ambiguous(_)) => {}
                None => prop_assert!(run.has_twin(at), "{} {:?}", at, capture),
            }
        }
    }

    #[test]
    fn a_reference_of_its_own_makes_every_message_exact(seed in any::<u64>(), contents in 1u64..5) {
        let run = run(Capture {
            seed, messages: 60, contents, untraced: 0, lost: 0, references: 1, again: 0,
        });
        prop_assert_eq!(run.count(|pair| matches!(pair, Pair::Exact(_))), run.messages.len());
    }

    #[test]
    fn pairs_are_edges_of_causal_order(capture in capture()) {
        let run = run(Capture { untraced: 0, lost: 0, references: 1, again: 0, ..capture });
        let picture = picture(&run);
        prop_assert!(picture.left_out().is_empty());
        for edge in picture.edges() {
            prop_assert_eq!(edge.sure, Confidence::Exact);
            prop_assert!(picture.place(edge.cause) < picture.place(edge.effect));
        }
    }
}

/// The messages of a run and their exact pairs.
fn picture(run: &Run) -> Picture {
    let (origin, mut builder) = (Origin::new("all@host", 1), PictureBuilder::new());
    let mut known = Vec::new();
    for (seq, message) in (1..).zip(&run.messages) {
        let found = known.iter().position(|of| *of == message.process);
        let process = found.unwrap_or_else(|| {
            known.push(message.process);
            known.len() - 1
        });
        let pid = Pid {
            node: "all@host".into(),
            id: process as u32,
            serial: 0,
            creation: 1,
        };
        let kind = if message.is_send() {
            Kind::Send
        } else {
            Kind::Receive
        };
        let input = Input {
            pid: Some(&pid),
            ..Input::new(&origin, seq, message.stamp, kind)
        };
        builder.push(input).unwrap();
        if let Some(Pair::Exact(other)) = run.pairs.of(seq as usize - 1) {
            let id = |seq| (origin.clone(), seq);
            builder.pair(id(seq), id(*other as u64 + 1), Confidence::Exact);
        }
    }
    builder.finish().unwrap()
}

const ALICE: u64 = 0;
const BOB: u64 = 3;
const CAROL: u64 = 1;

fn at(ns: u64, of: &Truth, is_send: bool) -> Message {
    let mut of = *of;
    (of.sent, of.received) = (ns, ns);
    half(&of, is_send, &[0; 3], &[true; 3])
}

fn says(from: u64, to: u64, content: u8, reference: Option<u32>) -> Truth {
    Truth {
        from,
        to,
        by_name: false,
        content,
        reference,
        sent: 0,
        received: 0,
        passed_on: false,
    }
}

fn pairs(messages: &[Message]) -> Vec<Option<Pair>> {
    let pairs = pair(messages, Tolerance::of_clocks(CLOCKS_NS));
    (0..messages.len())
        .map(|at| pairs.of(at).cloned())
        .collect()
}

#[test]
fn equal_messages_of_one_sender_are_told_apart_by_their_order() {
    let one = says(ALICE, CAROL, 1, None);
    let sends = (0..10).map(|n| at(10_000 + n, &one, true));
    let receives = (0..10).map(|n| at(20_000 + n, &one, false));
    let messages: Vec<_> = sends.chain(receives).collect();
    let likely = (10..20).chain(0..10).map(|at| Some(Pair::Likely(at)));
    assert_eq!(pairs(&messages), likely.collect::<Vec<_>>());
}

#[test]
fn a_lost_receive_leaves_those_ambiguous_that_it_can_be_mixed_up_with() {
    let one = says(ALICE, BOB, 1, None);
    let mut messages: Vec<_> = (0..3).map(|n| at(10_000 + n, &one, true)).collect();
    messages.extend((0..2).map(|n| at(20_000 + n, &one, false)));
    let ambiguous = |of: &[usize]| Some(Pair::Ambiguous(of.into()));
    assert_eq!(
        pairs(&messages),
        [
            ambiguous(&[3]),
            ambiguous(&[3, 4]),
            ambiguous(&[4]),
            ambiguous(&[0, 1]),
            ambiguous(&[1, 2])
        ]
    );
    // Nothing before a moment at which all had arrived is touched.
    messages.splice(0..0, [at(1_000, &one, true), at(2_000, &one, false)]);
    assert_eq!(pairs(&messages)[0], Some(Pair::Likely(1)));
}

#[test]
fn a_reference_that_was_sent_twice_is_not_exact() {
    let one = says(ALICE, BOB, 1, Some(7));
    let halves = |ns| [at(ns, &one, true), at(ns + 5_000, &one, false)];
    assert_eq!(pairs(&halves(10_000))[0], Some(Pair::Exact(1)));
    let twice = [halves(10_000), halves(20_000)].concat();
    let likely = [1, 0, 3, 2].map(|at| Some(Pair::Likely(at)));
    assert_eq!(pairs(&twice), likely);
}

#[test]
fn what_is_not_complete_is_not_exact() {
    let one = says(ALICE, BOB, 1, Some(7));
    let mut halves = [at(10_000, &one, true), at(15_000, &one, false)];
    halves[1].complete = false;
    assert_eq!(pairs(&halves)[0], Some(Pair::Likely(1)));
}

#[test]
fn a_receive_is_not_before_its_send_by_more_than_clocks_differ() {
    let remote = says(ALICE, CAROL, 1, Some(7));
    let halves = |before| {
        [
            at(10_000 - before, &remote, false),
            at(10_000, &remote, true),
        ]
    };
    assert_eq!(pairs(&halves(CLOCKS_NS - 10))[0], Some(Pair::Exact(1)));
    assert_eq!(pairs(&halves(CLOCKS_NS + 100))[0], None);
    let local = says(ALICE, BOB, 1, Some(7));
    let halves = [at(8_500, &local, false), at(10_000, &local, true)];
    assert_eq!(pairs(&halves)[0], None);
}

#[test]
fn a_reference_passed_on_unseen_is_not_exact() {
    let first = says(ALICE, BOB, 1, Some(7));
    let passed_on = says(BOB, CAROL, 1, Some(7));
    let halves = [at(10_000, &first, true), at(30_000, &passed_on, false)];
    assert_eq!(pairs(&halves), [None, None]);
}

#[test]
fn two_senders_of_one_node_that_say_the_same_are_ambiguous() {
    let one = says(ALICE, CAROL, 1, None);
    let other = says(BOB, CAROL, 1, None);
    let messages = [
        at(10_000, &one, true),
        at(10_001, &other, true),
        at(20_000, &one, false),
        at(20_001, &other, false),
    ];
    let both = |of: [usize; 2]| Some(Pair::Ambiguous(of.into()));
    assert_eq!(
        pairs(&messages),
        [both([2, 3]), both([2, 3]), both([0, 1]), both([0, 1])]
    );
}
