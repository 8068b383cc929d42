//! Held calls against a naive model: processes that migrate between lanes, lanes that are drained in
//! any order and to any point, traces with and without thresholds, losses, ends.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use proptest::prelude::*;
use scope_trace::{Function, HELD_BYTES, HELD_CALLS, Held, Order, Released, Seen, Side, Traces};
use std::collections::{HashMap, HashSet};

/// Of plain traces; the others have a threshold.
const PLAIN: usize = 0;
const MS: [u16; 3] = [0, 5, 12];
const LANES: usize = 3;

const fn stamps(ms: u64) -> u64 {
    (ms << 32) / 1000
}

/// What a process does next, a little later.
#[derive(Clone, Copy, Debug)]
struct Step {
    pid: u8,
    /// On which lane.
    lane: u8,
    /// Calls one of three functions, or returns from the innermost.
    calls: Option<u8>,
    later_ms: u8,
    /// Which traces want it.
    wanting: u8,
    lost: bool,
}

#[derive(Clone, Debug)]
struct Event {
    id: usize,
    stamp: u64,
    pid: u64,
    lane: usize,
    function: Function,
    side: Side,
    traces: Traces,
    lost: bool,
    /// The call that it is the end of.
    of: Option<usize>,
}

fn traces(bits: u8) -> Traces {
    Traces::from_bits(u64::from(bits & 7))
}

fn slow(traces: Traces) -> Traces {
    traces.without(Traces::of(PLAIN))
}

/// What really happened.
fn history(steps: &[Step]) -> (Vec<Event>, u64) {
    let (mut now, mut events) = (stamps(1), Vec::<Event>::new());
    let mut open: HashMap<u8, Vec<usize>> = HashMap::new();
    for step in steps {
        now += stamps(step.later_ms.into()) + 1;
        let stack = open.entry(step.pid).or_default();
        let id = events.len();
        let (side, function, wanting, of) = match (step.calls, stack.last()) {
            (Some(name), _) => (Side::Call, u64::from(name % 3), traces(step.wanting), None),
            (None, Some(&call)) => {
                let of: &Event = &events[call];
                (Side::End, of.function.name, of.traces, Some(call))
            }
            (None, None) => continue,
        };
        if wanting.is_empty() {
            continue;
        }
        if of.is_some() {
            stack.pop();
        } else {
            stack.push(id);
        }
        events.push(Event {
            id,
            stamp: now,
            pid: step.pid.into(),
            lane: usize::from(step.lane) % LANES,
            function: Function {
                name: function,
                arity: 1,
            },
            side,
            traces: wanting,
            lost: step.lost,
            of,
        });
    }
    (events, now)
}

/// Who keeps an event when everything is known up to `now`.
fn wanted(events: &[Event], event: &Event, now: u64) -> Traces {
    let call = event.of.map_or(event, |call| &events[call]);
    let end = events.iter().find(|end| end.of == Some(call.id));
    let took = end.map_or(now, |end| end.stamp) - call.stamp;
    let late = slow(event.traces)
        .seats()
        .filter(|&seat| took > stamps(MS[seat].into()));
    late.fold(event.traces & Traces::of(PLAIN), |all, seat| {
        all | Traces::of(seat)
    })
}

fn seen(event: &Event) -> Seen<usize> {
    Seen {
        stamp: event.stamp,
        pid: event.pid,
        function: event.function,
        side: event.side,
        traces: event.traces,
        besides: Traces::NONE,
        bytes: 100,
        event: Some(event.id),
    }
}

fn watching() -> Held<usize> {
    let mut held = Held::default();
    held.watch(1, MS[1]);
    held.watch(2, MS[2]);
    held
}

/// Drains lanes as `order` says, and what comes out.
struct Run<'e> {
    held: Held<usize>,
    /// Of each lane, what is not drained.
    lanes: Vec<Vec<&'e Event>>,
    out: Vec<Released<usize>>,
    promised: u64,
    last: HashMap<Order, u64>,
}

