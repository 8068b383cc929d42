//! Every filter, and each pair of filters, against a plain scan.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::cases;
use common::naive::scan;
use common::naive::{Event, Subject};
use common::random::FILTERS;
use common::random::{Filled, Rng, Size};
use scope_event::SubjectView;
use scope_store::{Match, Order, Query};

fn is_event(found: &Match, event: &Event) -> bool {
    let subject = match (found.subject(), &event.subject) {
        (SubjectView::None, Subject::None) => true,
        (
            SubjectView::Mfa {
                module,
                function,
                arity,
            },
            Subject::Mfa(m, f, a),
        ) => (module, function, arity) == (m, f, *a),
        (SubjectView::Pid(pid), Subject::Pid(wanted)) => pid == wanted,
        (SubjectView::Name(name), Subject::Name(wanted)) => name == wanted,
        (SubjectView::Term(term), Subject::Term(wanted)) => {
            scope_event::Value::read(&term, found.names()).as_ref() == Ok(wanted)
        }
        _ => false,
    };
    subject
        && found.cursor() == event.at
        && found.kind() == event.kind
        && found.pid() == event.pid.as_ref()
        && found.correlation_value().as_ref() == Ok(&event.correlation)
        && found.data_value().as_ref() == Ok(&event.data)
}

fn check(filled: &Filled, query: &Query, told: &str) {
    let answer = filled.store.query(query);
    let wanted = scan(&filled.events, query);
    let seqs = |matches: &[Match]| matches.iter().map(Match::cursor).collect::<Vec<_>>();
    assert_eq!(
        seqs(&answer.events),
        wanted
            .events
            .iter()
            .map(|event| event.at.clone())
            .collect::<Vec<_>>(),
        "{told}: {query:?}"
    );
    let all_equal = answer
        .events
        .iter()
        .zip(&wanted.events)
        .all(|(found, event)| is_event(found, event));
    assert!(all_equal, "{told}: {query:?}");
    assert!(answer.more || wanted.behind == 0, "{told}: {query:?}");
    let dropped = if answer.more {
        wanted.dropped
    } else {
        wanted.dropped_to_end
    };
    assert_eq!(answer.dropped, dropped, "{told}: {query:?}");
}

/// Asks for everything, by each filter and by each pair of filters.
fn check_filters(seeds: u64, size: Size) {
    for seed in 0..cases(seeds) {
        let mut rng = Rng::new(seed);
        let filled = Filled::with(&mut rng, size);
        check(&filled, &Query::default(), &format!("seed {seed}"));
        for first in 0..FILTERS {
            for second in first..FILTERS {
                let mut query = Query::default();
                filled.add_filter(&mut rng, first, &mut query);
                if second != first {
                    filled.add_filter(&mut rng, second, &mut query);
                }
                check(
                    &filled,
                    &query,
                    &format!("seed {seed}, filters {first} and {second}"),
                );
            }
        }
    }
}

#[test]
fn every_filter_and_each_pair_answers_like_a_scan() {
    check_filters(1_000, Size::SMALL);
}

/// Nothing is kept decoded, so that blocks are only glanced at wherever that is enough: the scan above
/// is of the same stores with all blocks decoded.
#[test]
fn a_glance_at_a_block_tells_the_same_as_all_of_it() {
    let glanced = Size {
        decoded_bytes: 0,
        ..Size::SMALL
    };
    check_filters(1_000, glanced);
}

#[test]
fn so_does_a_glance_at_large_blocks() {
    let large = Size {
        events: 6_000,
        block: 2_500,
        decoded_bytes: 0,
    };
    check_filters(4, large);
}

#[test]
fn pages_add_up_to_the_whole() {
    for seed in 0..cases(100) {
        let mut rng = Rng::new(seed);
        let filled = Filled::new(&mut rng);
        let order = if rng.one_in(2) {
            Order::Asc
        } else {
            Order::Desc
        };
        let mut query = Query {
            order,
            limit: 1 + rng.below(30) as usize,
            ..Query::default()
        };
        filled.add_filter(&mut rng, 1, &mut query);
        let whole = scan(
            &filled.events,
            &Query {
                limit: usize::MAX,
                ..query.clone()
            },
        );
        let (mut events, mut dropped) = (Vec::new(), 0);
        loop {
            let page = filled.store.query(&query);
            dropped += page.dropped;
            events.extend(page.events.iter().map(Match::cursor));
            query.after = page.cursor;
            if !page.more {
                break;
            }
        }
        let wanted: Vec<_> = whole.events.iter().map(|event| event.at.clone()).collect();
        assert_eq!(events, wanted, "seed {seed}");
        assert_eq!(dropped, whole.dropped_to_end, "seed {seed}");
    }
}
