//! What every user of the crate may rely on.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use scope_ring::{Head, Lanes, LanesConfig, Refusal, StartError, WakeOn, Woken, Words};
use std::time::Duration;

const SMALL: LanesConfig = LanesConfig {
    lanes: 2,
    ring_bytes: 64 << 10,
    max_payload: 256,
};

fn started(config: LanesConfig) -> Lanes {
    let lanes = Lanes::new();
    lanes.start(config).unwrap();
    lanes
}

fn words(stamp: u64) -> Words {
    Words {
        stamp,
        pid: stamp + 1,
        subject: stamp + 2,
    }
}

fn drain_all(lanes: &Lanes) -> Vec<(usize, u64, Vec<u8>)> {
    let mut seen = Vec::new();
    lanes
        .drain()
        .unwrap()
        .drain(usize::MAX, |lane, slot, payload| {
            assert_eq!((slot.pid, slot.subject), (slot.stamp + 1, slot.stamp + 2));
            seen.push((lane, slot.stamp, payload.to_vec()));
        });
    seen
}

#[test]
fn events_come_out_as_they_went_in() {
    let lanes = started(SMALL);
    let lane = lanes.claim().unwrap();
    for n in 0..3 {
        let mut entry = lane.begin(Head::new(1), 10).unwrap();
        entry.payload()[0] = n;
        entry.commit(words(n.into()), usize::from(n > 0));
    }
    assert_eq!(
        drain_all(&lanes),
        [(0, 0, vec![]), (0, 1, vec![1]), (0, 2, vec![2])]
    );
    assert_eq!(drain_all(&lanes), []);
}

#[test]
fn a_full_lane_drops_the_newest_and_counts_it_by_kind() {
    let lanes = started(SMALL);
    let lane = lanes.claim().unwrap();
    let slots = lanes.status().slots as u64;
    for n in 0..slots {
        lane.record(Head::new(1), words(n)).unwrap();
    }
    assert_eq!(lane.record(Head::new(7), words(0)), Err(Refusal::Full));
    assert_eq!(lane.record(Head::new(9), words(0)), Err(Refusal::Full));
    assert_eq!(lane.record(Head::new(9), words(0)), Err(Refusal::Full));
    assert_eq!(lanes.lost(0).kinds().collect::<Vec<_>>(), [(7, 1), (9, 2)]);
    let stamps = drain_all(&lanes).into_iter().map(|(_, stamp, _)| stamp);
    assert!(stamps.eq(0..slots));
    lane.record(Head::new(7), words(0)).unwrap();
    assert_eq!(lanes.status().lost.total(), 3);
}

#[test]
fn a_payload_that_is_too_long_is_refused() {
    let lanes = started(SMALL);
    let lane = lanes.claim().unwrap();
    assert!(lane.begin(Head::new(1), 256).is_ok());
    assert!(matches!(
        lane.begin(Head::new(1), 257),
        Err(Refusal::TooLong)
    ));
    assert!(matches!(
        lane.begin(Head::new(1), usize::MAX),
        Err(Refusal::TooLong)
    ));
    assert_eq!(lanes.lost(0).of(1), 2);
}

#[test]
fn an_entry_is_given_up_by_dropping_it_and_never_nested() {
    let lanes = started(SMALL);
    let lane = lanes.claim().unwrap();
    let entry = lane.begin(Head::new(1), 8).unwrap();
    assert!(matches!(lane.begin(Head::new(2), 8), Err(Refusal::Nested)));
    drop(entry);
    lane.record(Head::new(3), words(5)).unwrap();
    assert_eq!(drain_all(&lanes), [(0, 5, vec![])]);
    assert_eq!(lanes.lost(0).kinds().collect::<Vec<_>>(), [(2, 1)]);
}

