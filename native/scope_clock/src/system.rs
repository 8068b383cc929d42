//! The machine's own time.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::mode::Counter;
use crate::source::{CounterInfo, Source};

/// How long the time stamp counter is first held against the monotonic clock: 20 ns of reading
/// error over 5 ms are 4 ppm, and the first calibration is a thousand times better.
const FIRST_BASELINE: Duration = Duration::from_millis(5);

/// The processor's counter and the operating system's clocks. It has no state, so that a clock
/// over it can be a `static`.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Source for System {
    #[inline]
    fn ticks(&self, counter: Counter) -> u64 {
        match counter {
            Counter::Tsc => tsc::read(),
            Counter::Monotonic => monotonic_ns(),
        }
    }

    #[inline]
    fn ticks_ordered(&self, counter: Counter) -> u64 {
        match counter {
            Counter::Tsc => tsc::read_ordered(),
            Counter::Monotonic => monotonic_ns(),
        }
    }

    fn mono_ns(&self) -> u64 {
        monotonic_ns()
    }

    fn wall_ns(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn counter(&self) -> CounterInfo {
        // One machine has one answer; the scopes of a process share the measurement.
        static TSC: OnceLock<CounterInfo> = OnceLock::new();
        static MONOTONIC: OnceLock<CounterInfo> = OnceLock::new();
        if tsc::is_kernel_clock() {
            *TSC.get_or_init(measure_tsc)
        } else {
            *MONOTONIC.get_or_init(measure_monotonic)
        }
    }

    fn trusts(&self, counter: Counter) -> bool {
        counter == Counter::Monotonic || tsc::is_kernel_clock()
    }

    fn boot(&self) -> Option<u128> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let digits: String = text.trim().split('-').collect();
        u128::from_str_radix(&digits, 16).ok()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

#[cfg(unix)]
#[inline]
fn monotonic_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec to write to, and lives through the call. The call cannot
    // fail for this clock; if it did, the time would read zero.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0) * 1_000_000_000 + rest.unwrap_or(0)
}

#[cfg(not(unix))]
fn monotonic_ns() -> u64 {
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Time stamp counter against monotonic clock, over two readings.
#[allow(clippy::cast_precision_loss, reason = "a few milliseconds fit 52 bits")]
fn measure_tsc() -> CounterInfo {
    let (ticks, mono) = pair();
    std::thread::sleep(FIRST_BASELINE);
    let (later_ticks, later_mono) = pair();
    let (ticks, ns) = (
        later_ticks.wrapping_sub(ticks),
        later_mono.saturating_sub(mono).max(1),
    );
    let hertz = ticks as f64 * 1e9 / ns as f64;
    let tick_ns = smallest_step(tsc::read).map_or(0.0, |ticks| ticks as f64 * 1e9 / hertz);
    CounterInfo {
        counter: Counter::Tsc,
        hertz,
        tick_ns,
    }
}

#[allow(clippy::cast_precision_loss, reason = "a tick is short")]
fn measure_monotonic() -> CounterInfo {
    let tick_ns = smallest_step(monotonic_ns).map_or(1.0, |ns| ns as f64);
    CounterInfo {
        counter: Counter::Monotonic,
        hertz: 1e9,
        tick_ns,
    }
}

/// The tightest of some readings of both clocks.
fn pair() -> (u64, u64) {
    let reading = |_| {
        let before = tsc::read_ordered();
        let mono = monotonic_ns();
        let width = tsc::read_ordered().wrapping_sub(before);
        (width, before.wrapping_add(width / 2), mono)
    };
    let (_, ticks, mono) = (0..16).map(reading).min().unwrap_or_default();
    (ticks, mono)
}

/// How far a counter moves when it moves; `None` if it always moved between two readings, and is
/// therefore at least as fine as reading it takes.
fn smallest_step(read: impl Fn() -> u64) -> Option<u64> {
    let (mut last, mut stood, mut step) = (read(), false, u64::MAX);
    for _ in 0..10_000 {
        let next = read();
        match next.wrapping_sub(last) {
            0 => stood = true,
            moved => step = step.min(moved),
        }
        last = next;
    }
    stood.then_some(step)
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod tsc {
    use std::arch::x86_64::{_mm_lfence, _rdtsc};

    /// Whether the kernel keeps its own time by this counter: then it is invariant and agrees
    /// between processors, which no user program could find out as well.
    pub(super) fn is_kernel_clock() -> bool {
        const PATH: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        std::fs::read_to_string(PATH).is_ok_and(|name| name.trim() == "tsc")
    }

    #[inline(always)]
    pub(super) fn read() -> u64 {
        // SAFETY: every x86-64 processor has the instruction, and the kernel lets programs use it
        // when it is the kernel's own clock source (the vDSO does the same).
        unsafe { _rdtsc() }
    }

    #[inline(always)]
    pub(super) fn read_ordered() -> u64 {
        // SAFETY: part of SSE2, which every x86-64 processor has.
        unsafe { _mm_lfence() };
        read()
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod tsc {
    pub(super) fn is_kernel_clock() -> bool {
        false
    }

    pub(super) fn read() -> u64 {
        super::monotonic_ns()
    }

    pub(super) fn read_ordered() -> u64 {
        super::monotonic_ns()
    }
}
