//! Processes begin and end extents, and die in them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use scope_ring::{Extents, ExtentsFull};
use std::sync::atomic::{AtomicBool, Ordering};

const fn lives(_process: u64) -> bool {
    true
}

#[test]
fn an_extent_begins_changes_and_ends() {
    let extents = Extents::<4>::new();
    assert_eq!(extents.of(7), None);
    extents.enter(7, [1, 2, 3, 4], lives).unwrap();
    extents.enter(8, [9; 4], lives).unwrap();
    extents.enter(7, [4, 5, 6, 7], lives).unwrap();
    assert_eq!((extents.of(7), extents.used()), (Some([4, 5, 6, 7]), 2));
    extents.leave(7);
    extents.leave(7);
    assert_eq!((extents.of(7), extents.of(8)), (None, Some([9; 4])));
}

#[test]
fn no_process_is_in_no_extent() {
    let extents = Extents::<1>::new();
    assert_eq!(extents.enter(0, [1; 4], lives), Err(ExtentsFull));
    extents.leave(0);
    assert_eq!((extents.of(0), extents.used()), (None, 0));
}

#[test]
fn a_full_table_refuses_counts_and_forgets_nobody() {
    let extents = Extents::<1>::new();
    let places = Extents::<1>::PLACES as u64;
    for process in 1..=places {
        extents.enter(process, [process; 4], lives).unwrap();
    }
    assert_eq!(extents.enter(99, [9; 4], lives), Err(ExtentsFull));
    assert_eq!((extents.refused(), extents.of(99)), (1, None));
    assert!((1..=places).all(|process| extents.of(process) == Some([process; 4])));
    extents.enter(3, [0; 4], lives).unwrap();
    extents.leave(5);
    extents.enter(99, [9; 4], lives).unwrap();
    assert_eq!(extents.of(99), Some([9; 4]));
}

#[test]
fn the_places_of_the_dead_are_taken_back() {
    let extents = Extents::<64>::new();
    for process in 1..=500 {
        extents.enter(process, [process; 4], lives).unwrap();
    }
    for process in 1_000..1_064 {
        let alive = |process| process >= 1_000;
        extents.enter(process, [process; 4], alive).unwrap();
    }
    assert_eq!(extents.used(), 64);
    assert_eq!(extents.of(17), None);
}

#[test]
fn a_full_bucket_of_the_dead_is_no_full_table() {
    let extents = Extents::<1>::new();
    for process in 1..=16 {
        extents.enter(process, [0; 4], lives).unwrap();
    }
    assert_eq!(extents.enter(99, [9; 4], |process| process > 16), Ok(()));
}

/// Threads stand for processes that begin, change and end extents, or die in them; each is another
/// process every round. In a small table, so that they meet.
#[test]
fn each_process_sees_its_own_extent_and_nobody_elses() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = if cfg!(miri) { 50 } else { 20_000 };
    static EXTENTS: Extents<2> = Extents::new();
    let dead: Vec<AtomicBool> = (0..=THREADS * ROUNDS)
        .map(|_| AtomicBool::new(false))
        .collect();
    let lives = |process: u64| !dead[process as usize].load(Ordering::Acquire);
    let life = |thread: u64| {
        for round in 0..ROUNDS {
            let process = 1 + thread * ROUNDS + round;
            assert_eq!(EXTENTS.of(process), None);
            for step in 0..3 {
                let known = [process, step, process ^ step, !step];
                EXTENTS.enter(process, known, lives).unwrap();
                assert_eq!(EXTENTS.of(process), Some(known));
            }
            if round % 3 == 0 {
                dead[process as usize].store(true, Ordering::Release);
            } else {
                EXTENTS.leave(process);
                assert_eq!(EXTENTS.of(process), None);
            }
        }
    };
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            threads.spawn(move || life(thread));
        }
    });
    assert_eq!(EXTENTS.refused(), 0);
    assert!(EXTENTS.used() <= Extents::<2>::PLACES);
}
