//! Interval sets and knowledge against the plainest model there is: a set of numbers.

use std::collections::BTreeSet;

use proptest::prelude::*;
use scope_sync::{Intervals, Knowledge, Vector};

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u64, u64),
    Remove(u64, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (any::<bool>(), 0_u64..120, 0_u64..30).prop_map(|(insert, from, len)| {
        if insert {
            Step::Insert(from, from + len)
        } else {
            Step::Remove(from, from + len)
        }
    });
    proptest::collection::vec(step, 0..40)
}

fn build(steps: &[Step]) -> (Intervals, BTreeSet<u64>) {
    let (mut set, mut model) = (Intervals::new(), BTreeSet::new());
    for step in steps {
        match *step {
            Step::Insert(from, to) => {
                set.insert(from, to);
                model.extend(from..=to);
            }
            Step::Remove(from, to) => {
                set.remove(from, to);
                model.retain(|n| !(from..=to).contains(n));
            }
        }
    }
    (set, model)
}

fn numbers(set: &Intervals) -> BTreeSet<u64> {
    set.runs()
        .iter()
        .flat_map(|&(from, to)| from..=to)
        .collect()
}

fn of_model(model: &BTreeSet<u64>) -> Intervals {
    model.iter().map(|n| (*n, *n)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn equals_the_model_after_any_steps(steps in steps()) {
        let (set, model) = build(&steps);
        prop_assert_eq!(&numbers(&set), &model);
        prop_assert_eq!(&set, &of_model(&model), "equal sets have equal runs");
        prop_assert_eq!(set.count(), model.len() as u64);
        prop_assert_eq!((set.first(), set.last()), (model.first().copied(), model.last().copied()));
    }

    #[test]
    fn asks_like_the_model(steps in steps(), from in 0_u64..160, len in 0_u64..20) {
        let (set, model) = build(&steps);
        let range = from..=from + len;
        prop_assert_eq!(set.covers(from, from + len), range.clone().all(|n| model.contains(&n)));
        prop_assert_eq!(set.touches(from, from + len), range.clone().any(|n| model.contains(&n)));
        let inside: BTreeSet<u64> = model.iter().copied().filter(|n| range.contains(n)).collect();
        prop_assert_eq!(numbers(&set.within(from, from + len)), inside);
    }

    #[test]
    fn combines_like_the_model(a in steps(), b in steps()) {
        let ((a, model_a), (b, model_b)) = (build(&a), build(&b));
        let (mut union, mut difference) = (a.clone(), a.clone());
        union.extend(&b);
        difference.subtract(&b);
        prop_assert_eq!(numbers(&union), &model_a | &model_b);
        prop_assert_eq!(numbers(&difference), &model_a - &model_b);
        prop_assert_eq!(numbers(&a.intersection(&b)), &model_a & &model_b);
    }

    #[test]
    fn knowledge_is_its_floor_and_what_is_held(steps in steps(), floor in 0_u64..150) {
        let (mut set, mut model) = build(&steps);
        set.remove(0, 0);
        model.retain(|n| *n > floor);
        let known = Knowledge::from_held(floor, set, None);
        prop_assert_eq!(numbers(&known.held()), model.clone());
        let dense = (floor + 1..).take_while(|n| model.contains(n)).last().unwrap_or(floor);
        prop_assert_eq!(known.prefix, dense);
        let top = model.last().copied().unwrap_or(floor);
        let gaps: BTreeSet<u64> = (dense + 1..=top).filter(|n| !model.contains(n)).collect();
        prop_assert_eq!(numbers(&known.gaps()), gaps);
    }

    #[test]
    fn lacks_what_the_other_has_above_the_floor(a in steps(), b in steps(), low in 0_u64..60) {
        let ((mut a, _), (mut b, model_b)) = (build(&a), build(&b));
        a.remove(0, 0);
        b.remove(0, 0);
        let (mine, theirs) = (Knowledge::from_held(low, a, None), Knowledge::from_held(0, b, None));
        let held = numbers(&mine.held());
        let lacks = model_b.into_iter().filter(|n| *n > low && !held.contains(n)).collect();
        prop_assert_eq!(numbers(&mine.lacks(&theirs)), lacks);
    }

    #[test]
    fn vectors_find_every_difference(
        mine in proptest::collection::vec((0_u64..3, 0_u64..4), 0..200),
        theirs in proptest::collection::vec((0_u64..3, 0_u64..4), 0..200),
    ) {
        let vector = |entries: &[(u64, u64)]| {
            let mut vector = Vector::default();
            for (i, (floor, held)) in entries.iter().enumerate() {
                vector.set(i as u32, Knowledge::from_held(*floor, Intervals::of(floor + 1, floor + held), None));
            }
            vector
        };
        let (mine, theirs) = (vector(&mine), vector(&theirs));
        let ahead = theirs.ahead_of(&mine);
        let differs = theirs.differs_from(&mine);
        for i in 0..200 {
            let (a, b) = (mine.get(i), theirs.get(i));
            prop_assert!(a.lacks(&b).is_empty() || ahead.contains(&i));
            prop_assert_eq!(a != b, differs.contains(&i));
        }
    }
}

#[test]
fn the_ends_of_the_range_do_not_overflow() {
    let mut set = Intervals::of(0, u64::MAX);
    assert_eq!(set.count(), u64::MAX);
    set.remove(5, 5);
    set.insert(5, 5);
    assert_eq!(set.runs(), &[(0, u64::MAX)]);
    set.remove(0, u64::MAX);
    assert!(set.is_empty());
    set.insert(9, 3);
    assert!(set.is_empty());
}