impl<'e> Run<'e> {
    fn new(events: &'e [Event]) -> Self {
        let of = |lane| events.iter().filter(move |event| event.lane == lane).rev();
        Self {
            held: watching(),
            lanes: (0..LANES).map(|lane| of(lane).collect()).collect(),
            out: Vec::new(),
            promised: 0,
            last: HashMap::new(),
        }
    }

    fn drain(&mut self, lane: usize) {
        let Some(event) = self.lanes[lane].pop() else {
            return;
        };
        if event.lost {
            // It is noticed when everything that is younger may still come.
            self.held.miss(self.held.slow(), event.stamp + 1);
        } else if slow(event.traces).is_empty() {
            self.out.push(Released {
                order: Order::Settled,
                stamp: event.stamp,
                traces: event.traces,
                event: event.id,
            });
        } else {
            self.held.push(seen(event)).unwrap();
        }
    }

    /// Everything below this has been drained.
    fn settled(&self) -> u64 {
        let next = self.lanes.iter().filter_map(|lane| lane.last());
        next.map(|event| event.stamp).min().unwrap_or(u64::MAX)
    }

    fn settle(&mut self, stamp: u64) {
        let (mut came, promised) = (Vec::new(), self.promised);
        self.held.settle(stamp, |_| true, |one| came.push(one));
        for one in &came {
            assert!(one.stamp >= promised, "{one:?} came after a promise");
            let last = self.last.entry(one.order).or_default();
            assert!(one.stamp >= *last, "{one:?} came after {last}");
            *last = one.stamp;
        }
        self.out.extend(came);
        self.promised = self
            .held
            .oldest()
            .map_or(stamp, |oldest| oldest.min(stamp))
            .max(promised);
        assert!(
            self.held.due().is_none_or(|due| due >= stamp),
            "held for longer than its threshold"
        );
    }
}

fn step() -> impl Strategy<Value = Step> {
    (
        0..4u8,
        0..LANES as u8,
        prop::option::weighted(0.55, 0..3u8),
        prop_oneof![4 => 0..2u8, 1 => 3..16u8],
        0..8u8,
        prop::bool::weighted(0.05),
    )
        .prop_map(|(pid, lane, calls, later_ms, wanting, lost)| Step {
            pid,
            lane,
            calls,
            later_ms,
            wanting,
            lost,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("SCOPE_LONG").is_some() { 20_000 } else { 500 }
    ))]

    #[test]
    fn exactly_the_slow_calls_come_out(
        steps in prop::collection::vec(step(), 1..120),
        draining in prop::collection::vec((0..LANES, any::<bool>()), 0..400),
    ) {
        let steps: Vec<_> = steps.into_iter().map(|step| Step { lost: false, ..step }).collect();
        let (events, now) = history(&steps);
        let mut run = Run::new(&events);
        for (lane, settles) in draining {
            run.drain(lane);
            if settles {
                let stamp = run.settled().min(now + 1);
                run.settle(stamp);
            }
        }
        for lane in 0..LANES {
            while !run.lanes[lane].is_empty() {
                run.drain(lane);
            }
        }
        let end = now + stamps(100);
        run.settle(end);
        let out: HashMap<_, _> = run.out.iter().map(|one| (one.event, one.traces)).collect();
        prop_assert_eq!(out.len(), run.out.len(), "something came twice");
        for event in &events {
            let kept = out.get(&event.id).copied().unwrap_or(Traces::NONE);
            prop_assert_eq!(kept, wanted(&events, event, end), "{:?}", event);
        }
        prop_assert_eq!((run.held.bytes(), run.held.oldest(), run.held.due()), (0, None, None));
    }

    #[test]
    fn what_was_lost_makes_nobody_guess(
        steps in prop::collection::vec(step(), 1..120),
        draining in prop::collection::vec((0..LANES, any::<bool>()), 0..400),
    ) {
        let (events, now) = history(&steps);
        let mut run = Run::new(&events);
        // A loss is seen where its lane is drained, and the others only up to there.
        for (lane, settles) in draining {
            run.drain(lane);
            if settles {
                let stamp = run.settled().min(now + 1);
                run.settle(stamp);
            }
        }
        for lane in 0..LANES {
            while !run.lanes[lane].is_empty() {
                run.drain(lane);
            }
        }
        let end = now + stamps(100);
        run.settle(end);
        let mut out = HashSet::new();
        for one in &run.out {
            let event = &events[one.event];
            let may = wanted(&events, event, end);
            prop_assert!(one.traces.without(may).is_empty(), "{:?} is not slow: {:?}", event, one);
            prop_assert!(out.insert(one.event), "{:?} came twice", event);
        }
        for event in events.iter().filter(|event| !event.lost) {
            let plain = !(event.traces & Traces::of(PLAIN)).is_empty();
            prop_assert!(!plain || out.contains(&event.id), "{:?} is gone", event);
        }
    }

    #[test]
    fn of_a_trace_that_ended_nothing_is_left(
        steps in prop::collection::vec(step(), 1..120),
        draining in prop::collection::vec((0..LANES, any::<bool>()), 0..200),
        seat in 1..3usize,
    ) {
        let steps: Vec<_> = steps.into_iter().map(|step| Step { lost: false, ..step }).collect();
        let (events, now) = history(&steps);
        let mut run = Run::new(&events);
        for (lane, settles) in draining {
            run.drain(lane);
            if settles {
                let stamp = run.settled().min(now + 1);
                run.settle(stamp);
            }
        }
        let before = run.out.len();
        run.held.leave(seat);
        let (mut came, one) = (Vec::new(), Traces::of(seat));
        run.held.settle(now + stamps(100), |_| true, |released| came.push(released));
        for released in &came {
            prop_assert!((released.traces & one).is_empty(), "{:?}", released);
        }
        let plain = |id: usize| !(events[id].traces & Traces::of(PLAIN)).is_empty();
        let drained = |event: &Event| run.lanes[event.lane].iter().all(|left| left.id != event.id);
        let out: HashSet<_> = run.out[..before].iter().chain(&came).map(|one| one.event).collect();
        for event in events.iter().filter(|event| drained(event) && plain(event.id)) {
            prop_assert!(out.contains(&event.id), "{:?} is gone", event);
        }
        run.held.leave(3 - seat);
        prop_assert!(run.held.is_idle() && run.held.calls() == 0 && run.held.bytes() == 0);
    }
}

