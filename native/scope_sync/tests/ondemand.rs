//! An exchange on demand needs no timer: messages alone settle it.
#![allow(clippy::expect_used, reason = "helpers of tests fail like tests")]

use scope_sync::model::MemoryHoldings;
use scope_sync::{Interest, Notice, Now, Origin, Out, Reach, Replica, Settings};

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

/// Two replicas, `b` of which holds 30 events of its own and 20 of `c`, as old as `age` seconds.
struct Pair {
    ra: Replica,
    rb: Replica,
    have_a: MemoryHoldings,
    have_b: MemoryHoldings,
}

const NOW: Now = Now {
    mono_ns: 1_000_000_000,
    stamp: 1_000 << 32,
};

impl Pair {
    fn new(settings: Settings, age: u64) -> Self {
        let (a, b, c) = (origin("a"), origin("b"), origin("c"));
        let (have_a, mut have_b) = (MemoryHoldings::new(), MemoryHoldings::new());
        have_b.record(&b, 30, (1_000 - age) << 32);
        have_b.record(&c, 20, (1_000 - age) << 32);
        let mut ra = Replica::new(a, settings, 1);
        let unbound = Settings {
            bytes_per_s: None,
            ..Settings::default()
        };
        let mut rb = Replica::new(b, unbound, 2);
        ra.peer_up("b@x");
        rb.peer_up("a@x");
        Self {
            ra,
            rb,
            have_a,
            have_b,
        }
    }

    fn deliver(&mut self, out: Vec<Out>) {
        let (ra, rb) = (&mut self.ra, &mut self.rb);
        exchange(out, ra, rb, &mut self.have_a, &mut self.have_b, NOW);
    }

    fn step(&mut self, message: &Out) -> Vec<Out> {
        let back = if &*message.to == "b@x" {
            let have = &mut self.have_b;
            self.rb.receive("a@x", &message.bytes, NOW, have)
        } else {
            let have = &mut self.have_a;
            self.ra.receive("b@x", &message.bytes, NOW, have)
        };
        back.expect("taken")
    }

    fn fetch(&mut self, nodes: &[&str], since: u64) -> u32 {
        let nodes = nodes.iter().map(|node| (*node).into()).collect();
        let reach = Reach {
            nodes,
            since,
            ..Reach::default()
        };
        let asked = self.ra.fetch("b@x", reach, NOW, &mut self.have_a);
        let (token, out) = asked.expect("up");
        self.deliver(out);
        token
    }

    /// How many events of b and c a holds.
    fn held(&self) -> (u64, u64) {
        (
            self.have_a.events(&origin("b")),
            self.have_a.events(&origin("c")),
        )
    }

    fn synced(&mut self) -> Vec<u32> {
        let token = |notice: &Notice| match notice {
            Notice::Synced { token, .. } => Some(*token),
            _ => None,
        };
        self.ra.notices().iter().filter_map(token).collect()
    }
}

fn origin(name: &str) -> Origin {
    Origin::new(format!("{name}@x").as_str(), 1)
}

#[test]
fn who_keeps_nothing_fetches_what_a_question_is_about() {
    let settings = Settings {
        interest: Interest::QueryOnly,
        ..Settings::default()
    };
    let mut pair = Pair::new(settings, 10);
    let out = pair.ra.tick(NOW, &mut pair.have_a);
    pair.deliver(out);
    assert_eq!(pair.held(), (0, 0));
    let token = pair.fetch(&["c@x"], 0);
    assert_eq!((pair.held(), pair.synced()), ((0, 20), vec![token]));
    pair.fetch(&[], 995 << 32);
    assert_eq!(pair.held(), (0, 20), "what is older was not asked for");
    pair.fetch(&[], 0);
    assert_eq!(pair.held(), (30, 20));
}

