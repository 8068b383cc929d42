//! The store under a synchroniser: nested or disjoint blocks, consolidation, conflicts, retention.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use common::node::{Node, START_MS, stamp, up_to};
use scope_event::Origin;
use scope_store::{Config, Cursor, Query, Store};
use scope_sync::{BlockInfo, Holdings, Interest, Now, Outcome, Refusal, Replica, Settings};
use std::sync::Arc;
use std::time::Duration;

fn origin(node: &str) -> scope_sync::Origin {
    scope_sync::Origin::new(node, 1)
}

fn blocks(store: &Store, of: &str) -> Vec<(BlockInfo, Arc<[u8]>)> {
    let infos = (&store).blocks(&origin(of), 1, u64::MAX, usize::MAX);
    infos
        .into_iter()
        .map(|info| (info.clone(), (&store).read(&info).unwrap()))
        .collect()
}

fn insert(store: &Store, bytes: &[u8]) -> Outcome {
    (&mut &*store).insert(bytes)
}

type Blocks = Vec<Arc<[u8]>>;

/// Small blocks of a node, then the large ones that it makes of them.
fn small_and_large() -> (Blocks, Blocks) {
    let mut node = Node::in_memory("a@host");
    node.blocks(70, 10);
    let bytes = |node: &Node| {
        blocks(&node.store, "a@host")
            .into_iter()
            .map(|(_, bytes)| bytes)
    };
    let small: Vec<_> = bytes(&node).collect();
    node.settle();
    assert_eq!(node.numbers(), up_to(700));
    let large: Vec<_> = bytes(&node).collect();
    assert_eq!((small.len(), large.len()), (70, 2 + 6));
    assert_eq!(node.store.stats().consolidated_blocks, 2);
    (small, large)
}

#[test]
fn large_blocks_take_the_place_of_small_ones() {
    let (small, large) = small_and_large();
    let peer = Node::in_memory("b@host");
    small
        .iter()
        .for_each(|block| assert_eq!(insert(&peer.store, block), Outcome::Stored));
    small
        .iter()
        .for_each(|block| assert_eq!(insert(&peer.store, block), Outcome::Covered));
    assert_eq!(
        insert(&peer.store, &large[0]),
        Outcome::Replaced { already: 320 }
    );
    assert_eq!(insert(&peer.store, &large[0]), Outcome::Covered);
    assert_eq!(insert(&peer.store, &small[3]), Outcome::Covered);
    assert_eq!(
        insert(&peer.store, &large[1]),
        Outcome::Replaced { already: 320 }
    );
    assert_eq!(peer.numbers(), up_to(700));
    assert_eq!(peer.store.stats().blocks, 8);
    // What is nobody's own is never consolidated.
    let (before, mut peer) = (peer.store.stats().blocks, peer);
    peer.settle();
    assert_eq!(peer.store.stats().blocks, before);
}

#[test]
fn blocks_that_come_out_of_order_fill_gaps() {
    let (small, large) = small_and_large();
    let peer = Node::in_memory("b@host");
    insert(&peer.store, &large[1]);
    insert(&peer.store, &small[2]);
    let known = (&peer.store).knowledge(&origin("a@host"));
    assert_eq!(
        (known.prefix, known.beyond.runs()),
        (0, &[(21, 30), (321, 640)][..])
    );
    assert_eq!(
        insert(&peer.store, &large[0]),
        Outcome::Replaced { already: 10 }
    );
    assert_eq!((&peer.store).knowledge(&origin("a@host")).prefix, 640);
}

#[test]
fn other_content_under_the_same_numbers_is_kept_aside() {
    let (small, large) = small_and_large();
    let mut clone = Node::in_memory("a@host");
    clone.now_ms += 7;
    clone.blocks(40, 10);
    let theirs = blocks(&clone.store, "a@host");
    let peer = Node::in_memory("b@host");
    small[..32]
        .iter()
        .for_each(|block| assert_eq!(insert(&peer.store, block), Outcome::Stored));
    assert!(matches!(
        insert(&peer.store, &theirs[0].1),
        Outcome::Conflict { held: Some(_) }
    ));
    // A large block whose digest is not the sum of the small ones.
    clone.settle();
    let merged = &blocks(&clone.store, "a@host")[0].1;
    assert!(matches!(
        insert(&peer.store, merged),
        Outcome::Conflict { held: Some(_) }
    ));
    assert_eq!(peer.store.stats().conflicts.seen, 2);
    assert_eq!(peer.store.conflicting().len(), 2);
    assert_eq!(
        insert(&peer.store, &large[0]),
        Outcome::Replaced { already: 320 }
    );
}

