//! Threads that record faster than anybody reads: nothing torn, nothing twice, every loss counted.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use scope_ring::{Account, Head, IDLE, Lanes, LanesConfig, Producer, Refusal, WakeOn, Words};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

const PRODUCERS: usize = 3;
const CONFIG: LanesConfig = LanesConfig {
    lanes: PRODUCERS,
    ring_bytes: PRODUCERS * (10 << 12),
    max_payload: 4000,
};

fn events() -> u64 {
    match (cfg!(miri), std::env::var_os("SCOPE_LONG").is_some()) {
        (true, _) => 200,
        (false, true) => 100_000_000,
        (false, false) => 300_000,
    }
}

/// A cheap pseudo-random number from a step: payloads of all lengths, replayable.
fn mix(n: u64) -> u64 {
    (n ^ (n >> 7)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
}

/// Mostly small, now and then long.
fn length(n: u64) -> usize {
    let random = mix(n) as usize;
    if random.is_multiple_of(64) {
        random / 64 % 4000
    } else {
        random / 64 % 40
    }
}

/// What one thread saw of its own events.
#[derive(Default)]
struct Tally {
    attempts: u64,
    recorded: u64,
    lost: [u64; 4],
    over_budget: u64,
}

impl Tally {
    fn record(&mut self, lane: &Producer<'_>, session: u16) {
        let n = self.attempts;
        let (kind, len) = ((n % 4) as u8, length(n));
        // Every second event is paid by the session.
        let head = Head::new(kind).session(if n.is_multiple_of(2) { session } else { 0 });
        self.attempts += 1;
        match lane.begin(head, len) {
            Ok(mut entry) => {
                entry.payload().fill(n as u8);
                entry.commit(
                    Words {
                        stamp: n,
                        pid: !n,
                        subject: mix(n),
                    },
                    len,
                );
                self.recorded += 1;
            }
            Err(Refusal::Full) => self.lose(kind),
            Err(Refusal::OverBudget) => self.over_budget += 1,
            Err(other) => panic!("{other}"),
        }
    }

    /// A machine with few cores must let the reader run at all.
    fn lose(&mut self, kind: u8) {
        self.lost[usize::from(kind)] += 1;
        if self.lost.iter().sum::<u64>().is_multiple_of(64) {
            thread::yield_now();
        }
    }
}

fn produce(lanes: &Lanes, session: u16) -> Tally {
    let (lane, mut tally) = (lanes.claim().unwrap(), Tally::default());
    while tally.recorded < events() {
        tally.record(&lane, session);
    }
    tally
}

/// Reads in gulps with pauses, returns pages all the time, and checks every event.
struct Reader {
    last: [Option<u64>; PRODUCERS],
    read: [u64; PRODUCERS],
    paid: u64,
}

impl Reader {
    fn check(&mut self, lane: usize, slot: &scope_ring::Slot, payload: &[u8]) {
        let n = slot.stamp;
        assert!(
            self.last[lane].replace(n).is_none_or(|last| last < n),
            "out of order"
        );
        assert_eq!(
            (slot.pid, slot.subject, slot.head.kind()),
            (!n, mix(n), (n % 4) as u8)
        );
        assert_eq!(payload.len(), length(n));
        assert!(
            payload.iter().all(|&byte| byte == n as u8),
            "a torn payload"
        );
        self.read[lane] += 1;
        self.paid += u64::from(slot.head.session_id() != 0);
    }

    fn run(&mut self, lanes: &Lanes, running: &AtomicUsize) {
        let (mut drain, mut now) = (lanes.drain().unwrap(), Duration::ZERO);
        loop {
            let last = running.load(SeqCst) == 0;
            let read = drain.drain(100, |lane, slot, payload| self.check(lane, slot, payload));
            now += IDLE;
            drain.release_idle(now);
            match read {
                0 if last => return,
                0 => _ = lanes.wait(WakeOn::Event, Some(Duration::from_millis(50))),
                // Slow on purpose: most of what is recorded is lost.
                read if read.is_multiple_of(16) => {
                    _ = lanes.wait(WakeOn::Quarter, Some(Duration::from_millis(1)))
                }
                _ => thread::yield_now(),
            }
        }
    }
}

#[test]
fn a_slow_reader_loses_events_but_never_count() {
    let lanes = Lanes::new();
    lanes.start(CONFIG).unwrap();
    let budget = events() / 10;
    let session = lanes.open_session(budget).unwrap();
    let running = AtomicUsize::new(PRODUCERS);
    let mut reader = Reader {
        last: [None; PRODUCERS],
        read: [0; PRODUCERS],
        paid: 0,
    };
    let tallies: Vec<_> = thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|_| {
                scope.spawn(|| {
                    let tally = produce(&lanes, session);
                    running.fetch_sub(1, SeqCst);
                    tally
                })
            })
            .collect();
        reader.run(&lanes, &running);
        producers
            .into_iter()
            .map(|producer| producer.join().unwrap())
            .collect()
    });
    check(
        &lanes,
        &reader,
        &tallies,
        lanes.close_session(session).unwrap(),
    );
}

fn check(lanes: &Lanes, reader: &Reader, tallies: &[Tally], account: Account) {
    let status = lanes.status();
    let read: u64 = reader.read.iter().sum();
    for kind in 0..4 {
        let lost: u64 = tallies
            .iter()
            .map(|tally| tally.lost[usize::from(kind)])
            .sum();
        assert_eq!(status.lost.of(kind), lost, "kind {kind}");
    }
    let over_budget: u64 = tallies.iter().map(|tally| tally.over_budget).sum();
    assert_eq!((account.used, account.refused), (reader.paid, over_budget));
    assert!(account.used <= account.taken && account.taken <= account.budget);
    assert_eq!((status.recorded, status.waiting), (read, 0));
    let attempts: u64 = tallies.iter().map(|tally| tally.attempts).sum();
    assert_eq!(read + status.lost.total() + over_budget, attempts);
    assert_eq!(reader.read, [events(); PRODUCERS]);
    if !cfg!(miri) {
        assert!(
            status.lost.total() > 0 && over_budget > 0,
            "the reader was not slow: {status:?}"
        );
    }
}
