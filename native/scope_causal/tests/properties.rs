//! Causal order against the definitions, written down naively.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::collection::vec;
use proptest::prelude::*;
use scope_causal::{CausalError, Causality, Edge, Event, Relation};
use scope_clock::Stamp;

type History = (Vec<Event>, Vec<Edge>);

/// More cases where `SCOPE_LONG=1` asks for them.
fn cases(normal: u32) -> ProptestConfig {
    let factor = if std::env::var_os("SCOPE_LONG").is_some() {
        50
    } else {
        1
    };
    ProptestConfig {
        cases: normal * factor,
        failure_persistence: None,
        ..Default::default()
    }
}

/// What really happened, recorded by clocks that are off by `skews`: effects follow their causes,
/// while their stamps may not. Few points in time, so that stamps are often equal.
fn history() -> impl Strategy<Value = History> {
    let truth = vec(0u64..5, 1..24);
    (
        truth,
        vec(0u64..20, 5),
        vec((any::<usize>(), any::<usize>()), 0..30),
    )
        .prop_map(|(processes, skews, pairs)| {
            let event = |(at, &process): (usize, &u64)| Event {
                process,
                stamp: Stamp::from_bits(at as u64 / 2 + skews[process as usize]),
            };
            let truth: Vec<Event> = processes.iter().enumerate().map(event).collect();
            recorded(&truth, &pairs)
        })
}

fn recorded(truth: &[Event], pairs: &[(usize, usize)]) -> History {
    let mut seen: Vec<usize> = (0..truth.len()).collect();
    seen.sort_by_key(|&at| (truth[at].stamp, std::cmp::Reverse(truth[at].process), at));
    let index = |at: usize| seen.iter().position(|&seen| seen == at).unwrap();
    let edges = pairs.iter().filter_map(|&(one, other)| {
        let (one, other) = (one % truth.len(), other % truth.len());
        (one != other).then(|| Edge {
            cause: index(one.min(other)),
            effect: index(one.max(other)),
        })
    });
    (seen.iter().map(|&at| truth[at]).collect(), edges.collect())
}

/// The given edges and those from each event of a process to the next.
fn direct_edges((events, edges): &History) -> Vec<Edge> {
    let mut all = edges.clone();
    for effect in 0..events.len() {
        let process = events[effect].process;
        let last = (0..effect).rfind(|&cause| events[cause].process == process);
        all.extend(last.map(|cause| Edge { cause, effect }));
    }
    all
}

/// `[a][b]`: whether edges lead from `a` to `b`, by Warshall's algorithm.
fn closure(events: usize, edges: &[Edge]) -> Vec<Vec<bool>> {
    let mut leads = vec![vec![false; events]; events];
    for edge in edges {
        leads[edge.cause][edge.effect] = true;
    }
    for via in 0..events {
        for from in 0..events {
            for to in 0..events {
                leads[from][to] |= leads[from][via] && leads[via][to];
            }
        }
    }
    leads
}

/// The least stamps that satisfy the definition, by raising them until all do.
fn corrected(events: &[Event], edges: &[Edge]) -> Vec<Stamp> {
    let recorded = |event: usize| (events[event].stamp, event);
    let mut stamps: Vec<Stamp> = events.iter().map(|event| event.stamp).collect();
    for _ in 0..events.len() {
        for &Edge { cause, effect } in edges {
            if (stamps[cause], cause) > recorded(effect) {
                stamps[effect] = stamps[effect].max(stamps[cause].next());
            }
        }
    }
    stamps
}

fn build(history: &History) -> Causality {
    Causality::build(&history.0, &history.1).unwrap()
}

