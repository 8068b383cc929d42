//! Deterministic simulation of whole clusters, in the manner of FoundationDB: everything that happens
//! follows from a seed, and a seed that fails replays byte for byte.
//!
//! - `SCOPE_SEED=n` runs one seed; `SCOPE_TRACE=1` then prints every message of it.
//! - `SCOPE_SEEDS=n` runs `n` seeds instead of 1,000 and prints what they did.
//! - `SCOPE_LONG=1` also runs 1,000 replicas of which one in ten dies.

mod check;
mod mischief;
mod node;
mod plan;
mod rng;
mod world;

use plan::Plan;
use world::{Counts, World};

fn run(seed: u64) -> World {
    let mut world = World::new(Plan::from_seed(seed));
    world.run();
    world
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seeds() -> std::ops::Range<u64> {
    match from_env("SCOPE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("SCOPE_SEEDS").unwrap_or(1_000),
    }
}

#[test]
fn replicas_become_equal_whatever_happens() {
    let mut all = Counts::default();
    for seed in seeds() {
        let counts = run(seed).counts;
        all.add(&counts);
    }
    eprintln!("{} seeds: {all:?}", seeds().count());
}

#[test]
fn a_seed_replays_byte_for_byte() {
    for seed in [1, 2, 9, 14, 19, 37] {
        let (first, second) = (run(seed), run(seed));
        assert_eq!(
            (first.trace, first.counts),
            (second.trace, second.counts),
            "seed {seed}"
        );
    }
}

#[test]
fn another_seed_is_another_run() {
    assert_ne!(run(1).trace, run(2).trace);
}
