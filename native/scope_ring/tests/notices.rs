//! Processes put up notices, others read them and take them down.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use scope_ring::{Fate, Notices, NoticesFull};
use std::sync::atomic::{AtomicBool, Ordering};

const fn stays(_words: [u64; 2]) -> bool {
    false
}

#[test]
fn a_notice_is_put_up_changed_and_taken_down() {
    let notices = Notices::<4, 2>::new();
    assert_eq!((notices.of(7), notices.of(0)), (None, None));
    notices.put(7, [1, 2], stays).unwrap();
    notices.put(8, [9, 9], stays).unwrap();
    notices.put(7, [3, 4], stays).unwrap();
    assert_eq!((notices.of(7), notices.used()), (Some([3, 4]), 2));
    notices.sweep(|process, words| match process {
        7 => Fate::Goes,
        _ => Fate::Becomes([words[0] + 1, 0]),
    });
    assert_eq!((notices.of(7), notices.of(8)), (None, Some([10, 0])));
    assert_eq!(notices.put(0, [1, 1], stays), Err(NoticesFull));
}

#[test]
fn a_full_table_refuses_counts_and_gives_away_what_may_go() {
    let notices = Notices::<1, 2>::new();
    for process in 1..=16 {
        notices.put(process, [process; 2], stays).unwrap();
    }
    assert_eq!(notices.put(99, [9; 2], stays), Err(NoticesFull));
    assert_eq!((notices.refused(), notices.of(99)), (1, None));
    notices.put(99, [9; 2], |[word, _]| word == 5).unwrap();
    assert_eq!((notices.of(5), notices.of(99)), (None, Some([9; 2])));
    assert_eq!(notices.used(), Notices::<1, 2>::PLACES);
}

/// Threads stand for processes that put up notices whose words agree; others read and sweep all the
/// time. In a small table, so that they meet.
#[test]
fn what_is_read_was_put_up_as_a_whole() {
    const THREADS: u64 = 2;
    const ROUNDS: u64 = if cfg!(miri) { 50 } else { 50_000 };
    static NOTICES: Notices<1, 3> = Notices::new();
    static OVER: AtomicBool = AtomicBool::new(false);
    let life = |process: u64| {
        for round in 1..=ROUNDS {
            let words = [process, round, process ^ round];
            NOTICES.put(process, words, |_| false).unwrap();
            assert_eq!(NOTICES.of(process), Some(words));
            // What says 0 may go.
            NOTICES
                .put(process, [process, 0, process], |_| false)
                .unwrap();
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !OVER.load(Ordering::Relaxed) {
                for process in 1..=THREADS {
                    if let Some([of, round, both]) = NOTICES.of(process) {
                        assert_eq!((of, both), (process, process ^ round));
                    }
                }
            }
        });
        threads.spawn(|| {
            while !OVER.load(Ordering::Relaxed) {
                NOTICES.sweep(|_process, [_, round, _]| match round {
                    0 => Fate::Goes,
                    _ => Fate::Stays,
                });
            }
        });
        let lives: Vec<_> = (1..=THREADS)
            .map(|process| threads.spawn(move || life(process)))
            .collect();
        for one in lives {
            one.join().unwrap();
        }
        OVER.store(true, Ordering::Relaxed);
    });
    assert_eq!(NOTICES.refused(), 0);
}