#[test]
fn threads_beyond_the_table_are_counted_and_never_wait() {
    static LANES: Lanes = Lanes::new();
    assert!(matches!(LANES.begin(Head::new(4), 0), Err(Refusal::NoLane)));
    LANES.start(SMALL).unwrap();
    let recorded: usize = std::thread::scope(|scope| {
        let record = || {
            (0..10).filter(|&n| {
                LANES
                    .begin(Head::new(5), 0)
                    .map(|e| e.commit(words(n), 0))
                    .is_ok()
            })
        };
        let threads: Vec<_> = (0..5)
            .map(|_| scope.spawn(move || record().count()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    let status = LANES.status();
    assert_eq!(
        (recorded, status.recorded, status.claimed, status.beyond),
        (20, 20, 2, 3)
    );
    assert_eq!(
        LANES.lost_by_strangers().kinds().collect::<Vec<_>>(),
        [(4, 1), (5, 30)]
    );
}

#[test]
fn a_thread_has_one_home() {
    static HOME: Lanes = Lanes::new();
    static ELSEWHERE: Lanes = Lanes::new();
    HOME.start(SMALL).unwrap();
    ELSEWHERE.start(SMALL).unwrap();
    assert!(HOME.lane().is_some() && HOME.lane().is_some());
    assert!(ELSEWHERE.lane().is_none());
    assert_eq!((HOME.status().claimed, ELSEWHERE.status().claimed), (1, 0));
}

#[test]
fn a_start_happens_once() {
    let lanes = started(SMALL);
    assert!(matches!(
        lanes.start(SMALL),
        Err(StartError::AlreadyStarted)
    ));
    let tiny = LanesConfig {
        ring_bytes: 1024,
        ..SMALL
    };
    assert!(matches!(
        Lanes::new().start(tiny),
        Err(StartError::TooSmall { .. })
    ));
}

#[test]
fn a_query_reads_what_was_recorded_before_it_and_no_more() {
    let lanes = started(SMALL);
    let lane = lanes.claim().unwrap();
    (0..5).for_each(|n| lane.record(Head::new(1), words(n)).unwrap());
    let heads = lanes.heads();
    (5..9).for_each(|n| lane.record(Head::new(1), words(n)).unwrap());
    let mut drain = lanes.drain().unwrap();
    assert!(!drain.has_passed(&heads));
    assert_eq!(drain.drain(2, |_, _, _| ()), 2);
    let mut last = 0;
    assert_eq!(drain.drain_past(&heads, |_, slot, _| last = slot.stamp), 3);
    assert!(drain.has_passed(&heads) && last == 4);
    assert_eq!(drain.drain(usize::MAX, |_, _, _| ()), 4);
}

#[test]
fn there_is_one_drain_at_a_time_and_it_goes_on_where_the_last_one_was() {
    let lanes = started(SMALL);
    let lane = lanes.claim().unwrap();
    (0..3).for_each(|n| lane.record(Head::new(1), words(n)).unwrap());
    let mut drain = lanes.drain().unwrap();
    assert!(lanes.drain().is_none());
    drain.drain(1, |_, _, _| ());
    drop(drain);
    assert_eq!(drain_all(&lanes).len(), 2);
}

#[test]
fn a_busy_lane_does_not_starve_the_others() {
    let lanes = started(SMALL);
    let (busy, quiet) = (lanes.claim().unwrap(), lanes.claim().unwrap());
    (0..50).for_each(|n| busy.record(Head::new(1), words(n)).unwrap());
    quiet.record(Head::new(1), words(0)).unwrap();
    let mut drain = lanes.drain().unwrap();
    drain.drain(20, |lane, _, _| assert_eq!(lane, 0));
    let mut first = None;
    drain.drain(20, |lane, _, _| _ = first.get_or_insert(lane));
    assert_eq!(first, Some(1));
}

#[test]
fn a_reader_that_panics_loses_one_event_only() {
    let lanes = started(SMALL);
    let lane = lanes.claim().unwrap();
    (0..3).for_each(|n| lane.record(Head::new(1), words(n)).unwrap());
    let mut drain = lanes.drain().unwrap();
    let read =
        std::panic::AssertUnwindSafe(|| drain.drain(9, |_, slot, _| assert_ne!(slot.stamp, 1)));
    assert!(std::panic::catch_unwind(read).is_err());
    assert_eq!(drain.drain(9, |_, slot, _| assert_eq!(slot.stamp, 2)), 1);
}

#[test]
fn the_first_event_after_silence_wakes_the_drain() {
    let lanes = started(SMALL);
    std::thread::scope(|scope| {
        let drain = scope.spawn(|| lanes.wait(WakeOn::Event, Some(Duration::from_secs(30))));
        std::thread::sleep(Duration::from_millis(20));
        lanes
            .claim()
            .unwrap()
            .record(Head::new(1), words(1))
            .unwrap();
        assert_eq!(drain.join().unwrap(), Woken::Ready);
    });
}

#[test]
fn a_napping_drain_is_woken_by_a_quarter_and_not_before() {
    let lanes = started(SMALL);
    let lane = lanes.claim().unwrap();
    lane.record(Head::new(1), words(1)).unwrap();
    let nap = Some(Duration::from_millis(5));
    assert_eq!(lanes.wait(WakeOn::Quarter, nap), Woken::TimedOut);
    std::thread::scope(|scope| {
        let drain = scope.spawn(|| lanes.wait(WakeOn::Quarter, Some(Duration::from_secs(30))));
        std::thread::sleep(Duration::from_millis(20));
        let quarter = lanes.status().slots.div_ceil(4) as u64;
        (1..quarter).for_each(|n| lane.record(Head::new(1), words(n)).unwrap());
        assert_eq!(drain.join().unwrap(), Woken::Ready);
    });
}

#[test]
fn a_drain_can_be_woken_on_purpose_also_in_advance() {
    let lanes = started(SMALL);
    lanes.wake();
    assert_eq!(lanes.wait(WakeOn::Event, None), Woken::Asked);
    assert_eq!(
        lanes.wait(WakeOn::Event, Some(Duration::ZERO)),
        Woken::TimedOut
    );
}
