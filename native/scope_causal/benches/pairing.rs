//! Pairing 100,000 messages, beside the plainest thing that could do it.
//!
//! The peer is a map from a hash of content, sender and receiver to the sends that wait for their
//! receive: no reference, no clocks, no look at what else could be meant, and so no word of how sure it is.
//! Both are given what is already hashed, on one thread; the time is that of the processor. Reading the
//! terms is a figure of its own.
#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scope_bench::{CpuTime, Row};
use scope_causal::{Identity, Likeness, Message, Node, Pair, Peer, Tolerance, pair};
use scope_clock::Stamp;
use scope_event::{Names, Pid};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

const MESSAGES: u32 = 100_000;
const NODES: [&str; 3] = ["a@host", "b@host", "c@host"];
const PROCESSES: u32 = 300;

/// What is sent: requests with a reference of their own, casts that differ, or ticks that do not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Calls,
    Casts,
    Ticks,
}

impl Load {
    const ALL: [Self; 3] = [Self::Calls, Self::Casts, Self::Ticks];

    fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Casts => "casts",
            Self::Ticks => "ticks",
        }
    }

    /// In block form: `{:tag, {:order, number, %{4 pairs}}, last}`, of a call a reference last.
    fn message(self, number: u32) -> Vec<u8> {
        let number = if self == Self::Ticks { 0 } else { number };
        let mut bytes = vec![0xa3, 0x40, 0xa3, 0x41];
        int(number, &mut bytes);
        bytes.push(0xb4);
        for key in 2u8..6 {
            bytes.push(0x40 + key);
            int(number.wrapping_mul(key.into()) % 1_000, &mut bytes);
        }
        match self {
            Self::Calls => reference(number, &mut bytes),
            _ => bytes.push(0x47),
        }
        bytes
    }
}

