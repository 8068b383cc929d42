//! The same numbers, other events: kept aside, reported, never merged.

use std::time::Duration;

use scope_sync::model::MemoryHoldings;
use scope_sync::{Notice, Origin, Settings};

use crate::cluster::{Cluster, origin, other};

const SOON: Duration = Duration::from_secs(5);
const AUDITED: Duration = Duration::from_secs(130);

/// Two nodes started from one image: both record the origin `x`.
fn cloned(at_a: &[(u64, u64, u64)], at_b: &[(u64, u64, u64)]) -> (Cluster, Origin) {
    let (mut cluster, x) = (Cluster::of(&["a", "b"]), origin("x"));
    for (at, blocks) in [("a", at_a), ("b", at_b)] {
        for &(from, to, variant) in blocks {
            cluster.store(at).put(&other(&x, from, to, variant));
        }
    }
    (cluster, x)
}

fn conflicts(cluster: &mut Cluster, at: &str) -> Vec<(u64, u64)> {
    let notices = cluster.at(at).replica.notices();
    let range = |notice: Notice| match notice {
        Notice::Conflict { from, to, .. } => Some((from, to)),
        _ => None,
    };
    notices.into_iter().filter_map(range).collect()
}

#[test]
fn equal_ranges_with_other_content_are_found_without_any_transfer() {
    let (mut cluster, _) = cloned(&[(1, 10, 1), (11, 20, 1)], &[(1, 10, 1), (11, 20, 2)]);
    cluster.pass(AUDITED);
    assert_eq!(conflicts(&mut cluster, "a"), [(11, 20)]);
    assert_eq!(conflicts(&mut cluster, "b"), [(11, 20)]);
}

#[test]
fn a_block_that_overlaps_in_part_is_kept_aside_and_not_asked_for_again() {
    let (mut cluster, x) = cloned(
        &[(1, 10, 1), (11, 20, 1)],
        &[(1, 10, 1), (11, 15, 2), (16, 40, 2)],
    );
    cluster.pass(SOON);
    assert_eq!(cluster.events("a", &x), 20);
    assert_eq!(cluster.store("a").aside().len(), 1);
    assert_eq!(conflicts(&mut cluster, "a"), [(16, 40)]);
    let before = cluster.stats("b", "a").payload_out;
    for _ in 0..5 {
        cluster.store("b").put(&other(&x, 41, 45, 2));
        cluster.pass(SOON);
    }
    let blocks = cluster.stats("b", "a").payload_out - before;
    assert!(blocks < 200, "only the new block: {blocks}");
    assert_eq!(cluster.store("a").aside().len(), 1);
}

#[test]
fn a_consolidated_block_of_another_history_does_not_replace() {
    let (mut cluster, x) = cloned(&[(1, 10, 1), (11, 20, 1)], &[(1, 30, 2)]);
    cluster.pass(SOON);
    // The range beyond 20 is new, but the block lies over two that are whole in it.
    let headers: Vec<_> = cluster.members["a"]
        .store
        .headers(&x)
        .map(|b| (b.from, b.to))
        .collect();
    assert!(
        headers == [(1, 30)] || headers == [(1, 10), (11, 20)],
        "{headers:?}"
    );
}

#[test]
fn a_clone_of_this_very_life_is_reported() {
    let mut cluster = Cluster::of(&["a", "b"]);
    cluster.record("a", 10);
    cluster.pass(SOON);
    // The image of "a" starts again as the same incarnation, without its events.
    cluster.start_as("a", origin("a"), Settings::default(), MemoryHoldings::new());
    cluster.at("b").replica.peer_up("a");
    cluster.pass(SOON);
    let notices = cluster.at("a").replica.notices();
    let cloned = |n: &Notice| {
        matches!(
            n,
            Notice::Cloned {
                claimed: 10,
                recorded: 0,
                ..
            }
        )
    };
    assert!(notices.iter().any(cloned), "{notices:?}");
    assert_eq!(
        cluster.events("a", &origin("a")),
        0,
        "a live origin is never pulled"
    );
}

#[test]
fn equal_content_under_other_blocks_is_no_conflict() {
    let (mut cluster, x) = cloned(&[(1, 10, 1), (11, 20, 1)], &[(1, 20, 1)]);
    cluster.pass(AUDITED);
    assert_eq!(conflicts(&mut cluster, "a"), []);
    assert_eq!(conflicts(&mut cluster, "b"), []);
    assert_eq!(cluster.events("a", &x), 20);
}