fn call(pid: u64, stamp: u64, event: usize) -> Seen<usize> {
    let (traces, function) = (Traces::of(1), Function { name: 7, arity: 1 });
    Seen {
        stamp,
        pid,
        function,
        side: Side::Call,
        traces,
        besides: Traces::NONE,
        bytes: 100,
        event: Some(event),
    }
}

fn end(pid: u64, stamp: u64, event: usize) -> Seen<usize> {
    Seen {
        side: Side::End,
        ..call(pid, stamp, event)
    }
}

fn settle(held: &mut Held<usize>, stamp: u64) -> Vec<usize> {
    let mut out = Vec::new();
    held.settle(stamp, |pid| pid != 13, |one| out.push(one.event));
    out
}

#[test]
fn a_call_whose_process_ended_before_was_not_slow() {
    let mut held = watching();
    held.push(call(13, 1, 0)).unwrap();
    held.push(call(14, 2, 1)).unwrap();
    assert_eq!(settle(&mut held, stamps(4)), []);
    assert_eq!(held.due(), Some(1 + stamps(5)));
    assert_eq!(settle(&mut held, stamps(6)), [1]);
    held.push(end(14, stamps(7), 2)).unwrap();
    assert_eq!(settle(&mut held, stamps(8)), [2]);
    assert_eq!((held.calls(), held.bytes()), (0, 0));
}

#[test]
fn a_return_goes_with_its_call_also_where_another_trace_alone_wanted_an_inner_one() {
    let mut held = watching();
    held.push(call(1, 1, 0)).unwrap();
    let inner = Seen {
        traces: Traces::of(PLAIN),
        besides: Traces::of(1),
        event: None,
        ..call(1, stamps(2), 9)
    };
    held.push(inner).unwrap();
    let both = Traces::of(PLAIN) | Traces::of(1);
    held.push(Seen {
        traces: both,
        ..end(1, stamps(9), 1)
    })
    .unwrap();
    held.push(Seen {
        traces: both,
        ..end(1, stamps(10), 2)
    })
    .unwrap();
    let mut out = Vec::new();
    held.settle(
        stamps(11),
        |_| true,
        |one| out.push((one.event, one.traces)),
    );
    assert_eq!(out, [(1, Traces::of(PLAIN)), (2, both), (0, Traces::of(1))]);
}

