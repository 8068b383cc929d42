//! What a peer may send that is no part of an honest exchange.

use std::time::Duration;

use scope_sync::model::ModelBlock;
use scope_sync::wire::{Body, Intro, Message, Packed, Probe, decode, encode};
use scope_sync::{Holdings, Now, Out, Replica, Settings, WireError};

use crate::cluster::{Cluster, origin, stamp};

/// A replica "a" with a link to "evil", and the names both ends use.
struct Victim {
    cluster: Cluster,
    mine: u32,
    yours: u32,
}

impl Victim {
    fn new() -> Self {
        let mut cluster = Cluster::of(&["a"]);
        cluster.record("a", 10);
        cluster.at("a").replica.peer_up("evil");
        let now = cluster.now();
        let a = cluster.at("a");
        let out = a.replica.tick(now, &mut a.store);
        let yours = decode(&out[0].bytes).unwrap().0.mine;
        Self {
            cluster,
            mine: 99,
            yours,
        }
    }

    fn send(&mut self, body: Body, blocks: &[u8]) -> Result<Vec<Out>, WireError> {
        let message = Message {
            mine: self.mine,
            yours: self.yours,
            ack: 0,
            body,
        };
        self.send_bytes(&encode(&message, blocks).unwrap())
    }

    fn send_bytes(&mut self, bytes: &[u8]) -> Result<Vec<Out>, WireError> {
        let now = self.cluster.now();
        let a = self.cluster.at("a");
        a.replica.receive("evil", bytes, now, &mut a.store)
    }

    fn claim(&mut self, top: u8) {
        let names = vec![Intro {
            index: 0,
            node: "x".into(),
            incarnation: 1,
        }];
        let digest = Body::Digest {
            no: 1,
            base: 0,
            names,
            entries: Packed(vec![0, top]),
        };
        self.send(digest, &[]).unwrap();
    }

    fn refused(&self) -> u64 {
        self.cluster.stats("a", "evil").refused
    }
}

fn data(id: u32, len: usize) -> Body {
    let mut lens = Vec::new();
    let mut rest = len;
    while rest >= 0x80 {
        lens.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    lens.push(rest as u8);
    Body::Data {
        id,
        frame: 1,
        end: true,
        lens: Packed(lens),
        old: Packed::default(),
    }
}

#[test]
fn nobody_but_a_peer_is_heard() {
    let mut replica = Replica::new(origin("a"), Settings::default(), 0);
    let mut store = scope_sync::model::MemoryHoldings::new();
    let result = replica.receive("evil", &[1, 2, 3], Now::default(), &mut store);
    assert_eq!(result, Err(WireError::NotAPeer));
}

#[test]
fn garbage_is_refused_and_counted() {
    let mut victim = Victim::new();
    assert!(victim.send_bytes(&[]).is_err());
    assert!(victim.send_bytes(&[7; 100]).is_err());
    assert!(victim.send_bytes(&vec![1; 300 * 1024]).is_err());
    assert_eq!(victim.refused(), 3);
}

#[test]
fn blocks_that_nobody_asked_for_are_not_taken() {
    let mut victim = Victim::new();
    let block = ModelBlock::new(origin("x"), 1, 5, stamp(0)).encode();
    victim.send(data(1, block.len()), &block).unwrap();
    assert_eq!(victim.cluster.events("a", &origin("x")), 0);
    victim.claim(5);
    let elsewhere = ModelBlock::new(origin("y"), 1, 5, stamp(0)).encode();
    victim.send(data(1, elsewhere.len()), &elsewhere).unwrap();
    assert_eq!(victim.cluster.events("a", &origin("y")), 0);
    assert_eq!(victim.refused(), 1);
}

#[test]
fn blocks_outside_of_what_was_asked_for_are_not_taken() {
    let mut victim = Victim::new();
    victim.claim(5);
    let beyond = ModelBlock::new(origin("x"), 6, 9, stamp(0)).encode();
    victim.send(data(1, beyond.len()), &beyond).unwrap();
    assert_eq!(victim.cluster.events("a", &origin("x")), 0);
    assert_eq!(victim.refused(), 1);
}

#[test]
fn a_block_that_is_too_old_is_not_taken_even_if_it_was_asked_for() {
    let mut victim = Victim::new();
    victim.claim(5);
    let old = ModelBlock::new(origin("x"), 1, 5, 7 << 32).encode();
    victim.cluster.time_ns = 60 * 86_400 * 1_000_000_000;
    victim.send(data(1, old.len()), &old).unwrap();
    let now = victim.cluster.now();
    assert!(now.stamp > stamp(0));
    assert_eq!(victim.cluster.events("a", &origin("x")), 0);
}

#[test]
fn the_live_origin_of_a_node_cannot_be_written_by_others() {
    let mut victim = Victim::new();
    let names = vec![Intro {
        index: 0,
        node: "a".into(),
        incarnation: 1,
    }];
    let entries = Packed(vec![0, 0xff, 1]);
    let out = victim
        .send(
            Body::Digest {
                no: 1,
                base: 0,
                names,
                entries,
            },
            &[],
        )
        .unwrap();
    let bodies: Vec<Body> = out
        .iter()
        .map(|o| decode(&o.bytes).unwrap().0.body)
        .collect();
    assert!(
        !bodies.iter().any(|body| matches!(body, Body::Pull { .. })),
        "{bodies:?}"
    );
}

#[test]
fn nobody_else_can_say_that_this_incarnation_is_over() {
    let mut victim = Victim::new();
    let names = vec![Intro {
        index: 0,
        node: "a".into(),
        incarnation: 1,
    }];
    let ended_at_nine = Packed(vec![2, 1, 0, 0, 9]);
    let digest = Body::Digest {
        no: 1,
        base: 0,
        names,
        entries: ended_at_nine,
    };
    victim.send(digest, &[]).unwrap();
    let own = victim.cluster.store("a").knowledge(&origin("a"));
    assert_eq!((own.prefix, own.last), (10, None));
}

#[test]
fn a_damaged_block_in_a_good_frame_is_refused_and_not_asked_for_at_once() {
    let mut victim = Victim::new();
    victim.claim(5);
    let mut block = ModelBlock::new(origin("x"), 1, 5, stamp(0)).encode();
    let last = block.len() - 1;
    block[last] ^= 1;
    let out = victim.send(data(1, block.len()), &block).unwrap();
    assert_eq!((victim.refused(), out.len()), (1, 0));
    assert_eq!(victim.cluster.events("a", &origin("x")), 0);
}

#[test]
fn claims_of_everything_there_could_be_are_harmless() {
    let mut victim = Victim::new();
    let names: Vec<Intro> = (0..600)
        .map(|i| Intro {
            index: i,
            node: format!("x{i}"),
            incarnation: 1,
        })
        .collect();
    let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    let entries = (0..600)
        .flat_map(|_| std::iter::once(0).chain(max))
        .collect();
    let entries = Packed(entries);
    victim
        .send(
            Body::Digest {
                no: 1,
                base: 0,
                names,
                entries,
            },
            &[],
        )
        .unwrap();
    victim.cluster.pass(Duration::from_secs(60));
    assert!(victim.cluster.members["a"].replica.origins() <= 601);
}

#[test]
fn origins_are_bounded() {
    let mut cluster = Cluster::default();
    cluster.start(
        "a",
        Settings {
            max_origins: 10,
            ..Settings::default()
        },
    );
    cluster.start("b", Settings::default());
    for i in 0..50 {
        cluster
            .store("b")
            .record(&origin(&format!("x{i}")), 5, stamp(0));
    }
    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.members["a"].replica.origins(), 10);
}