fn place(causality: &Causality, event: usize) -> usize {
    let mut order = causality.order().iter();
    order.position(|&other| other == event).unwrap()
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn the_order_holds_each_event_once_and_every_cause_before_its_effect(history in history()) {
        let causality = build(&history);
        let mut all = causality.order().to_vec();
        all.sort_unstable();
        prop_assert_eq!(all, (0..history.0.len()).collect::<Vec<_>>());
        for edge in direct_edges(&history) {
            prop_assert!(place(&causality, edge.cause) < place(&causality, edge.effect));
        }
    }

    #[test]
    fn stamps_are_the_least_behind_all_causes_and_the_order_is_theirs(history in history()) {
        let causality = build(&history);
        let stamps = corrected(&history.0, &direct_edges(&history));
        for (event, &stamp) in stamps.iter().enumerate() {
            prop_assert_eq!(causality.stamp(event), Some(stamp));
        }
        let mut sorted: Vec<usize> = (0..stamps.len()).collect();
        sorted.sort_by_key(|&event| (stamps[event], event));
        prop_assert_eq!(causality.order(), sorted);
    }

    #[test]
    fn it_is_stamp_order_where_no_edge_is_inverted((events, mut edges) in history()) {
        edges.retain(|edge| edge.cause < edge.effect);
        let causality = build(&(events.clone(), edges));
        prop_assert_eq!(causality.order(), (0..events.len()).collect::<Vec<_>>());
        prop_assert_eq!(causality.corrections(), &[]);
    }

    #[test]
    fn corrected_is_the_effect_of_an_inverted_edge_and_only_what_follows_one(history in history()) {
        let causality = build(&history);
        let leads = closure(history.0.len(), &direct_edges(&history));
        let moved: Vec<usize> = causality.corrections().iter().map(|it| it.event).collect();
        let inverted = || history.1.iter().filter(|edge| edge.cause > edge.effect);
        for edge in inverted() {
            prop_assert!(moved.contains(&edge.effect));
        }
        for event in moved {
            prop_assert!(inverted().any(|edge| edge.effect == event || leads[edge.effect][event]));
        }
    }

    #[test]
    fn relations_are_those_of_reachability(history in history()) {
        let causality = build(&history);
        let leads = closure(history.0.len(), &direct_edges(&history));
        for (a, after_a) in leads.iter().enumerate() {
            for (b, after_b) in leads.iter().enumerate() {
                let expected = match (a == b, after_a[b], after_b[a]) {
                    (true, ..) => Relation::Equal,
                    (false, true, _) => Relation::Before,
                    (false, _, true) => Relation::After,
                    _ => Relation::Concurrent,
                };
                prop_assert_eq!(causality.relation(a, b), Some(expected));
            }
        }
    }

    #[test]
    fn before_is_a_strict_partial_order(history in history()) {
        let causality = build(&history);
        let all = 0..history.0.len();
        let before = |a, b| causality.relation(a, b) == Some(Relation::Before);
        for a in all.clone() {
            prop_assert!(!before(a, a));
            for b in all.clone().filter(|&b| before(a, b)) {
                prop_assert!(!before(b, a));
                prop_assert!(all.clone().all(|c| !before(b, c) || before(a, c)));
            }
        }
    }

    #[test]
    fn any_edges_have_an_order_or_a_cycle_that_is_named(
        (events, _) in history(),
        pairs in vec((any::<usize>(), any::<usize>()), 0..12),
    ) {
        let edge = |(cause, effect)| Edge { cause: cause % events.len(), effect: effect % events.len() };
        let edges: Vec<Edge> = pairs.into_iter().map(edge).filter(|it| it.cause != it.effect).collect();
        let history = (events, edges);
        let leads = closure(history.0.len(), &direct_edges(&history));
        match Causality::build(&history.0, &history.1) {
            Ok(_) => prop_assert!((0..history.0.len()).all(|event| !leads[event][event])),
            Err(CausalError::Cycle { event }) => prop_assert!(leads[event][event]),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

fn at(process: u64, bits: u64) -> Event {
    Event {
        process,
        stamp: Stamp::from_bits(bits),
    }
}

#[test]
fn nothing_has_an_order() {
    let nothing = Causality::build(&[], &[]).unwrap();
    assert!(nothing.order().is_empty() && nothing.corrections().is_empty());
    assert_eq!(nothing.relation(0, 0), None);
}

#[test]
fn what_has_no_order_is_refused() {
    let events = [at(1, 5), at(2, 7)];
    let edge = |cause, effect| Edge { cause, effect };
    let refused = |edges: &[Edge]| Causality::build(&events, edges).err();
    assert_eq!(
        refused(&[edge(1, 1)]),
        Some(CausalError::Itself { event: 1 })
    );
    assert_eq!(
        refused(&[edge(0, 2)]),
        Some(CausalError::NoEvent { event: 2 })
    );
    let cycle = refused(&[edge(0, 1), edge(1, 0)]);
    assert!(matches!(cycle, Some(CausalError::Cycle { .. })));
    let unsorted = Causality::build(&[at(1, 7), at(2, 5)], &[]).err();
    assert_eq!(unsorted, Some(CausalError::Unsorted { event: 1 }));
}

#[test]
fn an_edge_against_the_order_of_a_process_is_a_cycle() {
    let events = [at(1, 5), at(1, 7)];
    let back = Edge {
        cause: 1,
        effect: 0,
    };
    let refused = Causality::build(&events, &[back]).err();
    assert!(matches!(refused, Some(CausalError::Cycle { .. })));
}

#[test]
fn a_correction_moves_what_follows_in_the_process() {
    let ns = |process, ns| Event {
        process,
        stamp: Stamp::from_ns(ns),
    };
    let events = [ns(1, 1_000), ns(1, 1_500), ns(2, 3_000), ns(1, 9_000)];
    let send = Edge {
        cause: 2,
        effect: 0,
    };
    let causality = Causality::build(&events, &[send]).unwrap();
    assert_eq!(causality.order(), [2, 0, 1, 3]);
    let moved: Vec<_> = causality
        .corrections()
        .iter()
        .map(|it| (it.event, it.by_ns))
        .collect();
    assert_eq!(moved, [(0, 2_000), (1, 1_500)]);
}

#[test]
fn the_end_of_time_is_no_cycle() {
    let events = [at(1, u64::MAX), at(2, u64::MAX)];
    let late = Edge {
        cause: 1,
        effect: 0,
    };
    assert_eq!(Causality::build(&events, &[late]).unwrap().order(), [1, 0]);
}
