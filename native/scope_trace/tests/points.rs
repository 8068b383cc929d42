//! Points against a plain model, and under threads.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use proptest::prelude::*;
use scope_trace::{Function, Places, Points, Traces, Wish};
use std::collections::HashMap;

/// Begins and goes.
fn run(points: &Points, traces: Traces, wish: &Wish) {
    points.begin(traces, wish);
    assert_eq!(points.live() & traces, Traces::NONE);
    points.go(traces);
}

/// Megabytes: too much for the stack of a test, and never given back by a library either.
fn points() -> &'static Points {
    std::thread::Builder::new()
        .stack_size(32 << 20)
        .spawn(|| &*Box::leak(Box::new(Points::new())))
        .unwrap()
        .join()
        .unwrap()
}

const PLACE: Function = Function { name: 7, arity: 1 };
const KIND: u8 = 1;

fn wish(change: impl FnOnce(&mut Wish)) -> Wish {
    let mut wish = Wish::default();
    change(&mut wish);
    wish
}

#[test]
fn a_call_belongs_to_those_who_want_function_and_process() {
    let points = points();
    let (all, some) = (Traces::of(0), Traces::of(1));
    run(points, all, &wish(|wish| wish.any_process = true));
    run(points, some, &Wish::default());
    points.add_function(PLACE, all | some, some);
    assert_eq!(points.awaiting(PLACE), some);
    points.add_process(77, some, Traces::NONE);

    assert_eq!(points.of_call(PLACE, 77), all | some);
    assert_eq!(points.of_call(PLACE, 78), all);
    assert!(
        points
            .of_call(Function { arity: 2, ..PLACE }, 77)
            .is_empty()
    );

    points.end(all);
    assert_eq!(points.of_call(PLACE, 77), some);
    points.sweep(all);
    run(points, all, &Wish::default());
    assert_eq!(
        points.of_call(PLACE, 78),
        Traces::NONE,
        "a seat begins with nothing"
    );
}

#[test]
fn the_state_that_a_callback_leaves_belongs_to_those_who_want_it() {
    let points = points();
    let (all, some) = (Traces::of(0), Traces::of(1));
    run(points, all, &wish(|wish| wish.any_process = true));
    run(points, some, &Wish::default());
    assert_eq!(points.of_state(PLACE, 7), (Traces::NONE, false));
    points.add_callback(PLACE, false, all | some);
    points.add_process(7, some, Traces::NONE);
    assert_eq!(points.of_state(PLACE, 7), (all | some, false));
    assert_eq!(points.of_state(PLACE, 8), (all, false));
    points.add_callback(Function { name: 8, ..PLACE }, true, all);
    assert_eq!(
        points.of_state(Function { name: 8, ..PLACE }, 8),
        (all, true)
    );
    points.end(all);
    points.sweep(all);
    assert_eq!(points.of_state(PLACE, 7), (some, false));
    assert!(
        points.of_call(PLACE, 7).is_empty(),
        "it is no call that is wanted"
    );
}

#[test]
fn who_calls_is_known_from_then_on_and_children_of_heirs_from_the_start() {
    let points = points();
    let (callers, heirs, new) = (Traces::of(4), Traces::of(5), Traces::of(6));
    let kinds = 1 << KIND;
    run(
        points,
        callers,
        &Wish {
            callers: true,
            any_process: true,
            kinds,
            ..Wish::default()
        },
    );
    run(points, heirs, &wish(|wish| wish.kinds = kinds));
    run(
        points,
        new,
        &Wish {
            new_processes: true,
            kinds,
            ..Wish::default()
        },
    );
    points.add_function(PLACE, callers, Traces::NONE);
    points.add_process(1, heirs, heirs);

    assert!(points.of_process(KIND, 9).is_empty());
    points.called(9, points.of_call(PLACE, 9));
    assert_eq!(points.of_process(KIND, 9), callers);

    points.began(10, 1);
    points.began(11, 10);
    points.began(12, 9);
    assert_eq!(points.of_process(KIND, 11), heirs | new);
    assert_eq!(points.of_process(KIND, 12), new);
    assert!(points.of_process(KIND + 1, 12).is_empty() && !points.wants(KIND + 1));

    points.set_ours([1, 9].into_iter());
    points.began(13, 9);
    points.began(14, 1);
    points.began(15, 0);
    assert!(points.of_process(KIND, 13).is_empty());
    assert_eq!(points.of_process(KIND, 14), heirs);
    assert_eq!(points.of_process(KIND, 15), new);
    assert!(points.processes().any(|told| told == (14, heirs, heirs)));

    points.ended(11);
    assert!(points.of_process(KIND, 11).is_empty());
}

