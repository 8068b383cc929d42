//! What is moved, how often, and when somebody may rely on it.

use std::time::Duration;

use scope_sync::model::{MemoryHoldings, ModelBlock};
use scope_sync::wire::{Body, Message, Packed, decode, encode};
use scope_sync::{Holdings, Notice, Origin, Settings};

use crate::cluster::{Cluster, origin, prefix, stamp};

const SOON: Duration = Duration::from_secs(5);

fn quiet(cluster: &mut Cluster) {
    // The round of audits after a change has to end first.
    cluster.pass(Duration::from_secs(200));
    let before = cluster.delivered;
    cluster.pass(Duration::from_secs(300));
    assert_eq!(cluster.delivered, before, "a quiet cluster is quiet");
}

#[test]
fn blocks_arrive_as_they_were_stored() {
    let mut cluster = Cluster::of(&["a", "b"]);
    let blocks = [10_u64, 5].map(|events| {
        cluster.record("a", events);
        let newest = cluster
            .store("a")
            .headers(&origin("a"))
            .last()
            .cloned()
            .unwrap();
        cluster.store("a").read(&newest).unwrap()
    });
    cluster.pass(SOON);
    for (i, header) in cluster.members["b"].store.headers(&origin("a")).enumerate() {
        assert_eq!(cluster.members["b"].store.read(header).unwrap(), blocks[i]);
    }
    assert_eq!(cluster.events("b", &origin("a")), 15);
}

#[test]
fn relayed_without_a_link_to_the_origin_whatever_the_content() {
    let mut cluster = Cluster::of(&["a", "b", "c"]);
    cluster.cut("a", "c");
    let block = ModelBlock::new(origin("a"), 1, 9, stamp(0)).with_filler(999);
    cluster.store("a").put(&block);
    cluster.pass(SOON);
    let header = cluster
        .store("c")
        .headers(&origin("a"))
        .next()
        .cloned()
        .unwrap();
    assert_eq!(
        cluster.store("c").read(&header).unwrap()[..],
        block.encode()
    );
}

#[test]
fn a_quiet_cluster_says_nothing() {
    let mut cluster = Cluster::of(&["a", "b", "c"]);
    cluster.pass(SOON);
    quiet(&mut cluster);
    cluster.record("a", 10);
    cluster.pass(SOON);
    quiet(&mut cluster);
}

#[test]
fn nothing_goes_twice_and_what_both_have_is_not_told_back() {
    let mut cluster = Cluster::of(&["a", "b", "c"]);
    for _ in 0..20 {
        ["a", "b", "c"]
            .iter()
            .for_each(|name| cluster.record(name, 7));
        cluster.pass(Duration::from_secs(1));
    }
    cluster.pass(SOON);
    let pairs = [
        ("a", "b"),
        ("a", "c"),
        ("b", "a"),
        ("b", "c"),
        ("c", "a"),
        ("c", "b"),
    ];
    let stats = pairs.map(|(at, peer)| cluster.stats(at, peer));
    assert_eq!(stats.iter().map(|s| s.already).sum::<u64>(), 0);
    assert_eq!(
        stats.iter().map(|s| s.received).sum::<u64>(),
        2 * 3 * 20 * 7
    );
}

#[test]
fn an_exchange_on_demand_says_what_it_moved() {
    let mut cluster = Cluster::of(&["a", "b"]);
    cluster.pass(SOON);
    cluster.record("a", 30);
    cluster.record("b", 12);
    let notices = cluster.sync_now("a", "b");
    let [Notice::Synced { report, .. }] = notices[..] else {
        panic!("{notices:?}")
    };
    assert_eq!((report.sent, report.received, report.already), (30, 12, 0));
    assert!(report.bytes > 0);
    assert_eq!(cluster.events("a", &origin("b")), 12);
    assert_eq!(cluster.events("b", &origin("a")), 30);
}

