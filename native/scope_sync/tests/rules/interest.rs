//! Who keeps what, and who talks to whom.

use std::collections::BTreeSet;
use std::time::Duration;

use scope_sync::{Interest, NodeName, Settings};

use crate::cluster::{Cluster, origin};

const SOON: Duration = Duration::from_secs(10);

fn cluster(interest: &Interest, size: usize) -> (Cluster, Vec<String>) {
    let names: Vec<String> = (0..size).map(|i| format!("n{i}")).collect();
    let mut cluster = Cluster::default();
    for name in &names {
        cluster.start(
            name,
            Settings {
                interest: interest.clone(),
                ..Settings::default()
            },
        );
    }
    let members: Vec<NodeName> = names.iter().map(|n| n.as_str().into()).collect();
    names
        .iter()
        .for_each(|n| cluster.at(n).replica.set_members(members.clone()));
    (cluster, names)
}

fn holders(cluster: &Cluster, names: &[String], of: &str) -> usize {
    names
        .iter()
        .filter(|at| *at != of && cluster.events(at, &origin(of)) > 0)
        .count()
}

#[test]
fn collectors_hold_everything_and_nobody_else_does() {
    for size in [6, 30] {
        let (mut cluster, names) = cluster(&Interest::Collectors(3), size);
        names.iter().for_each(|name| cluster.record(name, 5));
        cluster.pass(SOON);
        for name in &names {
            assert_eq!(holders(&cluster, &names, name), 3, "of {size}");
        }
    }
}

#[test]
fn a_collector_that_lost_its_disk_gets_it_from_the_others() {
    let (mut cluster, names) = cluster(&Interest::Collectors(3), 6);
    cluster.record("n0", 5);
    cluster.pass(SOON);
    let lost = names[1..]
        .iter()
        .find(|at| cluster.events(at, &origin("n0")) > 0)
        .unwrap()
        .clone();
    cluster.members.remove("n0");
    names[1..]
        .iter()
        .for_each(|at| cluster.at(at).replica.peer_down("n0"));
    *cluster.store(&lost) = scope_sync::model::MemoryHoldings::new();
    let settings = Settings {
        interest: Interest::Collectors(3),
        ..Settings::default()
    };
    cluster.start_as(
        &lost,
        scope_sync::Origin::new(&*lost, 2),
        settings,
        Default::default(),
    );
    let members: Vec<NodeName> = names.iter().map(|n| n.as_str().into()).collect();
    cluster.at(&lost).replica.set_members(members);
    cluster.pass(SOON);
    assert_eq!(cluster.events(&lost, &origin("n0")), 5);
}

#[test]
fn named_collectors_hold_everything() {
    let named = Interest::Named(BTreeSet::from(["n2".into()]));
    let (mut cluster, names) = cluster(&named, 5);
    names.iter().for_each(|name| cluster.record(name, 5));
    cluster.pass(SOON);
    for name in names.iter().filter(|name| *name != "n2") {
        assert_eq!(holders(&cluster, &names, name), 1);
        assert_eq!(cluster.events("n2", &origin(name)), 5);
    }
}

#[test]
fn a_node_that_only_queries_keeps_nothing_and_serves_its_own() {
    let mut cluster = Cluster::of(&["a"]);
    cluster.start(
        "q",
        Settings {
            interest: Interest::QueryOnly,
            ..Settings::default()
        },
    );
    cluster.record("a", 5);
    cluster.record("q", 5);
    cluster.pass(SOON);
    assert_eq!(cluster.events("q", &origin("a")), 0);
    assert_eq!(cluster.events("a", &origin("q")), 5);
}

#[test]
fn more_interest_brings_what_was_told_before() {
    let mut cluster = Cluster::of(&["a"]);
    cluster.start(
        "b",
        Settings {
            interest: Interest::QueryOnly,
            ..Settings::default()
        },
    );
    cluster.record("a", 5);
    cluster.pass(SOON);
    cluster.at("b").replica.set_interest(Interest::Everything);
    cluster.pass(SOON);
    assert_eq!(cluster.events("b", &origin("a")), 5);
}

#[test]
fn a_large_cluster_gossips_over_few_links() {
    let (mut cluster, names) = cluster(&Interest::Everything, 60);
    names.iter().for_each(|name| cluster.record(name, 5));
    cluster.pass(Duration::from_secs(15));
    for at in &names {
        assert!(cluster.members[at].replica.neighbours().count() <= 12);
        assert!(names.iter().all(|of| cluster.events(at, &origin(of)) == 5));
    }
}
