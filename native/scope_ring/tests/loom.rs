//! Every ordering of the crate, model-checked:
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p scope_ring --test loom --release`
//!
//! The lanes are tiny there: two slots, so that wrapping, losing and waiting all happen within a
//! few steps. Reads and writes of the raw memory are shown to the model, which fails on a race.

#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use loom::sync::Arc;
use loom::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use loom::thread;
use scope_ring::{
    Drain, Extents, Fate, Head, IDLE, Lanes, LanesConfig, Notices, Producer, WakeOn, Woken, Words,
};
use std::time::Duration;

const SLOTS: usize = 2;

/// Two preemptions find what loom's authors say nearly every bug needs; more can be asked for.
fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(check);
}

fn started(lanes: usize) -> Arc<Lanes> {
    let table = Arc::new(Lanes::new());
    table
        .start(LanesConfig {
            lanes,
            ring_bytes: lanes * 224,
            max_payload: 8,
        })
        .unwrap();
    assert_eq!(table.status().slots, SLOTS);
    table
}

/// An event whose every part says which one it is.
fn record(lane: &Producer<'_>, n: u8) -> bool {
    let Ok(mut entry) = lane.begin(Head::new(1), 8) else {
        return false;
    };
    entry.payload().fill(n);
    entry.commit(
        Words {
            stamp: n.into(),
            pid: n.into(),
            subject: n.into(),
        },
        8,
    );
    true
}

fn drain_into(drain: &mut Drain<'_>, seen: &mut Vec<u8>) {
    drain.drain(usize::MAX, |_, slot, payload| {
        let n = slot.stamp as u8;
        assert_eq!(
            (slot.pid, slot.subject, payload),
            (n.into(), n.into(), &[n; 8][..])
        );
        seen.push(n);
    });
}

fn spawn(lanes: &Arc<Lanes>, run: impl FnOnce(&Lanes) + 'static) -> thread::JoinHandle<()> {
    let lanes = lanes.clone();
    thread::spawn(move || run(&lanes))
}

#[test]
fn events_are_whole_in_order_and_the_lost_ones_counted() {
    model(|| {
        let lanes = started(1);
        let producer = spawn(&lanes, |lanes| {
            let lane = lanes.claim().unwrap();
            let taken = (1..=4).filter(|&n| record(&lane, n)).count();
            assert_eq!(taken as u64 + lanes.lost(0).of(1), 4);
        });
        let (mut drain, mut seen) = (lanes.drain().unwrap(), Vec::new());
        drain_into(&mut drain, &mut seen);
        drain_into(&mut drain, &mut seen);
        producer.join().unwrap();
        drain_into(&mut drain, &mut seen);
        assert!(seen.is_sorted() && seen.starts_with(&[1, 2]));
        assert_eq!(seen.len() as u64 + lanes.lost(0).of(1), 4);
    });
}

/// Three slots but room for two payloads: only the bytes given back let the third one in.
#[test]
fn payload_is_not_overwritten_while_it_is_read() {
    model(|| {
        let lanes = Arc::new(Lanes::new());
        lanes
            .start(LanesConfig {
                lanes: 1,
                ring_bytes: 384,
                max_payload: 96,
            })
            .unwrap();
        assert_eq!((lanes.status().slots, lanes.status().payload), (3, 192));
        let producer = spawn(&lanes, |lanes| {
            let lane = lanes.claim().unwrap();
            for n in 1..=3 {
                if let Ok(mut entry) = lane.begin(Head::new(1), 96) {
                    entry.payload().fill(n);
                    entry.commit(Words::default(), 96);
                }
            }
        });
        let mut drain = lanes.drain().unwrap();
        for _ in 0..2 {
            drain.drain(usize::MAX, |_, _, payload| {
                assert_eq!(payload, [payload[0]; 96])
            });
        }
        drop(drain);
        producer.join().unwrap();
    });
}

#[test]
fn a_loss_is_seen_with_the_event_that_follows_it() {
    model(|| {
        let lanes = started(1);
        let producer = spawn(&lanes, |lanes| {
            let lane = lanes.claim().unwrap();
            (1..=4).for_each(|n| _ = record(&lane, n));
        });
        let mut drain = lanes.drain().unwrap();
        for _ in 0..2 {
            let mut seen = Vec::new();
            drain_into(&mut drain, &mut seen);
            if seen.contains(&4) {
                assert_eq!(lanes.status().recorded + lanes.lost(0).of(1), 4);
            }
        }
        drop(drain);
        producer.join().unwrap();
    });
}

#[test]
fn no_first_event_is_slept_through() {
    model(|| {
        let lanes = started(1);
        let producer = spawn(&lanes, |lanes| {
            let lane = lanes.claim().unwrap();
            assert!(record(&lane, 1) && record(&lane, 2));
        });
        let (mut drain, mut seen) = (lanes.drain().unwrap(), Vec::new());
        while seen.len() < 2 {
            assert_eq!(lanes.wait(WakeOn::Event, None), Woken::Ready);
            drain_into(&mut drain, &mut seen);
        }
        producer.join().unwrap();
    });
}

#[test]
fn two_producers_wake_one_sleeper() {
    model(|| {
        let lanes = started(2);
        let record = |lanes: &Lanes| assert!(record(&lanes.claim().unwrap(), 1));
        let producers = [spawn(&lanes, record), spawn(&lanes, record)];
        let (mut drain, mut seen) = (lanes.drain().unwrap(), Vec::new());
        while seen.len() < 2 {
            assert_eq!(lanes.wait(WakeOn::Event, None), Woken::Ready);
            drain_into(&mut drain, &mut seen);
        }
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
    });
}

#[test]
fn a_full_lane_ends_a_nap() {
    model(|| {
        let lanes = started(1);
        let producer = spawn(&lanes, |lanes| {
            let lane = lanes.claim().unwrap();
            // One event too many: were the first two not announced, this one would be.
            (1..=3).for_each(|n| _ = record(&lane, n));
        });
        assert_eq!(lanes.wait(WakeOn::Quarter, None), Woken::Ready);
        producer.join().unwrap();
    });
}

#[test]
fn a_call_to_wake_is_never_missed() {
    model(|| {
        let lanes = started(1);
        let caller = spawn(&lanes, Lanes::wake);
        assert_eq!(lanes.wait(WakeOn::Event, None), Woken::Asked);
        caller.join().unwrap();
    });
}

#[test]
fn pages_go_back_under_a_producer_that_begins_again() {
    model(|| {
        let lanes = started(1);
        let producer = spawn(&lanes, |lanes| {
            let lane = lanes.claim().unwrap();
            (1..=3).for_each(|n| _ = record(&lane, n));
        });
        let (mut drain, mut seen) = (lanes.drain().unwrap(), Vec::new());
        drain_into(&mut drain, &mut seen);
        drain.release_idle(Duration::ZERO);
        drain.release_idle(IDLE);
        drain_into(&mut drain, &mut seen);
        producer.join().unwrap();
        drain_into(&mut drain, &mut seen);
        assert_eq!(seen.len() as u64 + lanes.lost(0).of(1), 3);
    });
}

/// With three slots the producer remembers more room than it is left with.
#[test]
fn room_taken_back_is_not_written_to_from_memory() {
    model(|| {
        let lanes = Arc::new(Lanes::new());
        lanes
            .start(LanesConfig {
                lanes: 1,
                ring_bytes: 320,
                max_payload: 8,
            })
            .unwrap();
        assert_eq!(lanes.status().slots, 3);
        let producer = spawn(&lanes, |lanes| {
            let lane = lanes.claim().unwrap();
            (1..=3).for_each(|n| {
                _ = lane.record(
                    Head::new(1),
                    Words {
                        stamp: n,
                        ..Words::default()
                    },
                )
            });
        });
        let mut drain = lanes.drain().unwrap();
        let mut read = drain.drain(usize::MAX, |_, _, _| ());
        drain.release_idle(Duration::ZERO);
        drain.release_idle(IDLE);
        producer.join().unwrap();
        read += drain.drain(usize::MAX, |_, slot, _| assert!(slot.stamp <= 3));
        assert_eq!(read as u64 + lanes.lost(0).of(1), 3);
    });
}

/// The drain's promise: once it found all entries closed, no older stamp than it read before comes.
#[test]
fn what_comes_after_a_settled_look_is_younger() {
    model(|| {
        let (lanes, clock) = (started(1), Arc::new(AtomicU64::new(1)));
        let time = clock.clone();
        let producer = spawn(&lanes, move |lanes| {
            let lane = lanes.claim().unwrap();
            for _ in 0..2 {
                let entry = lane.begin(Head::new(1), 0).unwrap();
                // As the counter of a processor: no ordering of its own.
                let stamp = time.load(Relaxed);
                entry.commit(
                    Words {
                        stamp,
                        ..Words::default()
                    },
                    0,
                );
            }
        });
        clock.store(2, Relaxed);
        let settled = lanes.is_settled();
        let mut drain = lanes.drain().unwrap();
        drain.drain_past(&lanes.heads(), |_, _, _| ());
        producer.join().unwrap();
        drain.drain(usize::MAX, |_, slot, _| {
            assert!(!settled || slot.stamp == 2);
        });
    });
}

#[test]
fn a_lane_is_given_to_one_thread() {
    model(|| {
        let lanes = started(1);
        let won = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let claim = |won: Arc<loom::sync::atomic::AtomicUsize>| {
            move |lanes: &Lanes| {
                if let Some(lane) = lanes.claim() {
                    record(&lane, 1);
                    won.fetch_add(1, Release);
                }
            }
        };
        let threads = [
            spawn(&lanes, claim(won.clone())),
            spawn(&lanes, claim(won.clone())),
        ];
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!((won.load(Acquire), lanes.status().beyond), (1, 1));
    });
}

#[test]
fn a_query_sees_what_its_caller_had_recorded() {
    model(|| {
        let lanes = started(1);
        let message = Arc::new(AtomicBool::new(false));
        let sent = message.clone();
        let producer = spawn(&lanes, move |lanes| {
            let lane = lanes.claim().unwrap();
            record(&lane, 1);
            sent.store(true, Release);
            record(&lane, 2);
        });
        if message.load(Acquire) {
            let (heads, mut drain) = (lanes.heads(), lanes.drain().unwrap());
            let mut seen = Vec::new();
            drain.drain_past(&heads, |_, slot, _| seen.push(slot.stamp));
            assert!(seen.starts_with(&[1]) && drain.has_passed(&heads));
        }
        producer.join().unwrap();
    });
}

#[test]
fn the_next_drain_goes_on_where_the_last_one_stopped() {
    model(|| {
        let lanes = started(1);
        let lane = lanes.claim().unwrap();
        assert!(record(&lane, 1) && record(&lane, 2));
        let read = |lanes: &Lanes| {
            if let Some(mut drain) = lanes.drain() {
                drain.drain(1, |_, _, _| ());
            }
        };
        let other = spawn(&lanes, read);
        read(&lanes);
        other.join().unwrap();
        let left = lanes.drain().unwrap().drain(usize::MAX, |_, _, _| ());
        assert_eq!(lanes.status().waiting, 0);
        assert!(left <= 1);
    });
}

#[test]
fn credits_are_spent_once_and_accounted_for() {
    model(|| {
        let lanes = started(2);
        let id = lanes.open_session(3).unwrap();
        let spend = move |lanes: &Lanes| {
            let lane = lanes.claim().unwrap();
            (0..2).for_each(|_| _ = lane.record(Head::new(1).session(id), Words::default()));
        };
        let threads = [spawn(&lanes, spend), spawn(&lanes, spend)];
        let account = lanes.account(id).unwrap();
        assert!(account.used <= account.taken && account.taken <= 3);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        let account = lanes.close_session(id).unwrap();
        assert_eq!(
            (account.used + account.refused, account.used),
            (4, lanes.heads().total())
        );
        assert_eq!((account.used, account.returned()), (3, 0));
    });
}

#[test]
fn a_closed_session_gives_its_seat_to_a_clean_one() {
    model(|| {
        let lanes = started(1);
        let old = lanes.open_session(2).unwrap();
        let producer = spawn(&lanes, move |lanes| {
            let lane = lanes.claim().unwrap();
            let new = old + 64;
            for id in [old, old, new] {
                _ = lane.record(Head::new(1).session(id), Words::default());
            }
        });
        lanes.close_session(old).unwrap();
        let new = lanes.open_session(1).unwrap();
        assert_eq!(new, old + 64);
        let account = lanes.account(new).unwrap();
        assert!(account.used <= account.taken && account.taken <= 1);
        producer.join().unwrap();
    });
}

#[test]
fn an_account_is_never_mixed_with_the_next_one_in_its_seat() {
    model(|| {
        let lanes = started(1);
        let old = lanes.open_session(2).unwrap();
        let producer = spawn(&lanes, move |lanes| {
            let lane = lanes.claim().unwrap();
            _ = lane.record(Head::new(1).session(old), Words::default());
            _ = lane.record(Head::new(1).session(old + 64), Words::default());
        });
        let asker = spawn(&lanes, move |lanes| {
            if let Ok(account) = lanes.account(old) {
                assert_eq!(account.budget, 2);
                assert!(account.used <= account.taken && account.taken <= 2);
            }
        });
        lanes.close_session(old).unwrap();
        lanes.open_session(5).unwrap();
        producer.join().unwrap();
        asker.join().unwrap();
    });
}

#[test]
fn a_purse_is_emptied_before_it_is_the_next_sessions() {
    model(|| {
        let lanes = started(1);
        let lane = lanes.claim().unwrap();
        let old = lanes.open_session(2).unwrap();
        lane.record(Head::new(1).session(old), Words::default())
            .unwrap();
        lanes.close_session(old).unwrap();
        let new = lanes.open_session(1).unwrap();
        let asker = spawn(&lanes, move |lanes| {
            let account = lanes.account(new).unwrap();
            assert!(account.used <= account.taken && account.taken <= 1);
        });
        lane.record(Head::new(1).session(new), Words::default())
            .unwrap();
        asker.join().unwrap();
    });
}

/// Two processes in turn in a bucket with one place left, which one of the dead has: whoever gets it
/// keeps it, and reads what it wrote itself.
#[test]
fn a_place_of_the_dead_goes_to_one_of_the_living() {
    model(|| {
        let extents = Arc::new(Extents::<1>::new());
        extents.enter(1, [1; 4], |_| true).unwrap();
        extents.enter(2, [2; 4], |_| true).unwrap();
        let life = |process: u64| {
            let extents = Arc::clone(&extents);
            move || {
                let entered = extents.enter(process, [process; 4], |process| process != 1);
                let seen = extents.of(process);
                assert_eq!(seen, entered.is_ok().then_some([process; 4]));
                extents.leave(process);
                assert_eq!(extents.of(process), None);
                entered.is_ok()
            }
        };
        let other = thread::spawn(life(3));
        let own = life(4)();
        assert!(other.join().unwrap() || own);
        assert_eq!((extents.of(2), extents.used()), (Some([2; 4]), 1));
    });
}

/// A process changes its notice while one reads it: what is read is one of the two, whole.
#[test]
fn a_notice_is_read_whole() {
    model(|| {
        let notices = Arc::new(Notices::<1, 2>::new());
        notices.put(1, [1, 1], |_| false).unwrap();
        let others = Arc::clone(&notices);
        let reader = thread::spawn(move || {
            if let Some([one, two]) = others.of(1) {
                assert_eq!(one, two);
            }
        });
        notices.put(1, [2, 2], |_| false).unwrap();
        assert_eq!(notices.of(1), Some([2, 2]));
        reader.join().unwrap();
    });
}

/// A process changes its notice while one takes down what may go: its last notice stays, once.
#[test]
fn a_notice_stays_while_its_process_wants_it() {
    model(|| {
        let notices = Arc::new(Notices::<1, 1>::new());
        notices.put(1, [1], |_| false).unwrap();
        let others = Arc::clone(&notices);
        let sweeper = thread::spawn(move || {
            others.sweep(|_process, [one]| if one == 1 { Fate::Goes } else { Fate::Stays });
        });
        notices.put(1, [2], |_| false).unwrap();
        assert_eq!(notices.of(1), Some([2]));
        sweeper.join().unwrap();
        assert_eq!((notices.of(1), notices.used()), (Some([2]), 1));
    });
}

/// Two processes at one place whose notice may go: one gets it, or both where one more is free.
#[test]
fn a_notice_makes_room_for_one() {
    model(|| {
        let notices = Arc::new(Notices::<1, 1>::new());
        notices.put(1, [1], |_| false).unwrap();
        notices.put(2, [2], |_| false).unwrap();
        let others = Arc::clone(&notices);
        let other = thread::spawn(move || others.put(3, [3], |[word]| word == 1).is_ok());
        let own = notices.put(4, [4], |[word]| word == 1).is_ok();
        let other = other.join().unwrap();
        assert!(own ^ other);
        assert_eq!(notices.of(2), Some([2]));
        assert_eq!(
            (notices.of(3), notices.of(4)),
            (other.then_some([3]), own.then_some([4]))
        );
    });
}
