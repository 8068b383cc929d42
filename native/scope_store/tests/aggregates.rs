//! Counts, latencies and states against what a plain list gives.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::cases;
use common::naive::{Event, Subject, scan};
use common::node::{Node, stamp};
use common::random::{FILTERS, Filled, Rng};
use scope_event::{Kind, RawEvent, SubjectView, Symbols, Value};
use scope_store::{About, By, Counted, Function, Group, Latencies, Match, Order, Query};
use std::collections::HashMap;

fn group(event: &Event, by: By) -> Group {
    match by {
        By::Kind => Group::Kind(event.kind),
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
        // All but where a question begins and ends: that does not matter to a count.
        let filter = [0, 1, 2, 3, 4, 5, 6, 7, 8, 11][(seed % 10) as usize];
        filled.add_filter(&mut rng, filter, &mut query);
        let wanted = scan(
            &filled.events,
            &Query {
                limit: usize::MAX,
                ..query.clone()
            },
        );
        for by in [By::Kind, By::Key, By::Pid, By::Second] {
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
    assert_eq!(FILTERS, 13);
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
            let wanted = scan(&filled.events, &query).events.first().cloned();
            let state = filled.store.state_at(&pid, at);
            let found = filled.store.query(&query).events.pop();
            let seen = |state: Match| {
                let subject = match state.subject() {
                    SubjectView::Term(term) => {
                        format!("{:?}", Value::read(&term, state.names()).unwrap())
                    }
                    other => format!("{other:?}"),
                };
                let (id, data) = (state.correlation_value(), state.data_value());
                (state.cursor(), subject, id.unwrap(), data.unwrap())
            };
            let (state, found) = (state.map(seen), found.map(seen));
            assert_eq!(
                state.as_ref().map(|state| (&state.0, &state.3)),
                wanted.as_ref().map(|event| (&event.at, &event.data)),
                "seed {seed}"
            );
            assert_eq!(state, found, "seed {seed}");
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

/// A process whose only states are far back: the blocks since then are not to be answered from.
#[test]
fn an_old_state_is_found_behind_many_blocks() {
    let mut node = Node::in_memory("a@host");
    let pid = |node: &Node, id: u32| Symbols::pid(&*node.names, node.names.pid_word(id));
    let mut states = Vec::new();
    for block in 0..40u64 {
        node.calls(200);
        if block % 13 == 0 {
            let at = stamp(node.now_ms);
            let data = [0xa1, block as u8];
            let event = RawEvent::new(Kind::State, at, node.names.pid_word(1)).with_data(&data);
            node.store.push(0, &event, node.now_ms);
            states.push((at, block as i64));
        }
        let other = RawEvent::new(Kind::State, stamp(node.now_ms), node.names.pid_word(900));
        node.store.push(1, &other.with_data(&[7]), node.now_ms);
        node.store.close_now();
    }
    for (at, value) in &states {
        for stamp in [*at, at + 1] {
            let state = node.store.state_at(&pid(&node, 1), stamp).unwrap();
            assert_eq!(state.stamp(), *at);
            let wanted = Value::tuple([Value::Int(*value)]);
            assert_eq!(state.data_value().unwrap(), Some(wanted));
        }
    }
    let last = node.store.state_at(&pid(&node, 1), u64::MAX).unwrap();
    assert_eq!(last.stamp(), states.last().unwrap().0);
    assert!(
        node.store
            .state_at(&pid(&node, 1), states[0].0 - 1)
            .is_none()
    );
    assert!(node.store.state_at(&pid(&node, 555), u64::MAX).is_none());
}