#[test]
fn a_clone_cannot_write_into_the_own_stream() {
    let mut node = Node::in_memory("a@host");
    node.blocks(2, 10);
    let mut clone = Node::in_memory("a@host");
    clone.now_ms += 7;
    clone.blocks(3, 10);
    for (_, block) in blocks(&clone.store, "a@host") {
        assert!(matches!(
            insert(&node.store, &block),
            Outcome::Conflict { .. }
        ));
    }
    node.blocks(2, 10);
    assert_eq!(node.numbers(), up_to(40));
}

#[test]
fn damaged_blocks_are_refused() {
    let (small, _) = small_and_large();
    let peer = Node::in_memory("b@host");
    assert_eq!(
        insert(&peer.store, b"no block"),
        Outcome::Refused(Refusal::Malformed)
    );
    for at in 16..small[0].len() {
        let mut bytes = small[0].to_vec();
        bytes[at] ^= 1;
        assert_eq!(
            insert(&peer.store, &bytes),
            Outcome::Refused(Refusal::Checksum),
            "{at}"
        );
    }
    assert_eq!(peer.store.stats().blocks, 0);
}

#[test]
fn two_stores_become_equal_and_stay_so() {
    let (mut a, mut b) = (Node::in_memory("a@host"), Node::in_memory("b@host"));
    let settings = || Settings {
        interest: Interest::Everything,
        ..Settings::default()
    };
    let mut ra = Replica::new(origin("a@host"), settings(), 1);
    let mut rb = Replica::new(origin("b@host"), settings(), 2);
    ra.peer_up("b@host");
    rb.peer_up("a@host");
    for round in 1..=40u64 {
        a.blocks(1, 50);
        b.blocks(2, 20);
        a.settle();
        b.settle();
        exchange((&mut ra, &a), (&mut rb, &b), round);
    }
    for round in 41..=60 {
        exchange((&mut ra, &a), (&mut rb, &b), round);
    }
    let cursors = |node: &Node| node.all().iter().map(|e| e.cursor()).collect::<Vec<_>>();
    assert_eq!(cursors(&a).len(), 40 * 90);
    assert!(cursors(&a) == cursors(&b));
    assert_eq!(
        a.store.stats().conflicts.seen + b.store.stats().conflicts.seen,
        0
    );
}

fn exchange(a: (&mut Replica, &Node), b: (&mut Replica, &Node), round: u64) {
    let now = Now {
        mono_ns: round * 1_000_000_000,
        stamp: stamp(START_MS),
    };
    let (mut at_a, mut at_b) = (&a.1.store, &b.1.store);
    let mut to_b: Vec<_> = a.0.tick(now, &mut at_a);
    let mut to_a: Vec<_> = b.0.tick(now, &mut at_b);
    while !(to_a.is_empty() && to_b.is_empty()) {
        let (for_a, for_b) = (std::mem::take(&mut to_a), std::mem::take(&mut to_b));
        for out in for_a {
            to_b.extend(a.0.receive("b@host", &out.bytes, now, &mut at_a).unwrap());
        }
        for out in for_b {
            to_a.extend(b.0.receive("a@host", &out.bytes, now, &mut at_b).unwrap());
        }
    }
}

fn small_store() -> Node {
    let config = Config {
        retention_bytes: 40 << 10,
        ..Config::new(Origin::new("a@host", 1))
    };
    Node::with(config)
}

#[test]
fn retention_by_bytes_drops_whole_segments_and_raises_the_floor() {
    let mut node = small_store();
    for _ in 0..100 {
        node.blocks(1, 200);
        node.settle();
        assert!(node.store.stats().bytes <= (40 << 10) + (8 << 10));
    }
    let stats = node.store.stats();
    assert!(stats.expired_events > 0 && stats.events + stats.expired_events == 20_000);
    assert_eq!(
        node.store.floor(),
        node.all().first().map(|event| event.stamp())
    );
    let known = (&node.store).knowledge(&origin("a@host"));
    assert_eq!((known.floor, known.prefix), (stats.expired_events, 20_000));
}

#[test]
fn retention_by_age_works_on_quiet_nodes_too() {
    let day = Duration::from_secs(86_400);
    let config = Config {
        retention_age: day,
        ..Config::new(Origin::new("a@host", 1))
    };
    let mut node = Node::with(config);
    for hour in 1..=72u64 {
        node.blocks(1, 3);
        node.now_ms = START_MS + hour * 3_600_000;
        node.settle();
        let kept = node.store.stats().events / 3;
        assert!(
            kept <= 24 + 4 && (hour < 25 || kept >= 20),
            "{kept} at hour {hour}"
        );
    }
    // What is left goes by itself, if the store is asked when.
    let mut steps = 0;
    while let Some(at) = node.store.expires_ms() {
        node.now_ms = node.now_ms.max(at);
        node.settle();
        steps += 1;
        assert!(steps < 50, "{:?}", node.store.stats());
    }
    assert_eq!(node.store.stats().events, 0);
    assert!(node.now_ms <= START_MS + 72 * 3_600_000 + 10 * 86_400_000 / 8);
    // And what a peer still has of that is not taken back.
    let mut old = Node::in_memory("b@host");
    old.blocks(1, 3);
    let (_, block) = &blocks(&old.store, "b@host")[0];
    assert_eq!(
        insert(&node.store, block),
        Outcome::Refused(Refusal::Expired)
    );
}

