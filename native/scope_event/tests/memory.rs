//! Decoding spends memory in proportion to the bytes that there are, not to what they claim.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use scope_event::{
    Block, BlockBuilder, Codec, Interner, Kind, Origin, RawEvent, SymbolTable, Value, consolidate,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

/// Counts what the thread holds and the most that it ever held.
struct Counting;

thread_local! {
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    HELD.with(|held| {
        let (now, most) = held.get();
        held.set((now + bytes, most.max(now + bytes)));
    });
}

// SAFETY: every call is passed on unchanged to the system's allocator; the counter is a constant
// thread-local without destructor, so it neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above, and `at` came from `alloc`, which is the system's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that `run` held at once.
fn most(run: impl FnOnce()) -> usize {
    let start = HELD.with(|held| {
        let (now, _) = held.get();
        held.set((now, now));
        now
    });
    run();
    HELD.with(|held| held.get().1 - start) as usize
}

fn look(bytes: &[u8]) {
    let Ok(block) = Block::parse(bytes) else {
        return;
    };
    let Ok(events) = block.verify() else { return };
    events.iter().for_each(|event| drop(event.data_value()));
    let columns = block.columns().map(|columns| columns.pid_counts());
    drop(columns);
    for pid in events.dictionary().pids() {
        drop(block.state_at(pid, u64::MAX, 0));
    }
}

fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = bytes.len() as u32;
    bytes[8..12].copy_from_slice(&length.to_le_bytes());
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..]);
    bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn plain_block(events: u64) -> Vec<u8> {
    let names = Arc::new(SymbolTable::new("a@host"));
    let origin = Origin::new("a@host", 1);
    let mut open = BlockBuilder::new(origin, 1, Arc::new(Interner::new(names.clone())));
    for i in 0..events {
        let data = [0xa1, i as u8 % 64];
        let event = RawEvent::new(Kind::State, i * 1000, names.pid_word(3)).with_data(&data);
        open.push(0, &event).unwrap();
    }
    consolidate(&[open.close(0).unwrap()], Codec::Plain)
        .unwrap()
        .bytes()
        .to_vec()
}

/// Every byte of a small block, set to what makes lengths and counts large.
#[test]
fn numbers_in_the_bytes_buy_no_memory() {
    let block = plain_block(40);
    for at in 0..block.len() {
        for to in [0x00, 0x7f, 0x80, 0xff] {
            for widen in [false, true] {
                let mut bytes = block.clone();
                bytes[at] = to;
                if widen {
                    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
                    bytes.splice(at..at, huge);
                }
                let bytes = resealed(bytes);
                let held = most(|| look(&bytes));
                // Tables of fixed size: predictors and the Huffman look-up.
                assert!(
                    held <= 128 * 1024 + 512 * bytes.len(),
                    "{held} bytes for {at} {to:#x}"
                );
            }
        }
    }
}

#[test]
fn a_real_block_takes_a_modest_multiple_of_its_raw_size() {
    let block = Block::parse(plain_block(10_000)).unwrap();
    let held = most(|| drop(block.verify().unwrap()));
    assert!(
        held as u64 <= 1024 * 1024 + 64 * block.header().raw_bytes,
        "{held}"
    );
}

#[test]
fn a_term_cannot_claim_more_than_it_has() {
    let names = scope_event::block::Dictionary::default();
    for head in [0x8a, 0x8b, 0x88, 0x89, 0x91] {
        let bytes = [head, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x01, 0x02];
        let held = most(|| drop(Value::read(&bytes, &names)));
        assert!(held < 4096, "{held} bytes for {head:#x}");
    }
}