#[test]
fn who_joined_fetches_what_is_older_than_its_beginning_only_when_somebody_asks() {
    let settings = Settings {
        since: Some(995 << 32),
        ..Settings::default()
    };
    let mut pair = Pair::new(settings, 10);
    let out = pair.ra.tick(NOW, &mut pair.have_a);
    pair.deliver(out);
    assert_eq!(pair.held(), (0, 0));
    pair.fetch(&[], 0);
    assert_eq!(pair.held(), (30, 20));
}

#[test]
fn no_question_reaches_beyond_the_age_limit() {
    let settings = Settings {
        max_age: std::time::Duration::from_secs(5),
        ..Settings::default()
    };
    let mut pair = Pair::new(settings, 10);
    let token = pair.fetch(&[], 0);
    assert_eq!((pair.held(), pair.synced()), ((0, 0), vec![token]));
}

#[test]
fn who_asks_while_another_waits_keeps_nobody_from_finishing() {
    let mut pair = Pair::new(Settings::default(), 10);
    let ask = |pair: &mut Pair| {
        let asked = pair.ra.sync_now("b@x", NOW, &mut pair.have_a);
        asked.expect("up")
    };
    let (first, out) = ask(&mut pair);
    let later: Vec<(u32, Vec<Out>)> = (0..3).map(|_| ask(&mut pair)).collect();
    pair.deliver(out);
    for (_, out) in &later {
        pair.deliver(out.clone());
    }
    // The last one stands for those before it.
    assert_eq!(pair.synced(), [first, later[2].0]);
}

#[test]
fn nobody_waits_for_what_was_stopped() {
    let mut pair = Pair::new(Settings::default(), 10);
    let (token, out) = pair.ra.sync_now("b@x", NOW, &mut pair.have_a).expect("up");
    pair.ra.stop("b@x", token);
    pair.deliver(out);
    assert_eq!(pair.synced(), Vec::<u32>::new());
    let again = pair.fetch(&[], 0);
    assert_eq!(pair.synced(), [again]);
}

#[test]
fn what_nobody_waits_for_any_longer_ends_within_a_window() {
    let settings = Settings {
        interest: Interest::QueryOnly,
        window_bytes: 1024,
        ..Settings::default()
    };
    let mut pair = Pair::new(settings, 10);
    let d = origin("d");
    for n in 0..200 {
        pair.have_b.record(&d, 1_000, (900 + n / 10) << 32);
    }
    let reach = Reach::default();
    let asked = pair.ra.fetch("b@x", reach, NOW, &mut pair.have_a);
    let (token, mut out) = asked.expect("up");
    // One message after the other, until something of it is here.
    while pair.have_a.events(&d) == 0 {
        let message = out.remove(0);
        out.extend(pair.step(&message));
    }
    pair.ra.stop("b@x", token);
    pair.deliver(out);
    let some = pair.have_a.events(&d);
    assert!(some > 0 && some < 200_000, "{some} events came");
    pair.fetch(&[], 0);
    assert_eq!(pair.have_a.events(&d), 200_000);
}

#[test]
fn a_question_takes_no_more_than_it_may_and_says_so() {
    let settings = Settings {
        interest: Interest::QueryOnly,
        window_bytes: 1024,
        ..Settings::default()
    };
    let mut pair = Pair::new(settings, 10);
    let d = origin("d");
    for n in 0..200 {
        pair.have_b.record(&d, 1_000, (900 + n / 10) << 32);
    }
    let reach = Reach {
        max_bytes: 1024,
        ..Reach::default()
    };
    let asked = pair.ra.fetch("b@x", reach, NOW, &mut pair.have_a);
    let (token, out) = asked.expect("up");
    pair.deliver(out);
    let cut = |n: &Notice| matches!(n, Notice::SyncCut { token: t, .. } if *t == token);
    assert!(pair.ra.notices().iter().any(cut));
    let some = pair.have_a.events(&d);
    assert!(some < 200_000, "{some} events came");
    // Asked again, it goes on from there.
    pair.fetch(&[], 0);
    assert_eq!(pair.have_a.events(&d), 200_000);
}
