//! The sequence lock under every interleaving and every weak order that C11 allows, as far as
//! `LOOM_MAX_PREEMPTIONS` (2 by default here) goes:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p scope_clock --test loom --release
//! ```
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use scope_clock::Mode;
use scope_clock::model::{Line, SeqLock};

/// A lock and a counter that all processors read in one order, as they do an invariant one.
struct Model {
    lock: SeqLock,
    counter: AtomicU64,
    word: AtomicU64,
}

const ONE: u64 = 1 << 32;

impl Model {
    fn new(line: Line) -> Arc<Self> {
        let lock = SeqLock::new();
        lock.publish(Mode::Tsc, line);
        Arc::new(Self {
            lock,
            counter: AtomicU64::new(1),
            word: AtomicU64::new(0),
        })
    }

    fn ticks(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// One try of a reader, as in the clock.
    fn read(&self) -> Option<u64> {
        let view = self.lock.view();
        let ticks = self.ticks();
        self.lock.confirms(&view).then(|| view.line().at(ticks))
    }

    fn now(&self) -> u64 {
        loop {
            if let Some(stamp) = self.read() {
                return stamp;
            }
            thread::yield_now();
        }
    }

    /// The writer's move, as in the clock: through the present or up, the rate lowered at a lift
    /// by what a reader can gain in `LAG` ticks.
    fn redraw(&self, old: Line, least: u64, rate: u64) -> Line {
        const LAG: u64 = 8;
        let loss = Line {
            rate: old.rate.saturating_sub(rate),
            ..Line::default()
        };
        let origin = self.ticks();
        let line = Line {
            base: (old.at(origin) + loss.units(LAG)).max(least),
            origin,
            rate,
        };
        self.lock.publish(Mode::Tsc, line);
        line
    }
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    if builder.preemption_bound.is_none() {
        builder.preemption_bound = Some(2);
    }
    builder.check(model);
}

fn same(n: u64) -> Line {
    Line {
        base: n,
        origin: n,
        rate: n,
    }
}

#[test]
fn a_confirmed_line_is_of_one_version() {
    check(|| {
        let model = Model::new(same(1));
        let writer = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                for n in 2..=4 {
                    model.lock.publish(Mode::Tsc, same(n));
                }
            })
        };
        let view = model.lock.view();
        if model.lock.confirms(&view) {
            let line = *view.line();
            assert_eq!(line, same(line.base));
            assert_eq!(view.mode(), Mode::Tsc);
        }
        writer.join().unwrap();
        assert_eq!(*model.lock.view().line(), same(4));
    });
}

#[test]
fn the_mode_belongs_to_its_line() {
    check(|| {
        let model = Model::new(same(1));
        let writer = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                model.lock.publish(Mode::Shared, same(3));
                model.lock.publish(Mode::Monotonic, same(2));
            })
        };
        let view = model.lock.view();
        if model.lock.confirms(&view) {
            assert_eq!(*view.line(), same(view.mode() as u64));
        }
        writer.join().unwrap();
    });
}

#[test]
fn the_stamps_of_a_thread_ascend_while_the_line_is_moved() {
    check(|| {
        let first = Line {
            base: 0,
            origin: 0,
            rate: 4 * ONE,
        };
        let model = Model::new(first);
        let writer = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                let raised = model.redraw(first, 1_000, 4 * ONE);
                model.redraw(raised, 0, 3 * ONE);
            })
        };
        let before = model.now();
        let after = model.now();
        assert!(before < after, "{before} {after}");
        writer.join().unwrap();
        assert!(after < model.now());
    });
}

#[test]
fn stamps_ascend_along_a_hand_over() {
    check(|| {
        let first = Line {
            base: 0,
            origin: 0,
            rate: 4 * ONE,
        };
        let model = Model::new(first);
        let writer = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                model.redraw(first, 1_000, 4 * ONE);
            })
        };
        let sender = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                if let Some(stamp) = model.read() {
                    model.word.store(stamp, Ordering::Release);
                }
            })
        };
        let sent = model.word.load(Ordering::Acquire);
        if let Some(received) = model.read() {
            assert!(sent < received, "{sent} {received}");
        }
        writer.join().unwrap();
        sender.join().unwrap();
    });
}

#[test]
fn what_follows_an_observed_stamp_is_greater() {
    check(|| {
        let first = Line {
            base: 0,
            origin: 0,
            rate: 4 * ONE,
        };
        let model = Model::new(first);
        let receiver = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                model.redraw(first, 1_001, 4 * ONE);
                model.word.store(1_000, Ordering::Release);
            })
        };
        let observed = model.word.load(Ordering::Acquire);
        if let Some(stamp) = model.read() {
            assert!(stamp > observed, "{stamp}");
        }
        receiver.join().unwrap();
    });
}
