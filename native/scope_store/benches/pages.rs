//! What answers in pages cost over a million events, or ten with `SCOPE_LONG=1`: encoding, decoding and
//! merging, beside `term_to_binary` and LZ4 of the same events in the same run. Times are of the
//! thread's core.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot run says so"
)]
#![allow(clippy::print_stdout, reason = "the table is the result")]
#![allow(unreachable_pub, dead_code, reason = "modules of a bench are its own")]

mod load;
mod rows;

use load::Load;
use scope_bench::Row;
use scope_event::page::Page;
use scope_store::{Cursor, Fed, Match, Query, Union};
use std::hint::black_box;
use std::time::Duration;

const PAGE_BYTES: usize = 192 * 1024;

fn cpu_time() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a timespec that outlives the call; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let start = cpu_time();
    let result = run();
    (result, (cpu_time() - start).as_secs_f64() * 1e9)
}

fn question(after: Option<Cursor>) -> Query {
    Query {
        limit: 8_192,
        max_blocks: 64,
        after,
        ..Query::default()
    }
}

/// All pages of a store, and how many events are in them.
fn pages(load: &Load) -> (Vec<(Vec<u8>, bool)>, usize) {
    let (mut pages, mut count, mut after) = (Vec::new(), 0, None);
    loop {
        let answer = load.store.page(&question(after), PAGE_BYTES);
        count += answer.count;
        after = answer.cursor;
        pages.push((answer.page, answer.more));
        if !answer.more {
            return (pages, count);
        }
    }
}

fn decoded(pages: &[(Vec<u8>, bool)]) -> usize {
    let events = |(page, _): &(Vec<u8>, bool)| {
        let page = Page::parse(page).expect("a page");
        Match::of_page(&page).map(black_box).count()
    };
    pages.iter().map(events).sum()
}

/// Three members with the same pages, so that every event comes thrice.
fn merged(load: &Load, pages: &[(Vec<u8>, bool)]) -> usize {
    let nothing = Query {
        ranges: Some(Default::default()),
        ..Query::default()
    };
    let mut union = Union::new(nothing, 3);
    let (mut next, mut events) = ([0; 3], 0);
    loop {
        let step = union.next(&load.store, 1_000);
        events += step.events.len();
        if step.done {
            return events;
        }
        for member in step.need {
            let (page, more) = &pages[next[member]];
            next[member] += 1;
            let fed = Fed {
                page,
                more: *more,
                dropped: 0,
                expired: None,
            };
            union.feed(member, fed).expect("the next page");
        }
    }
}

fn table(load: &Load) {
    let ((pages, events), encode) = timed(|| pages(load));
    let per = |ns: f64| ns / events as f64;
    let sample = load.store.query(&Query {
        limit: 50_000,
        ..Query::default()
    });
    let (packed, peer) = timed(|| rows::packed(&sample.events));
    let peer = peer / sample.events.len() as f64;
    let packed = packed as f64 / sample.events.len() as f64;
    let bytes: usize = pages.iter().map(|(page, _)| page.len()).sum();
    println!("\n{}: {events} events in {} pages", load.name, pages.len());
    let row =
        |what: &str, unit, ours| Row::new(format!("pages: {}: {what}", load.name), unit, ours);
    row("bytes of an event", "B", per(bytes as f64))
        .beside("t2b + LZ4", packed)
        .print();
    row("reading and encoding an event", "ns", per(encode))
        .beside("t2b + LZ4, of what is decoded", peer)
        .print();
    let (count, decode) = timed(|| decoded(&pages));
    assert_eq!(count, events);
    row("decoding an event", "ns", per(decode)).print();
    let (count, merge) = timed(|| merged(load, &pages));
    assert_eq!(count, events);
    row("merging an event of three members", "ns", per(merge)).print();
    linear(load, events);
}

/// The last tenth of the pages costs what the first does.
fn linear(load: &Load, events: usize) {
    let (mut after, mut count) = (None, 0);
    let mut tenth = |until: usize| {
        let ((), ns) = timed(|| {
            while count < until {
                let answer = load.store.page(&question(after.take()), PAGE_BYTES);
                (count, after) = (count + answer.count, answer.cursor);
                if !answer.more {
                    return;
                }
            }
        });
        ns / (events / 10) as f64
    };
    let first = tenth(events / 10);
    tenth(events / 10 * 9);
    let last = tenth(events);
    Row::new(
        format!("pages: {}: the last tenth, an event", load.name),
        "ns",
        last,
    )
    .beside("the first tenth", first)
    .print();
}

fn main() {
    load::all().iter().for_each(table);
}