#[test]
fn an_exchange_with_a_peer_that_forgot_the_link_begins_it_again() {
    let mut cluster = Cluster::default();
    let interest = scope_sync::Interest::Named(std::collections::BTreeSet::new());
    let alone = Settings {
        interest,
        fanout: 0,
        ..Settings::default()
    };
    cluster.start("a", alone.clone());
    cluster.start("b", alone);
    cluster.record("a", 5);
    cluster.pass(SOON);
    for _ in 0..2 {
        let notices = cluster.sync_now("a", "b");
        assert!(
            matches!(notices[..], [Notice::Synced { .. }]),
            "{notices:?}"
        );
        cluster.at("b").replica.peer_up("a");
        cluster.record("a", 5);
    }
}

#[test]
fn an_exchange_with_a_peer_that_leaves_is_reported() {
    let mut cluster = Cluster::of(&["a", "b"]);
    cluster.pass(SOON);
    cluster.deaf = true;
    assert!(cluster.sync_now("a", "b").is_empty());
    cluster.cut("a", "b");
    let notices = cluster.at("a").replica.notices();
    assert!(
        matches!(notices[..], [Notice::SyncFailed { .. }]),
        "{notices:?}"
    );
}

#[test]
fn resumes_after_a_cut_with_what_is_still_missing() {
    let mut cluster = Cluster::default();
    let slow = Settings {
        bytes_per_s: Some(64 * 1024),
        ..Settings::default()
    };
    cluster.start("a", slow);
    cluster.start("b", Settings::default());
    for _ in 0..400 {
        cluster.record("a", 500);
    }
    cluster.pass(Duration::from_secs(5));
    cluster.cut("a", "b");
    let before = cluster.events("b", &origin("a"));
    assert!(before > 0 && before < 200_000, "{before}");
    cluster.pass(SOON);
    cluster.join("a", "b");
    cluster.pass(Duration::from_secs(30));
    assert_eq!(cluster.events("b", &origin("a")), 200_000);
    assert_eq!(cluster.stats("b", "a").already, 0);
}

#[test]
fn a_budget_bounds_what_leaves() {
    let mut cluster = Cluster::default();
    let slow = Settings {
        bytes_per_s: Some(100_000),
        ..Settings::default()
    };
    cluster.start("a", slow);
    cluster.start("b", Settings::default());
    for _ in 0..2_000 {
        cluster.record("a", 250);
    }
    cluster.pass(Duration::from_secs(10));
    let sent = cluster.stats("a", "b").bytes_out;
    // Ten seconds' worth, the bucket, and the frame that is paid back later.
    assert!(sent <= 11 * 100_000 + 256 * 1024, "{sent}");
    assert!(sent >= 8 * 100_000, "{sent}");
}

#[test]
fn a_block_too_large_for_a_frame_is_counted_and_passed_over() {
    let mut cluster = Cluster::of(&["a", "b"]);
    cluster
        .store("a")
        .put(&ModelBlock::new(origin("a"), 1, 9, stamp(0)).with_filler(300 << 10));
    cluster.record("a", 5);
    cluster.pass(SOON);
    assert_eq!(
        cluster.members["b"]
            .store
            .knowledge(&origin("a"))
            .held()
            .runs(),
        &[(10, 14)]
    );
    assert!(cluster.stats("a", "b").oversized > 0);
    let before = cluster.delivered;
    cluster.pass(Duration::from_secs(3_600));
    assert!(
        cluster.delivered - before < 30,
        "asked for again, ever more rarely"
    );
}

#[test]
fn the_largest_block_that_is_allowed_arrives() {
    let mut cluster = Cluster::of(&["a", "b"]);
    let filler = scope_sync::MAX_BLOCK - 100;
    cluster
        .store("a")
        .put(&ModelBlock::new(origin("a"), 1, 9, stamp(0)).with_filler(filler));
    cluster.pass(SOON);
    assert_eq!(cluster.events("b", &origin("a")), 9);
}