#[test]
fn a_clock_that_ends_leaves_everything_to_those_who_keep_all() {
    let mut held = watching();
    let both = Traces::of(PLAIN) | Traces::of(1);
    held.push(Seen {
        traces: both,
        ..call(1, 1, 0)
    })
    .unwrap();
    held.push(call(2, 2, 1)).unwrap();
    let mut out = Vec::new();
    held.abandon(|one| out.push((one.event, one.traces)));
    assert_eq!(out, [(0, Traces::of(PLAIN))]);
    assert_eq!((held.calls(), held.bytes()), (0, 0));
    held.push(call(2, 2, 1)).unwrap();
    assert_eq!(settle(&mut held, stamps(8)), [1]);
}

#[test]
fn a_clock_that_is_put_forward_makes_no_call_slow() {
    let mut held = watching();
    held.push(call(1, 1, 0)).unwrap();
    held.push(call(2, 2, 1)).unwrap();
    held.jumped(stamps(2), stamps(500));
    held.push(end(1, stamps(504), 2)).unwrap();
    assert_eq!(settle(&mut held, stamps(504) + 1), []);
    assert_eq!(held.due(), Some(2 + stamps(5) + stamps(500)));
    held.push(call(3, stamps(505), 3)).unwrap();
    assert_eq!(settle(&mut held, stamps(506)), [1]);
    held.push(end(3, stamps(509), 4)).unwrap();
    held.push(end(2, stamps(510), 5)).unwrap();
    assert_eq!(settle(&mut held, stamps(511)), [5]);
}

#[test]
fn more_calls_than_the_bound_cost_the_oldest() {
    let mut held = watching();
    for pid in 0..=HELD_CALLS as u64 {
        held.push(call(pid + 100, pid + 1, pid as usize)).unwrap();
    }
    assert_eq!(settle(&mut held, stamps(1)), []);
    let given_up = held.take_given_up();
    assert_eq!(given_up, HELD_CALLS as u64 / 8);
    assert_eq!(held.calls() as u64, HELD_CALLS as u64 + 1 - given_up);
    let kept = settle(&mut held, stamps(20));
    assert_eq!(kept.first(), Some(&(given_up as usize)));
    assert_eq!(kept.len(), held.calls());
    assert_eq!(held.take_given_up(), 0);
}

#[test]
fn calls_of_processes_that_ended_give_way_first() {
    let mut held = watching();
    for n in 0..=HELD_CALLS as u64 {
        held.push(call(13, n + 1, n as usize)).unwrap();
    }
    held.push(call(14, HELD_CALLS as u64 + 2, 0)).unwrap();
    assert_eq!(settle(&mut held, stamps(1)), []);
    assert_eq!((held.calls(), held.take_given_up()), (1, 0));
}

#[test]
fn more_bytes_than_the_bound_cost_what_is_held_and_nothing_of_those_who_keep_all() {
    let mut held = watching();
    let large = |pid: u64, traces| Seen {
        bytes: HELD_BYTES / 4,
        traces,
        ..call(pid, pid, pid as usize)
    };
    let both = Traces::of(PLAIN) | Traces::of(1);
    for pid in 1..=4 {
        held.push(large(pid, both)).unwrap();
    }
    let refused = held.push(large(5, both)).unwrap_err();
    assert_eq!(refused.traces, Traces::of(PLAIN));
    assert_eq!(settle(&mut held, 10), [1, 2, 3, 4]);
    assert_eq!((held.bytes(), held.take_given_up()), (0, 1));

    for pid in 11..=14 {
        held.push(large(pid, both)).unwrap();
    }
    assert_eq!(settle(&mut held, 20), [11, 12]);
    assert_eq!((held.bytes(), held.take_given_up()), (HELD_BYTES / 2, 2));
}
