//! An exchange on demand needs no timer: messages alone settle it.
#![allow(clippy::expect_used, reason = "helpers of tests fail like tests")]

use scope_sync::model::MemoryHoldings;
use scope_sync::{Notice, Now, Origin, Out, Replica, Settings};

#[test]
fn an_exchange_settles_by_messages_alone() {
    for (at_a, at_b) in [(0, 30), (30, 0), (30, 30), (0, 0)] {
        for ticks in [0, 1, 3] {
            assert!(
                settles(at_a, at_b, ticks),
                "{at_a} and {at_b} events, {ticks} rounds before"
            );
        }
    }
}

fn settles(at_a: u64, at_b: u64, ticks: u64) -> bool {
    let (a, b) = (Origin::new("a@x", 1), Origin::new("b@x", 1));
    let (mut have_a, mut have_b) = (MemoryHoldings::new(), MemoryHoldings::new());
    let mut ra = Replica::new(a.clone(), Settings::default(), 1);
    let mut rb = Replica::new(b.clone(), Settings::default(), 2);
    ra.peer_up("b@x");
    rb.peer_up("a@x");
    let at = |s: u64| Now {
        mono_ns: s * 1_000_000_000,
        stamp: (100 + s) << 32,
    };
    for s in 0..ticks {
        let out = ra.tick(at(s), &mut have_a);
        exchange(out, &mut ra, &mut rb, &mut have_a, &mut have_b, at(s));
        let out = rb.tick(at(s), &mut have_b);
        exchange(out, &mut ra, &mut rb, &mut have_a, &mut have_b, at(s));
    }
    if at_a > 0 {
        have_a.record(&a, at_a, 90 << 32);
    }
    if at_b > 0 {
        have_b.record(&b, at_b, 90 << 32);
    }
    let now = at(ticks);
    let (token, out) = ra.sync_now("b@x", now, &mut have_a).expect("up");
    exchange(out, &mut ra, &mut rb, &mut have_a, &mut have_b, now);
    ra.notices()
        .iter()
        .any(|n| matches!(n, Notice::Synced { token: t, .. } if *t == token))
        && have_a.events(&b) == at_b
        && have_b.events(&a) == at_a
}

fn exchange(
    mut out: Vec<Out>,
    ra: &mut Replica,
    rb: &mut Replica,
    have_a: &mut MemoryHoldings,
    have_b: &mut MemoryHoldings,
    now: Now,
) {
    while !out.is_empty() {
        let message = out.remove(0);
        let back = if &*message.to == "b@x" {
            rb.receive("a@x", &message.bytes, now, have_b)
        } else {
            ra.receive("b@x", &message.bytes, now, have_a)
        };
        out.extend(back.expect("taken"));
    }
}

#[test]
fn news_that_comes_while_an_older_digest_is_on_its_way_is_waited_for() {
    let (a, b) = (Origin::new("a@x", 1), Origin::new("b@x", 1));
    let (mut have_a, mut have_b) = (MemoryHoldings::new(), MemoryHoldings::new());
    let mut ra = Replica::new(a, Settings::default(), 1);
    let mut rb = Replica::new(b.clone(), Settings::default(), 2);
    ra.peer_up("b@x");
    rb.peer_up("a@x");
    let now = Now {
        mono_ns: 1,
        stamp: 100 << 32,
    };
    // What b says first is slow; while it still waits for an answer, it records, and a asks.
    let slow = rb.tick(now, &mut have_b);
    have_b.record(&b, 30, 90 << 32);
    let (token, asking) = ra.sync_now("b@x", now, &mut have_a).expect("up");
    exchange(asking, &mut ra, &mut rb, &mut have_a, &mut have_b, now);
    exchange(slow, &mut ra, &mut rb, &mut have_a, &mut have_b, now);
    let done = |n: &Notice| matches!(n, Notice::Synced { token: t, .. } if *t == token);
    assert!(ra.notices().iter().any(done));
    assert_eq!(have_a.events(&b), 30);
}