#[test]
fn a_cursor_that_retention_passed_is_told_once() {
    let mut node = small_store();
    node.blocks(4, 100);
    let query = Query {
        limit: 100,
        ..Query::default()
    };
    let first = node.store.query(&query);
    assert!(first.more && first.expired.is_none());
    let passed = first.cursor.clone().unwrap();
    while node.store.stats().expired_events < 5_000 {
        node.blocks(5, 100);
        node.settle();
    }
    let query = Query {
        after: first.cursor,
        ..query
    };
    let second = node.store.query(&query);
    let expired = second.expired.unwrap();
    assert!(expired.newest > passed.stamp && expired.events == node.store.stats().expired_events);
    assert_eq!(second.events[0].seq(), expired.events + 1);
    let third = node.store.query(&Query {
        after: second.cursor,
        ..query.clone()
    });
    assert!(third.expired.is_none());
    assert_eq!(third.events[0].seq(), expired.events + 101);
    // A cursor of a store that forgot everything is fine, too.
    let far = Cursor {
        stamp: u64::MAX,
        ..passed
    };
    assert!(
        node.store
            .query(&Query {
                after: Some(far),
                ..query
            })
            .events
            .is_empty()
    );
}

#[test]
fn another_incarnation_begins_in_the_same_store() {
    let mut node = Node::in_memory("a@host");
    node.calls(3);
    node.store.begin(Origin::new("a@host", 2)).unwrap();
    node.calls(2);
    let ids: Vec<_> = node
        .all()
        .iter()
        .map(|event| (event.origin().incarnation, event.seq()))
        .collect();
    assert_eq!(ids, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]);
    let old = (&node.store).knowledge(&origin("a@host"));
    assert_eq!((old.prefix, old.last), (3, Some(3)));
    assert!(node.store.begin(Origin::new("", 3)).is_err());
    assert_eq!(node.store.own(), Origin::new("a@host", 2));
}

#[test]
fn what_came_of_a_node_with_a_wrong_clock_says_when_and_goes_on_saying_so() {
    let (small, large) = small_and_large();
    let peer = Node::in_memory("b@host");
    let received = |peer: &Node| -> Vec<Option<u64>> {
        let mut at: Vec<_> = peer.all().iter().map(|event| event.received()).collect();
        at.dedup();
        at
    };
    peer.store.receiving(stamp(START_MS + 60_000));
    insert(&peer.store, &small[0]);
    assert_eq!(received(&peer), [None]);
    peer.store.distrust(["a@host"]);
    insert(&peer.store, &small[1]);
    assert_eq!(received(&peer), [None, Some(stamp(START_MS + 60_000))]);
    // A block that takes the place of several is remarked as its latest part is.
    peer.store.distrust([]);
    insert(&peer.store, &large[0]);
    assert_eq!(received(&peer), [Some(stamp(START_MS + 60_000))]);
}

#[test]
fn what_is_stamped_ahead_of_the_clock_here_says_when_it_came_by_whichever_way() {
    let (small, _) = small_and_large();
    let peer = Node::in_memory("b@host");
    peer.store.receiving(stamp(START_MS - 60_000));
    insert(&peer.store, &small[0]);
    let at = peer.all()[0].received();
    assert_eq!(at, Some(stamp(START_MS - 60_000)));
}

#[test]
fn when_it_came_is_known_after_a_restart() {
    let (small, _) = small_and_large();
    let dir = tempfile::tempdir().unwrap();
    let mut peer = Node::in_folder(dir.path(), 1);
    peer.store.receiving(stamp(START_MS + 60_000));
    insert(&peer.store, &small[0]);
    peer.settle();
    peer.store.distrust(["a@host"]);
    insert(&peer.store, &small[1]);
    peer.settle();
    drop(peer);
    let again = Node::in_folder(dir.path(), 2);
    let mut received: Vec<_> = again.all().iter().map(|event| event.received()).collect();
    received.dedup();
    assert_eq!(received, [None, Some(stamp(START_MS + 60_000))]);
}
