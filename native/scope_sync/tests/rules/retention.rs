//! What expired, what is too old, what is forgotten, and what is gone for good.

use std::time::Duration;

use scope_sync::{Holdings, Intervals, Settings};

use crate::cluster::{Cluster, origin, stamp};

const SOON: Duration = Duration::from_secs(5);

fn settings(age_s: u64) -> Settings {
    Settings {
        max_age: Duration::from_secs(age_s),
        ..Settings::default()
    }
}

#[test]
fn what_expired_here_is_neither_asked_for_nor_taken() {
    let mut cluster = Cluster::of(&["a", "b"]);
    (0..4).for_each(|_| cluster.record("a", 10));
    cluster.pass(SOON);
    cluster.store("b").expire_to(&origin("a"), 20);
    cluster.record("a", 10);
    cluster.pass(SOON);
    let known = cluster.members["b"].store.knowledge(&origin("a"));
    assert_eq!((known.floor, known.prefix), (20, 50));
    assert_eq!(cluster.stats("b", "a").already, 0);
}

#[test]
fn what_is_too_old_is_asked_for_once() {
    let mut cluster = Cluster::default();
    cluster.start("a", settings(10_000));
    cluster.record("a", 10);
    cluster.pass(Duration::from_secs(100));
    cluster.record("a", 10);
    cluster.start("b", settings(50));
    cluster.pass(SOON);
    assert_eq!(
        cluster.members["b"].store.knowledge(&origin("a")).held(),
        Intervals::of(11, 20)
    );
    let young = cluster.members["b"].store.bytes();
    assert_eq!(
        cluster.stats("a", "b").payload_out,
        young,
        "what is too old does not travel"
    );
    cluster.pass(Duration::from_secs(200));
    let before = cluster.delivered;
    cluster.pass(Duration::from_secs(200));
    assert_eq!(cluster.delivered, before);
}

#[test]
fn what_expires_elsewhere_is_heard_of() {
    let mut cluster = Cluster::of(&["a", "b"]);
    (0..4).for_each(|_| cluster.record("a", 10));
    cluster.pass(SOON);
    cluster.store("a").expire_to(&origin("a"), 20);
    cluster.pass(SOON);
    let known = cluster.members["b"]
        .replica
        .peer_knowledge("a", &origin("a"))
        .unwrap();
    assert_eq!(known.floor, 20);
    cluster.store("b").expire_to(&origin("a"), 30);
    cluster.pass(SOON);
    let known = cluster.members["a"]
        .replica
        .peer_knowledge("b", &origin("a"))
        .unwrap();
    assert_eq!(known.floor, 30, "also of what nobody could want");
}

#[test]
fn a_clock_put_right_asks_again() {
    let mut cluster = Cluster::default();
    cluster.start("a", settings(10_000));
    cluster.record("a", 10);
    cluster.start("b", settings(50));
    let ahead = scope_sync::Now {
        stamp: stamp(1_000),
        ..cluster.now()
    };
    let out = {
        let b = cluster.at("b");
        b.replica.tick(ahead, &mut b.store)
    };
    cluster.send("b", out);
    cluster.pass(SOON);
    assert_eq!(cluster.events("b", &origin("a")), 10);
}

#[test]
fn a_node_that_joins_starts_where_it_is_told() {
    let mut cluster = Cluster::of(&["a"]);
    cluster.record("a", 10);
    cluster.pass(Duration::from_secs(60));
    cluster.record("a", 10);
    let since = Some(stamp(30));
    cluster.start(
        "b",
        Settings {
            since,
            ..Settings::default()
        },
    );
    cluster.pass(SOON);
    assert_eq!(
        cluster.members["b"].store.knowledge(&origin("a")).held(),
        Intervals::of(11, 20)
    );
}

#[test]
fn a_gap_is_final_once_everybody_who_had_it_dropped_it() {
    let mut cluster = Cluster::of(&["a", "b"]);
    (0..4).for_each(|_| cluster.record("a", 10));
    cluster.pass(SOON);
    cluster.store("a").expire_to(&origin("a"), 20);
    cluster.start("c", Settings::default());
    cluster.cut("b", "c");
    cluster.pass(SOON);
    assert_eq!(
        cluster.members["c"].replica.final_gaps(&origin("a")),
        Intervals::of(1, 20)
    );
    cluster.join("b", "c");
    cluster.tick();
    cluster.pass(SOON);
    assert!(
        cluster.members["c"]
            .replica
            .final_gaps(&origin("a"))
            .is_empty(),
        "b has it"
    );
    assert_eq!(cluster.events("c", &origin("a")), 40);
}

#[test]
fn an_origin_of_which_everything_expired_is_forgotten_and_stays_so() {
    let mut cluster = Cluster::default();
    let short = Settings {
        forget_after: Duration::from_secs(100),
        ..settings(50)
    };
    let long = Settings {
        forget_after: Duration::from_secs(100),
        ..settings(10_000)
    };
    cluster.start("a", short.clone());
    cluster.start("b", short);
    cluster.start("c", long);
    cluster.record("a", 10);
    cluster.pass(SOON);
    cluster.members.remove("a");
    ["b", "c"]
        .iter()
        .for_each(|at| cluster.at(at).replica.peer_down("a"));
    cluster.pass(Duration::from_secs(60));
    let before = cluster.now().stamp - (50 << 32);
    cluster.store("b").expire_before(before);
    cluster.pass(SOON);
    assert_eq!(
        cluster.store("b").origins(),
        [origin("a")],
        "its floor is remembered"
    );
    cluster.pass(Duration::from_secs(300));
    assert!(
        cluster.store("b").origins().is_empty(),
        "then it is forgotten"
    );
    assert_eq!(cluster.events("c", &origin("a")), 10);
}

#[test]
fn many_lives_do_not_make_vectors_grow() {
    let mut cluster = Cluster::default();
    let short = Settings {
        forget_after: Duration::from_secs(40),
        ..settings(20)
    };
    cluster.start("a", short.clone());
    cluster.start("b", short.clone());
    for life in 2..60 {
        let store = std::mem::take(cluster.store("a"));
        cluster.start_as(
            "a",
            scope_sync::Origin::new("a", life),
            short.clone(),
            store,
        );
        let stamp = cluster.now().stamp;
        cluster
            .store("a")
            .record(&scope_sync::Origin::new("a", life), 10, stamp);
        cluster.pass(Duration::from_secs(10));
        let old = cluster.now().stamp - (20 << 32);
        ["a", "b"]
            .iter()
            .for_each(|at| cluster.store(at).expire_before(old));
    }
    for at in ["a", "b"] {
        assert!(
            cluster.members[at].replica.origins() < 20,
            "{}",
            cluster.members[at].replica.origins()
        );
    }
}
