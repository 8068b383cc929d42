//! Counts, latencies and states against what a plain list gives.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::cases;
use common::naive::{Event, Subject, scan};
use common::node::{Node, stamp};
use common::random::{FILTERS, Filled, Rng};
use scope_event::{Kind, RawEvent};
use scope_store::{About, By, Counted, Function, Group, Latencies, Order, Query};
use std::collections::HashMap;

fn group(event: &Event, by: By) -> Group {
    match by {
        By::Pid => Group::Pid(event.pid.clone()),
        By::Second => Group::Second(event.at.stamp >> 32),
        By::Key => Group::Key(event.kind, about(&event.subject)),
    }
}

fn about(subject: &Subject) -> About {
    match subject {
        Subject::Mfa(m, f, a) => About::Function(m.clone(), f.clone(), *a),
        Subject::Pid(pid) => About::Pid(pid.clone()),
        Subject::Name(name) => About::Name(name.clone()),
        Subject::None | Subject::Term(_) => About::Other,
    }
}

#[test]
fn counts_are_those_of_a_scan() {
    for seed in 0..cases(200) {
        let mut rng = Rng::new(seed);
        let filled = Filled::new(&mut rng);
        let mut query = Query::default();
        filled.add_filter(&mut rng, (seed % 9) as usize, &mut query);
        let wanted = scan(
            &filled.events,
            &Query {
                limit: usize::MAX,
                ..query.clone()
            },
        );
        for by in [By::Key, By::Pid, By::Second] {
            let mut groups: HashMap<Group, u64> = HashMap::new();
            wanted
                .events
                .iter()
                .for_each(|event| *groups.entry(group(event, by)).or_default() += 1);
            let counted = filled.store.count(&query, by);
            assert_eq!(counted.groups, groups, "seed {seed}, {by:?}");
            assert_eq!(counted.dropped, wanted.dropped_to_end, "seed {seed}");
            assert_eq!(counted.total(), wanted.events.len() as u64);
        }
    }
    assert_eq!(FILTERS, 12);
}

#[test]
fn the_largest_groups_come_first() {
    let mut node = Node::in_memory("a@host");
    node.calls(1_000);
    let counted: Counted = node.store.count(&Query::default(), By::Pid);
    let top = counted.top(3);
    assert_eq!(counted.groups.len(), 7);
    assert!(top.len() == 3 && top.is_sorted_by(|a, b| a.1 >= b.1));
    assert_eq!(top[0].1, *counted.groups.values().max().unwrap());
    assert_eq!(counted.top(100).len(), 7);
}

#[test]
fn states_are_the_last_before_a_time() {
    for seed in 0..cases(200) {
        let mut rng = Rng::new(seed);
        let filled = Filled::new(&mut rng);
        for _ in 0..20 {
            let (pid, at) = (
                rng.pick(&filled.pids).clone(),
                rng.pick(&filled.events).at.stamp,
            );
            let query = Query {
                kinds: Kind::State.into(),
                pids: vec![pid.clone()],
                to: Some(at),
                order: Order::Desc,
                limit: 1,
                ..Query::default()
            };
            let wanted = scan(&filled.events, &query)
                .events
                .first()
                .map(|event| event.at.clone());
            let state = filled.store.state_at(&pid, at);
            assert_eq!(state.map(|state| state.cursor()), wanted, "seed {seed}");
        }
    }
}

/// Records what one process does: a kind and the milliseconds since the last one.
fn script(node: &mut Node, pid: u32, steps: &[(Kind, u64)]) {
    let (module, function) = (node.names.word("Elixir.Shop"), node.names.word("buy"));
    for (kind, after) in steps {
        node.now_ms += after;
        let subject = scope_event::Subject::Mfa {
            module,
            function,
            arity: 1,
        };
        let pid = node.names.pid_word(pid);
        let event = RawEvent::new(*kind, stamp(node.now_ms), pid).about(subject);
        node.store.push(0, &event, node.now_ms);
        if node.now_ms.is_multiple_of(3) {
            node.store.close_now();
        }
    }
}

fn latencies(node: &Node) -> Latencies {
    let mfa = Function {
        module: Some("Elixir.Shop".into()),
        ..Function::default()
    };
    node.store.latencies(&Query {
        mfa: Some(mfa),
        ..Query::default()
    })
}

#[test]
fn calls_and_their_ends_are_paired_by_process() {
    let mut node = Node::in_memory("a@host");
    let nested = [
        (Kind::Call, 1),
        (Kind::Call, 10),
        (Kind::Return, 20),
        (Kind::Return, 5),
        (Kind::Call, 1),
        (Kind::Exception, 7),
    ];
    script(&mut node, 1, &nested);
    script(&mut node, 2, &[(Kind::Call, 1)]);
    script(&mut node, 3, &[(Kind::Return, 100)]);
    let found = latencies(&node);
    assert_eq!((found.open, found.unmatched, found.exceptions), (1, 1, 1));
    // 20, 10 + 20 + 5 and 7 milliseconds.
    let ms = |ns: Option<u64>| (ns.unwrap() + 500_000) / 1_000_000;
    let histogram = &found.histogram;
    assert_eq!(
        (histogram.count(), ms(histogram.min()), ms(histogram.max())),
        (3, 7, 35)
    );
    assert_eq!(ms(histogram.mean()), 62 / 3 + 1);
}
