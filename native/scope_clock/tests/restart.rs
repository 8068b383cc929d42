//! Stamps do not come twice, whatever the wall clock says after a restart.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use scope_clock::{Clock, Floor, Manual, NodeId, Settings, Stamp, Started};

const WALL: u64 = 1_700_000_000_000_000_000;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

fn settings(folder: &Path, incarnation: u64) -> Settings {
    Settings::new(NodeId::new("a@host", incarnation)).folder(folder)
}

/// One run of some seconds; the last stamp it gave out.
fn run(folder: &Path, time: &Manual, seconds: u64) -> Stamp {
    let clock = Clock::with_source(time);
    clock.start(settings(folder, 1)).unwrap();
    for _ in 0..seconds {
        time.advance(SECOND);
        clock.calibrate().unwrap();
    }
    time.advance(SECOND / 2);
    clock.now()
}

fn restart(folder: &Path, time: &Manual) -> Started {
    Clock::with_source(time).start(settings(folder, 2)).unwrap()
}

#[test]
fn within_one_boot_it_goes_on_within_a_millisecond_of_the_wall() {
    let folder = tempfile::tempdir().unwrap();
    let time = Manual::new(WALL);
    let last = run(folder.path(), &time, 10);
    let started = restart(folder.path(), &time);
    assert!(started.stamp > last);
    assert!(started.stamp.ns_since(started.wall) <= 1_000_001);
    assert_eq!(started.waited_ns, 0);
}

#[test]
fn within_one_boot_the_wall_may_be_behind() {
    let folder = tempfile::tempdir().unwrap();
    let time = Manual::new(WALL);
    let last = run(folder.path(), &time, 10);
    time.step_wall(-400_000_000);
    let started = restart(folder.path(), &time);
    assert!(started.stamp > last);
    assert!(!started.wall_behind);
}

#[test]
fn after_another_boot_with_the_wall_behind_it_goes_on_above_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let last = run(folder.path(), &Manual::new(WALL), 10);
    let time = Manual::new(WALL - 3_600 * SECOND).boot(2);
    let started = restart(folder.path(), &time);
    assert!(started.stamp > last);
    assert!(started.wall_behind);
    assert!(matches!(started.floor, Floor::Kept(floor) if floor == started.stamp));
}

#[test]
fn order_is_given_up_on_request_only() {
    let folder = tempfile::tempdir().unwrap();
    let last = run(folder.path(), &Manual::new(WALL), 10);
    let time = Manual::new(WALL - 3_600 * SECOND).boot(2);
    let clock = Clock::with_source(&time);
    assert!(clock.start(settings(folder.path(), 2)).unwrap().wall_behind);
    let renewed = clock.renew(NodeId::new("a@host", 3)).unwrap();
    assert!(renewed.stamp < last);
    assert!(!renewed.wall_behind);
    // What is kept is kept for the new incarnation.
    drop(clock);
    assert!(!restart(folder.path(), &time).wall_behind);
}

#[test]
fn after_a_quick_boot_it_waits_for_the_wall() {
    let folder = tempfile::tempdir().unwrap();
    let time = Manual::new(WALL);
    let last = run(folder.path(), &time, 10);
    let time = Manual::new(last.physical_ns() + 100 * MS).boot(2);
    let started = restart(folder.path(), &time);
    assert!(started.waited_ns > 0);
    assert!(started.stamp > last);
    assert!(started.stamp.ns_since(started.wall) <= 1);
}

#[test]
fn after_a_slow_boot_the_bound_is_past() {
    let folder = tempfile::tempdir().unwrap();
    let time = Manual::new(WALL);
    let last = run(folder.path(), &time, 10);
    let time = Manual::new(last.physical_ns() + 30 * SECOND).boot(2);
    let started = restart(folder.path(), &time);
    assert_eq!((started.waited_ns, started.stamp), (0, started.wall));
}

#[test]
fn a_clock_raised_by_a_peer_is_kept_before_it_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    let time = Manual::new(WALL);
    let clock = Clock::with_source(&time);
    clock.start(settings(folder.path(), 1)).unwrap();
    let last = clock.observe(clock.now().plus_ns(450 * MS)).unwrap();
    drop(clock);
    assert!(restart(folder.path(), &time).stamp > last);
}

#[test]
fn an_idle_node_writes_nothing_and_still_comes_back_above() {
    let folder = tempfile::tempdir().unwrap();
    let time = Manual::new(WALL);
    let clock = Clock::with_source(&time);
    clock.start(settings(folder.path(), 1)).unwrap();
    let written = clock.status().counts.bounds_written;
    for _ in 0..86_400 {
        time.advance(SECOND);
        clock.calibrate_idle().unwrap();
    }
    assert_eq!(clock.status().counts.bounds_written, written);
    let last = clock.now();
    drop(clock);
    assert!(restart(folder.path(), &time).stamp > last);
}

#[test]
fn a_busy_node_writes_once_in_half_a_lead() {
    let folder = tempfile::tempdir().unwrap();
    let time = Manual::new(WALL);
    let clock = Clock::with_source(&time);
    clock.start(settings(folder.path(), 1)).unwrap();
    for _ in 0..1_000 {
        time.advance(100 * MS);
        clock.calibrate().unwrap();
    }
    let status = clock.status();
    assert!(
        (80..=101).contains(&status.counts.bounds_written),
        "{status:?}"
    );
    assert_eq!(status.counts.bounds_passed, 0);
    assert!(status.bound.unwrap() > status.stamp);
}

#[test]
fn whatever_one_torn_record_leaves_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let last = run(folder.path(), &Manual::new(WALL), 10);
    let path = folder.path().join("clock.bound");
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len(), 128);
    // A write that stopped half-way destroys the record before the last, never both: cut or
    // spoilt anywhere in the older record, the newer one must still be found.
    let newer = usize::from(whole[8] < whole[72]);
    for at in 0..64 {
        let mut torn = whole.clone();
        torn[(1 - newer) * 64 + at] ^= 0x40;
        fs::write(&path, &torn).unwrap();
        let time = Manual::new(WALL - SECOND).boot(2);
        assert!(restart(folder.path(), &time).stamp > last, "byte {at}");
    }
}

#[test]
fn rubbish_is_said_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clock.bound");
    for rubbish in [vec![7; 3], vec![0; 128], vec![255; 4_096]] {
        fs::write(&path, rubbish).unwrap();
        let time = Manual::new(WALL);
        assert_eq!(restart(folder.path(), &time).floor, Floor::Unreadable);
        assert!(matches!(
            restart(folder.path(), &time).floor,
            Floor::Kept(_)
        ));
    }
}

#[test]
fn a_folder_that_cannot_be_used_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "in the way").unwrap();
    let time = Manual::new(WALL);
    let clock = Clock::with_source(&time);
    let started = clock.start(settings(&file, 1)).unwrap();
    assert_eq!(started.floor, Floor::Unreadable);
    assert!(clock.status().bound_error.is_some());
    assert_eq!(clock.status().counts.bounds_failed, 1);
    clock.calibrate().unwrap();
}

#[test]
fn nothing_kept_yet_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    let time = Manual::new(WALL);
    assert_eq!(
        restart(&folder.path().join("new"), &time).floor,
        Floor::Absent
    );
}
