//! Pages of answers.

use crate::{memory, seal};
use scope_clock::Stamp;
use scope_event::TermError;
use scope_event::page::{MAX_EVENTS, MAX_RAW_BYTES, Page};
use scope_export::{About, Row, json_line};
use scope_store::Match;

/// A body is at most so many times as long as it is stored.
const BEST_RATIO: usize = 255;
/// Tables of fixed size.
const TABLES: usize = 1 << 20;
/// Bytes of lines that are looked at: every event may name the longest term.
const MOST_BYTES: usize = 1 << 18;

/// Any bytes as a page: its events, their order, and the lines they are written as.
pub fn page(bytes: &[u8]) {
    look(bytes);
    // A page begins as a block does.
    look(&seal::block(bytes));
}

fn look(bytes: &[u8]) {
    let raw = MAX_RAW_BYTES.min(BEST_RATIO * bytes.len());
    let allowed = TABLES + 128 * (bytes.len() + raw);
    memory::within(allowed, || {
        if let Ok(page) = Page::parse(bytes) {
            read(&page);
        }
    });
}

fn read(page: &Page) {
    assert!(page.len() <= MAX_EVENTS);
    let (mut line, mut spent) = (Vec::new(), 0);
    let mut last = None;
    for event in Match::of_page(page) {
        let place = Some(event.cursor());
        assert!(last.is_none() || (last < place) != page.is_descending());
        last = place;
        if spent < MOST_BYTES {
            line.clear();
            let _ = export(&event, &mut line);
            spent += line.len();
        }
    }
}

/// Reads all that takes decoding, and writes it.
fn export(event: &Match, line: &mut Vec<u8>) -> Result<(), TermError> {
    let row = Row {
        origin: event.origin(),
        seq: event.seq(),
        stamp: Stamp::from_bits(event.stamp()),
        mono_ns: event.mono_ns(),
        pid: event.pid(),
        kind: event.kind(),
        about: About::read(event.subject(), event.names())?,
        correlation: event.correlation_value()?,
        data: event.data_value()?,
        truncated: event.flags() & 1 == 1,
        inherited: event.flags() & 2 == 2,
        likely: event.flags() & 32 == 32,
        entry: event.flags() & 64 == 64,
        pairing: None,
        received: None,
    };
    json_line(&row, line).expect("memory takes every line");
    Ok(())
}
