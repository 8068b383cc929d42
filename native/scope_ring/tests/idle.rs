//! A lane that nobody writes to costs no memory.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use scope_ring::{Head, IDLE, Lanes, LanesConfig, Words};
use std::time::Duration;

const MIB: usize = 1 << 20;
/// Miri takes its time for every byte.
const RING: usize = if cfg!(miri) { MIB / 2 } else { 16 * MIB };

#[test]
fn the_pages_of_an_idle_lane_are_returned_once() {
    let lanes = Lanes::new();
    lanes
        .start(LanesConfig {
            ring_bytes: RING,
            ..LanesConfig::for_lanes(1)
        })
        .unwrap();
    let (lane, mut drain) = (lanes.claim().unwrap(), lanes.drain().unwrap());
    let fill = || {
        while lane
            .begin(Head::new(1), 64)
            .map(|mut entry| {
                entry.payload().fill(7);
                entry.commit(Words::default(), 64);
            })
            .is_ok()
        {}
    };
    let untouched = resident();
    fill();
    let full = resident();
    assert!(full >= untouched + 8 * MIB || cfg!(miri));

    let second = Duration::from_secs(1);
    assert_eq!(drain.next_release(second), None);
    drain.release_idle(second);
    drain.drain(usize::MAX, |_, _, payload| assert_eq!(payload, [7; 64]));
    assert_eq!(drain.release_idle(2 * second), 0);
    assert_eq!(drain.next_release(2 * second), Some(2 * second + IDLE));
    assert_eq!(drain.release_idle(second + IDLE), 0);
    assert!(drain.release_idle(2 * second + IDLE) > RING / 2);
    // One page of slots and one maximal payload stay, so that a producer can begin meanwhile.
    assert!(resident() < untouched + MIB);
    assert_eq!(drain.next_release(3 * second + IDLE), None);
    assert_eq!(drain.release_idle(4 * IDLE), 0);

    fill();
    drain.drain(usize::MAX, |_, _, payload| assert_eq!(payload, [7; 64]));
}

/// A lane that is full and waits for its reader keeps what it holds.
#[test]
fn a_lane_that_waits_for_its_reader_is_not_idle() {
    let lanes = Lanes::new();
    lanes
        .start(LanesConfig {
            lanes: 1,
            ring_bytes: MIB,
            max_payload: 64,
        })
        .unwrap();
    let (lane, mut drain) = (lanes.claim().unwrap(), lanes.drain().unwrap());
    (0..2).for_each(|n| {
        lane.record(
            Head::new(1),
            Words {
                stamp: n,
                ..Words::default()
            },
        )
        .unwrap()
    });
    drain.drain(1, |_, _, _| ());
    assert_eq!(drain.release_idle(IDLE) + drain.release_idle(3 * IDLE), 0);
    assert_eq!(drain.drain(9, |_, slot, _| assert_eq!(slot.stamp, 1)), 1);
}

#[cfg(all(target_os = "linux", not(miri)))]
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn resident() -> usize {
    0
}
