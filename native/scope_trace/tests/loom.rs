//! The orderings of the places, model-checked:
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p scope_trace --test loom --release`

#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use loom::sync::Arc;
use loom::thread;
use scope_trace::{Places, Traces};

const A: Traces = Traces::of(0);
const B: Traces = Traces::of(1);

fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(check);
}

/// A place that changes hands shows nobody the traces of another key.
#[test]
fn a_reader_never_sees_the_sets_of_another_key() {
    model(|| {
        let places = Arc::new(Places::<1>::new());
        places.add(1, 0, A, Traces::NONE);
        let owner = {
            let places = places.clone();
            thread::spawn(move || {
                let mut ended = Vec::new();
                places.remove(1, 0, A);
                places.collect(&mut ended);
                places.collect(&mut ended);
                places.add(2, 0, B, Traces::NONE);
            })
        };
        let (one, two) = (places.get(1, 0).0, places.get(2, 0).0);
        assert!(one.is_empty() || one == A, "{one:?}");
        assert!(two.is_empty() || two == B, "{two:?}");
        owner.join().unwrap();
        assert_eq!((places.get(1, 0).0, places.get(2, 0).0), (Traces::NONE, B));
    });
}

/// Who joins while another trace is swept keeps what it joined with.
#[test]
fn what_is_added_during_a_sweep_stays() {
    model(|| {
        let places = Arc::new(Places::<2>::new());
        places.add(1, 0, A, Traces::NONE);
        let sweeper = {
            let places = places.clone();
            thread::spawn(move || places.sweep(A))
        };
        assert!(places.add(1, 0, B, Traces::NONE));
        sweeper.join().unwrap();
        assert_eq!(places.get(1, 0).0, B);
    });
}

/// Two threads that add the same key at once are both found.
#[test]
fn two_who_add_the_same_key_are_joined() {
    model(|| {
        let places = Arc::new(Places::<2>::new());
        let other = {
            let places = places.clone();
            thread::spawn(move || assert!(places.add(1, 0, A, Traces::NONE)))
        };
        assert!(places.add(1, 0, B, Traces::NONE));
        other.join().unwrap();
        assert_eq!(places.get(1, 0).0, A | B);
    });
}