#[test]
fn an_entry_for_an_origin_without_a_name_changes_nothing() {
    let mut victim = Victim::new();
    let digest = Body::Digest {
        no: 1,
        base: 0,
        names: Vec::new(),
        entries: Packed(vec![0, 5]),
    };
    assert_eq!(victim.send(digest, &[]), Err(WireError::UnknownOrigin));
    victim.claim(5);
    assert!(
        victim.cluster.members["a"]
            .replica
            .peer_knowledge("evil", &origin("x"))
            .is_some()
    );
}

#[test]
fn a_name_that_is_no_name_is_refused() {
    for node in [String::new(), "x".repeat(256)] {
        let mut victim = Victim::new();
        let names = vec![Intro {
            index: 0,
            node,
            incarnation: 1,
        }];
        let digest = Body::Digest {
            no: 1,
            base: 0,
            names,
            entries: Packed(vec![0, 5]),
        };
        assert_eq!(victim.send(digest, &[]), Err(WireError::Range));
    }
}

#[test]
fn pulls_for_what_is_not_there_are_answered_with_nothing() {
    let mut victim = Victim::new();
    let wants = Packed(vec![0xff, 0xff, 3, 1, 1, 0, 0xff, 0xff, 0xff, 0x7f, 1]);
    let pull = Body::Pull {
        id: 1,
        not_before: 0,
        window: u32::MAX,
        offer: 0,
        taken: Packed::default(),
        wants,
    };
    victim
        .send(
            Body::Digest {
                no: 1,
                base: 0,
                names: vec![],
                entries: Packed::default(),
            },
            &[],
        )
        .unwrap();
    let out = victim.send(pull, &[]).unwrap();
    let frames: Vec<_> = out.iter().map(|o| decode(&o.bytes).unwrap()).collect();
    assert!(frames.iter().all(|(_, blocks)| blocks.is_empty()));
}

#[test]
fn an_audit_cannot_make_anyone_believe_in_a_conflict_about_what_is_not_held() {
    let mut victim = Victim::new();
    victim.claim(5);
    let probe = Probe {
        index: 0,
        from: 1,
        to: u64::MAX,
        digest: 7,
    };
    victim
        .send(
            Body::Audit {
                probes: vec![probe; 50],
            },
            &[],
        )
        .unwrap();
    assert!(victim.cluster.at("a").replica.notices().is_empty());
}

#[test]
fn names_of_peers_that_never_come_back_do_not_add_up() {
    let mut replica = Replica::new(origin("a"), Settings::default(), 1);
    replica.peer_up("stays");
    for n in 0..3_000 {
        let name = format!("n{n}");
        replica.peer_up(&name);
        replica.peer_down(&name);
    }
    let bounds = replica.bounds();
    assert_eq!(bounds.peers, bounds.max_peers);
    assert!(replica.is_up("stays"));
}