#[test]
fn places_of_processes_that_ended_are_given_again() {
    let (points, mut ended) = (points(), Default::default());
    run(
        points,
        Traces::of(0),
        &wish(|wish| wish.new_processes = true),
    );
    for pid in 0..500_000u64 {
        points.began(pid << 4, 1);
        points.ended(pid << 4);
        if pid % 10_000 == 0 {
            points.collect(&mut ended);
        }
    }
    points.collect(&mut ended);
    points.collect(&mut ended);
    let [_, (taken, refused)] = points.counts();
    assert_eq!((taken, refused), (0, 0));
}

#[derive(Clone, Debug)]
enum Step {
    Add(u64, u64, u64),
    Remove(u64, u64),
    Sweep(u64),
    Collect,
}

fn step() -> impl Strategy<Value = Step> {
    let (key, set) = (0..12u64, 1..16u64);
    prop_oneof![
        4 => (key.clone(), 0..2u64, set.clone()).prop_map(|(k, m, s)| Step::Add(k, m, s)),
        2 => (key, set.clone()).prop_map(|(k, s)| Step::Remove(k, s)),
        1 => set.prop_map(Step::Sweep),
        1 => Just(Step::Collect),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// What is found is what a map would hold, less what was refused for want of a place.
    #[test]
    fn places_are_a_map(steps in prop::collection::vec(step(), 1..120)) {
        static SPARE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _one_at_a_time = SPARE.lock();
        let places = Box::new(Places::<32>::new());
        let mut model: HashMap<(u64, u64), u64> = HashMap::new();
        let mut ended = Vec::new();
        for step in steps {
            match step {
                Step::Add(key, more, set) => {
                    if places.add(key, more, Traces::from_bits(set), Traces::NONE) {
                        *model.entry((key, more)).or_default() |= set;
                    } else {
                        prop_assert!(places.counts().0 == 32);
                    }
                }
                Step::Remove(key, set) => {
                    places.remove(key, 0, Traces::from_bits(set));
                    model.entry((key, 0)).and_modify(|known| *known &= !set);
                }
                Step::Sweep(set) => {
                    places.sweep(Traces::from_bits(set));
                    model.values_mut().for_each(|known| *known &= !set);
                }
                Step::Collect => places.collect(&mut ended),
            }
            for key in 0..12 {
                for more in 0..2 {
                    let known = model.get(&(key, more)).copied().unwrap_or(0);
                    prop_assert_eq!(places.get(key, more).0.bits(), known);
                }
            }
        }
    }
}

#[test]
fn threads_that_come_and_go_find_their_own_and_nobody_elses() {
    let points = points();
    let (heirs, keeper) = (Traces::of(9), Traces::of(10));
    run(points, heirs | keeper, &wish(|wish| wish.kinds = 1 << KIND));
    points.add_process(1, heirs, heirs);
    let done = std::sync::atomic::AtomicBool::new(false);
    let relaxed = std::sync::atomic::Ordering::Relaxed;

    std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut ended = Default::default();
            while !done.load(relaxed) {
                points.collect(&mut ended);
                points.sweep(keeper);
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let workers: Vec<_> = (0..3u64)
            .map(|worker| {
                threads.spawn(move || {
                    for life in 0..30_000u64 {
                        let pid = (life * 3 + worker + 1) << 8;
                        // More ends between two rounds than there are places is another test.
                        while points.counts()[1].0 > 30_000 {
                            std::thread::yield_now();
                        }
                        points.began(pid, 1);
                        assert_eq!(points.of_process(KIND, pid), heirs, "{pid}");
                        points.ended(pid);
                        assert!(points.of_process(KIND, pid).is_empty());
                    }
                })
            })
            .collect();
        let ends: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, relaxed);
        assert!(ends.iter().all(Result::is_ok));
    });
    assert_eq!(points.counts()[1].1, 0, "nobody was refused");
}