#[test]
fn a_node_that_starts_again_gets_its_earlier_life_back() {
    let mut cluster = Cluster::of(&["a", "b"]);
    cluster.record("a", 40);
    cluster.pass(SOON);
    cluster.start_as(
        "a",
        Origin::new("a", 2),
        Settings::default(),
        MemoryHoldings::new(),
    );
    cluster.at("b").replica.peer_up("a");
    cluster.pass(SOON);
    assert_eq!(cluster.events("a", &origin("a")), 40);
}

#[test]
fn an_echo_of_an_earlier_life_does_no_lasting_harm() {
    let mut cluster = Cluster::of(&["b"]);
    let interest = scope_sync::Interest::QueryOnly;
    cluster.start(
        "a",
        Settings {
            interest,
            ..Settings::default()
        },
    );
    cluster.store("b").record(&origin("x"), 40, stamp(0));
    cluster.pass(SOON);
    let now = cluster.now();
    let a = cluster.at("a");
    let (_, out) = a.replica.sync_now("b", now, &mut a.store).unwrap();
    let yours = decode(&out[0].bytes).unwrap().0.mine;
    for body in [
        Body::Ack,
        Body::Digest {
            no: 1,
            base: 0,
            names: vec![],
            entries: Packed::default(),
        },
    ] {
        let echo = encode(
            &Message {
                mine: 77,
                yours,
                ack: 0,
                body,
            },
            &[],
        )
        .unwrap();
        let a = cluster.at("a");
        let answer = a.replica.receive("b", &echo, now, &mut a.store).unwrap();
        let known = a.replica.peer_knowledge("b", &origin("x"));
        assert!(
            known.is_some_and(|known| known.is_empty()),
            "taken for a new life"
        );
        cluster.send("a", answer);
        cluster.pass(Duration::from_secs(20));
        let known = cluster.members["a"]
            .replica
            .peer_knowledge("b", &origin("x"));
        assert!(known.is_some_and(|known| known.prefix == 40), "told again");
    }
}

#[test]
fn the_end_of_a_life_is_passed_on() {
    let mut cluster = Cluster::of(&["a", "b", "c"]);
    cluster.cut("a", "c");
    cluster.record("a", 40);
    cluster.pass(SOON);
    cluster.store("a").note_last(&origin("a"), 40);
    cluster.pass(SOON);
    assert!(
        cluster.members["c"]
            .store
            .knowledge(&origin("a"))
            .is_complete()
    );
}

#[test]
fn a_consolidated_block_replaces_what_it_covers_and_overlaps_once() {
    let mut cluster = Cluster::of(&["a", "b"]);
    for _ in 0..5 {
        cluster.record("a", 10);
    }
    cluster.pass(SOON);
    cluster.cut("a", "b");
    for _ in 0..3 {
        cluster.record("a", 10);
    }
    cluster.store("a").consolidate(&origin("a"), 31, 5);
    cluster.join("a", "b");
    cluster.pass(SOON);
    assert_eq!(prefix(&cluster, "b", &origin("a")), 80);
    assert_eq!(cluster.members["b"].store.headers(&origin("a")).count(), 4);
    assert_eq!(cluster.stats("b", "a").already, 20);
}

#[test]
fn as_many_origins_as_there_may_be_are_told_in_parts() {
    for name in ["x", "a-name-as-long-as-a-name-can-be"] {
        let mut cluster = Cluster::of(&["a", "b"]);
        let name = name.repeat(if name.len() > 1 { 8 } else { 1 });
        for i in 0..5_000 {
            cluster.store("a").put(&ModelBlock::new(
                origin(&format!("{name}{i}")),
                1,
                2,
                stamp(0),
            ));
        }
        cluster.pass(SOON);
        assert_eq!(cluster.store("b").origins().len(), 5_000);
    }
}
