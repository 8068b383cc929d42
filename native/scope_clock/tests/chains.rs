//! A cluster of clocks with counters of their own: what was sent is before what was received.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use scope_clock::{Clock, ClockError, Manual, NodeId, Settings, Source, Stamp};

const WALL: u64 = 1_700_000_000_000_000_000;
const LIMIT: i64 = 500_000_000;

/// What can happen in a cluster of three, each with three processes.
#[derive(Clone, Debug)]
enum Step {
    /// A message between processes of one node takes at least 50 ns.
    Local {
        node: usize,
        from: usize,
        to: usize,
        ns: u64,
    },
    /// A message between nodes carries its sender's stamp.
    Remote {
        from: usize,
        to: usize,
        process: usize,
        ns: u64,
    },
    /// Nothing but time.
    Wait {
        ns: u64,
    },
    Calibrate {
        node: usize,
    },
    /// Someone sets a wall clock.
    Set {
        node: usize,
        by: i64,
    },
}

fn steps() -> impl Strategy<Value = Step> {
    let time = prop_oneof![
        50..1_000u64,
        1_000..1_000_000u64,
        1_000_000..3_000_000_000u64
    ];
    prop_oneof![
        6 => (0..3usize, 0..3usize, 0..3usize, 50..10_000u64)
            .prop_map(|(node, from, to, ns)| Step::Local { node, from, to, ns }),
        6 => (0..3usize, 0..3usize, 0..3usize, 50..1_000_000u64)
            .prop_map(|(from, to, process, ns)| Step::Remote { from, to, process, ns }),
        2 => time.prop_map(|ns| Step::Wait { ns }),
        2 => (0..3usize).prop_map(|node| Step::Calibrate { node }),
        1 => (0..3usize, -LIMIT..LIMIT).prop_map(|(node, by)| Step::Set { node, by }),
    ]
}

/// Three nodes and, for each process, the stamp of the last thing it did or heard of here.
struct Cluster<'a> {
    times: &'a [Manual; 3],
    clocks: Vec<Clock<&'a Manual>>,
    /// The greatest stamp in each process's past that its own clock has to be above.
    past: [[Stamp; 3]; 3],
}

impl<'a> Cluster<'a> {
    fn new(times: &'a [Manual; 3]) -> Self {
        let clocks = times.iter().enumerate().map(|(n, time)| {
            let clock = Clock::with_source(time);
            clock
                .start(Settings::new(NodeId::new(&format!("{n}@host"), 1)))
                .unwrap();
            clock
        });
        Self {
            times,
            clocks: clocks.collect(),
            past: [[Stamp::ZERO; 3]; 3],
        }
    }

    fn wait(&self, ns: u64) {
        self.times.iter().for_each(|time| time.advance(ns));
    }

    /// A process does something: it is after all that process has done and heard.
    fn event(&mut self, node: usize, process: usize) -> Result<Stamp, TestCaseError> {
        self.wait(50);
        let stamp = self.clocks[node].now();
        let past = &mut self.past[node][process];
        prop_assert!(
            stamp > *past,
            "node {} shows {} after {}",
            node,
            stamp,
            past
        );
        *past = stamp;
        Ok(stamp)
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Wait { ns } => self.wait(ns),
            Step::Calibrate { node } => self.calibrate(node),
            Step::Set { node, by } => self.times[node].step_wall(by),
            Step::Local { node, from, to, ns } => self.local(node, from, to, ns)?,
            Step::Remote {
                from,
                to,
                process,
                ns,
            } => self.remote(from, to, process, ns)?,
        }
        Ok(())
    }

    fn calibrate(&mut self, node: usize) {
        // The end of an incarnation is for its owner to decide on; time goes on.
        let _ = self.clocks[node].calibrate();
    }

    fn local(&mut self, node: usize, from: usize, to: usize, ns: u64) -> Result<(), TestCaseError> {
        let sent = self.event(node, from)?;
        self.wait(ns);
        self.past[node][to] = self.past[node][to].max(sent);
        self.event(node, to).map(|_| ())
    }

    fn remote(
        &mut self,
        from: usize,
        to: usize,
        process: usize,
        ns: u64,
    ) -> Result<(), TestCaseError> {
        let sent = self.event(from, process)?;
        self.wait(ns);
        let physical = Stamp::from_ns(self.times[to].wall_ns());
        let outcome = self.clocks[to].observe(sent);
        match outcome {
            Ok(received) => {
                prop_assert!(received > sent);
                self.past[to] = self.past[to].map(|past| past.max(sent));
            }
            Err(ClockError::TooFarAhead {
                remote,
                physical: seen,
                ..
            }) => {
                prop_assert_eq!((remote, seen), (sent, physical));
                prop_assert!(sent.ns_since(physical) >= LIMIT);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
        self.event(to, process).map(|_| ())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn a_cause_has_the_smaller_stamp(
        steps in prop::collection::vec(steps(), 1..200),
        skews in prop::array::uniform3(0..300_000_000u64),
        errors in prop::array::uniform3(-50..50i64),
    ) {
        let time = |n: usize| Manual::new(WALL + skews[n]).error_ppm(errors[n]);
        let times = [time(0), time(1), time(2)];
        let mut cluster = Cluster::new(&times);
        for step in &steps {
            cluster.run(step)?;
        }
    }

    /// Whatever the wall clock does, a stamp never descends and time passes at its own speed.
    #[test]
    fn a_wall_that_jumps_moves_no_stamp_back(
        jumps in prop::collection::vec((-2_000_000_000..2_000_000_000i64, 1..2_000_000_000u64), 1..50),
    ) {
        let time = Manual::new(WALL);
        let clock = Clock::with_source(&time);
        clock.start(Settings::new(NodeId::new("a@host", 1))).unwrap();
        let mut last = clock.now();
        for (by, ns) in jumps {
            time.step_wall(by);
            let outcome = clock.calibrate();
            if by < -LIMIT {
                let ended = matches!(outcome, Err(ClockError::IncarnationEnded { .. }));
                prop_assert!(ended);
            }
            let before = clock.now();
            prop_assert!(before >= last);
            time.advance(ns);
            last = clock.now();
            let slack = i64::try_from(ns / 20_000).unwrap() + 2;
            prop_assert!((last.ns_since(before) - i64::try_from(ns).unwrap()).abs() <= slack);
        }
    }

    /// The clock comes back to the wall from wherever a peer has raised it.
    #[test]
    fn what_a_peer_raised_is_given_back(ahead in 1_000_000..50_000_000u64, every in 1..20u64) {
        let time = Manual::new(WALL);
        let clock = Clock::with_source(&time);
        clock.start(Settings::new(NodeId::new("a@host", 1))).unwrap();
        clock.observe(clock.now().plus_ns(ahead)).unwrap();
        // Ten calibrations until it is as slow as it may be, and some until it has settled.
        let seconds = ahead / 50_000 + 10 * every + 120;
        for _ in 0..seconds / every + 10 {
            time.advance(every * 1_000_000_000);
            clock.calibrate().unwrap();
        }
        prop_assert!(clock.status().ahead_ns.abs() < 10_000, "{:?}", clock.status());
    }
}

fn cases() -> u32 {
    if std::env::var_os("SCOPE_LONG").is_some() {
        20_000
    } else {
        1_000
    }
}