fn int(value: u32, bytes: &mut Vec<u8>) {
    bytes.push(0x86);
    let mut rest = u64::from(value) * 2;
    while rest >= 0x80 {
        bytes.push((rest as u8) | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

fn reference(number: u32, bytes: &mut Vec<u8>) {
    let mut external = vec![131, 90, 0, 3, 119, 6];
    external.extend_from_slice(NODES[0].as_bytes());
    for word in [1, number, 7, 9] {
        external.extend(word.to_be_bytes());
    }
    bytes.extend([0x91, external.len() as u8]);
    bytes.extend(external);
}

/// Eight atoms.
struct Atoms(Vec<Arc<str>>);

impl Names for Atoms {
    fn atom(&self, index: u32) -> Option<&Arc<str>> {
        self.0.get(index as usize)
    }

    fn pid(&self, _index: u32) -> Option<&Pid> {
        None
    }
}

fn atoms() -> Atoms {
    let names = "$gen_call order price amount currency customer more done";
    Atoms(names.split(' ').map(Arc::from).collect())
}

fn process(id: u32) -> (Identity, Node) {
    let node = NODES[(id % 3) as usize];
    let pid = Pid {
        node: node.into(),
        id,
        serial: 0,
        creation: 1,
    };
    (Identity::of(&pid), Node::of(node))
}

/// Half as many messages as halves, between any two processes, each received a little later.
fn halves(load: Load) -> Vec<Message> {
    let atoms = atoms();
    let mut halves = Vec::new();
    for number in 0..MESSAGES / 2 {
        let spread = number.wrapping_mul(0x9e37_79b9);
        let (from, to) = (spread % PROCESSES, (spread >> 12) % PROCESSES);
        let likeness = Likeness::read(&load.message(number), &atoms).unwrap();
        let (sender, receiver) = (process(from), process(to));
        let sent = u64::from(number) * 1_000;
        let peer = if from % 3 == to % 3 {
            Peer::From(sender.0)
        } else {
            Peer::FromNode(sender.1)
        };
        halves.push(half(sent, sender, Peer::To(receiver.0), &likeness));
        halves.push(half(sent + 1_500, receiver, peer, &likeness));
    }
    halves.sort_by_key(|half| half.stamp);
    halves
}

fn half(ns: u64, (process, node): (Identity, Node), peer: Peer, likeness: &Likeness) -> Message {
    Message {
        stamp: Stamp::from_ns(ns),
        process,
        node,
        peer,
        likeness: Some(likeness.clone()),
        complete: true,
    }
}

/// Each receive takes the oldest send with the same hash of content and receiver.
fn naive(halves: &[(u64, bool)]) -> usize {
    let mut waiting: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut pairs = 0;
    for (at, &(key, is_send)) in halves.iter().enumerate() {
        let queue = waiting.entry(key).or_default();
        if is_send {
            queue.push(at);
        } else if !queue.is_empty() {
            queue.remove(0);
            pairs += 1;
        }
    }
    pairs
}

fn keyed(halves: &[Message], load: Load) -> Vec<(u64, bool)> {
    let mut numbers: HashMap<(Stamp, bool), u32> = HashMap::new();
    for number in 0..MESSAGES / 2 {
        let sent = u64::from(number) * 1_000;
        numbers.insert((Stamp::from_ns(sent), true), number);
        numbers.insert((Stamp::from_ns(sent + 1_500), false), number);
    }
    let key = |half: &Message| {
        let mut hasher = DefaultHasher::new();
        let receiver = match half.peer {
            Peer::To(process) => process,
            _ => half.process,
        };
        let number = numbers[&(half.stamp, half.is_send())];
        (load.message(number), receiver).hash(&mut hasher);
        (hasher.finish(), half.is_send())
    };
    halves.iter().map(key).collect()
}

fn pairing(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("pair messages");
    group.sample_size(20);
    group.throughput(Throughput::Elements(MESSAGES.into()));
    let tolerance = Tolerance::of_clocks(500_000_000);
    for load in Load::ALL {
        let halves = halves(load);
        let pairs = pair(&halves, tolerance);
        let count = |is: fn(&Pair) -> bool| {
            let pairs = (0..halves.len()).filter_map(|at| pairs.of(at));
            pairs.filter(|pair| is(pair)).count()
        };
        match load {
            Load::Calls => assert_eq!(count(|of| matches!(of, Pair::Exact(_))), halves.len()),
            Load::Casts => assert_eq!(count(|of| matches!(of, Pair::Likely(_))), halves.len()),
            // Between two nodes many send the same to the same: not all candidates are told.
            Load::Ticks => assert!(count(|_| true) > halves.len() / 2),
        }
        let keyed = keyed(&halves, load);
        assert_eq!(naive(&keyed), halves.len() / 2);
        let id = |what| BenchmarkId::new(what, load.name());
        group.bench_function(id("ours"), |bencher| {
            bencher.iter(|| pair(&halves, tolerance))
        });
        group.bench_function(id("map by hash"), |bencher| bencher.iter(|| naive(&keyed)));
    }
}

fn reading(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("read likeness");
    let atoms = atoms();
    for load in [Load::Calls, Load::Casts] {
        let message = load.message(17);
        group.bench_function(load.name(), |bencher| {
            bencher.iter(|| Likeness::read(&message, &atoms).unwrap())
        });
    }
}

fn rows(_: &mut Criterion<CpuTime>) {
    let at = |what: &str, load: Load| scope_bench::median(&["pair messages", what, load.name()]);
    for load in Load::ALL {
        if let (Some(ours), Some(peer)) = (at("ours", load), at("map by hash", load)) {
            let what = format!("pair 100 k messages: {}", load.name());
            Row::new(what, "ms", ours / 1e6)
                .beside("map by hash", peer / 1e6)
                .print();
        }
    }
    if let Some(ns) = scope_bench::median(&["read likeness", Load::Calls.name()]) {
        Row::new("hash of a message with a map and a reference", "ns", ns).print();
    }
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = pairing, reading, rows
);
criterion_main!(benches);
