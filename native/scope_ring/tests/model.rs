//! One lane against the simplest thing that does the same: a queue with two limits.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use proptest::prelude::*;
use scope_ring::{Drain, Head, IDLE, Lanes, LanesConfig, Producer, Refusal, Words};
use std::collections::VecDeque;
use std::time::Duration;

const MAX_PAYLOAD: usize = 3000;
/// Two pages for slots, two for payload and one of slack: every wrap is met often.
const CONFIG: LanesConfig = LanesConfig {
    lanes: 1,
    ring_bytes: 5 << 12,
    max_payload: MAX_PAYLOAD,
};

#[derive(Clone, Debug)]
enum Step {
    /// So many events with this reservation, of which so much is used.
    Record(u16, usize, usize),
    GiveUp(usize),
    Drain(usize),
    /// Some of the events that are there, and not those that come later.
    DrainPast(u16),
    Release(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u16..40, 0usize..200, 0usize..300).prop_map(|(n, r, u)| Step::Record(n, r, u)),
        1 => (1u16..4, 0usize..MAX_PAYLOAD + 2, 0usize..MAX_PAYLOAD).prop_map(|(n, r, u)| Step::Record(n, r, u)),
        1 => (0usize..MAX_PAYLOAD).prop_map(Step::GiveUp),
        3 => (0usize..200).prop_map(Step::Drain),
        1 => (0u16..40).prop_map(Step::DrainPast),
        1 => (0u64..90).prop_map(Step::Release),
    ]
}

/// The lane as it should be.
struct Model {
    slots: usize,
    payload: usize,
    queue: VecDeque<(u64, Vec<u8>)>,
    lost: u64,
    recorded: u64,
}

impl Model {
    fn refuses(&self, reserve: usize) -> Option<Refusal> {
        let used: usize = self.queue.iter().map(|(_, payload)| payload.len()).sum();
        match reserve {
            _ if reserve > MAX_PAYLOAD => Some(Refusal::TooLong),
            _ if self.queue.len() == self.slots || used + reserve > self.payload => {
                Some(Refusal::Full)
            }
            _ => None,
        }
    }

    fn record(&mut self, lane: &Producer<'_>, reserve: usize, used: usize) {
        let expected = self.refuses(reserve);
        self.lost += u64::from(expected.is_some());
        match lane.begin(Head::new(3), reserve) {
            Err(refusal) => assert_eq!(Some(refusal), expected),
            Ok(mut entry) => {
                assert_eq!((entry.payload().len(), expected), (reserve, None));
                // A payload is told from its neighbours by what it is filled with.
                entry.payload().fill(self.recorded as u8);
                entry.commit(
                    Words {
                        stamp: self.recorded,
                        ..Words::default()
                    },
                    used,
                );
                let payload = vec![self.recorded as u8; used.min(reserve)];
                self.queue.push_back((self.recorded, payload));
                self.recorded += 1;
            }
        }
    }

    fn take(&mut self, stamp: u64, payload: &[u8]) {
        let (expected, bytes) = self.queue.pop_front().unwrap();
        assert_eq!((stamp, payload), (expected, &bytes[..]));
    }
}

struct Under<'t> {
    lanes: &'t Lanes,
    lane: Producer<'t>,
    drain: Drain<'t>,
    model: Model,
    now: Duration,
}

impl Under<'_> {
    fn apply(&mut self, step: Step) {
        let Self {
            lanes,
            lane,
            drain,
            model,
            now,
        } = self;
        match step {
            Step::Record(events, reserve, used) => {
                (0..events).for_each(|_| model.record(lane, reserve, used));
            }
            Step::GiveUp(reserve) => drop(lane.begin(Head::new(4), reserve)),
            Step::Drain(max) => {
                let expected = model.queue.len().min(max);
                let read = drain.drain(max, |_, slot, bytes| model.take(slot.stamp, bytes));
                assert_eq!(read, expected);
            }
            Step::DrainPast(later) => {
                let (heads, expected) = (lanes.heads(), model.queue.len());
                (0..later).for_each(|_| model.record(lane, 8, 8));
                let read = drain.drain_past(&heads, |_, slot, bytes| model.take(slot.stamp, bytes));
                assert_eq!(read, expected);
            }
            Step::Release(seconds) => {
                *now += Duration::from_secs(seconds);
                drain.release_idle(*now);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]
    #[test]
    fn a_lane_is_a_queue_with_two_limits(steps in prop::collection::vec(step(), 1..120)) {
        let lanes = Lanes::new();
        lanes.start(CONFIG).unwrap();
        let status = lanes.status();
        let model = Model {
            slots: status.slots,
            payload: status.payload,
            queue: VecDeque::new(),
            lost: 0,
            recorded: 0,
        };
        let (lane, drain) = (lanes.claim().unwrap(), lanes.drain().unwrap());
        let mut under = Under { lanes: &lanes, lane, drain, model, now: IDLE };
        steps.into_iter().for_each(|step| under.apply(step));
        under.apply(Step::Drain(usize::MAX));
        prop_assert_eq!(lanes.lost(0).of(3), under.model.lost);
        prop_assert_eq!(lanes.heads().total(), under.model.recorded);
        prop_assert_eq!(lanes.status().waiting, 0);
    }
}

fn cases() -> u32 {
    match (cfg!(miri), std::env::var_os("SCOPE_LONG").is_some()) {
        (true, _) => 2,
        (false, true) => 100_000,
        (false, false) => 1_000,
    }
}
