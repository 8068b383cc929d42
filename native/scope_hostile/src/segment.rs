//! Files of segments.

use crate::{block, memory, seal};
use scope_event::Block;
use scope_store::survey;
use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The number of the segment.
const ID: u64 = 7;

/// Any bytes as the file of a segment, with and without checksums that fit.
pub fn segment(bytes: &[u8]) {
    look(bytes);
    look(&seal::segment(bytes, ID));
}

fn look(bytes: &[u8]) {
    let most = allowed(bytes);
    with_file(bytes, |file| {
        let found = memory::within(most, || survey(file)).expect("a file can be read");
        let len = bytes.len() as u64;
        assert_eq!(found.whole + found.left, len, "{found:?}");
        assert!(
            found.blocks <= len / 9 && found.listed.unwrap_or(0) <= len / 100,
            "{found:?}"
        );
        assert!(found.readable <= found.blocks, "{found:?}");
    });
}

/// What reading a file may take: so much for each of its bytes, and the blocks in it.
pub(crate) fn allowed(bytes: &[u8]) -> usize {
    let blocks = seal::bodies(bytes).filter_map(|body| Block::parse(body).ok());
    (1 << 20) + 1024 * bytes.len() + blocks.map(|block| block::allowed(&block)).sum::<usize>()
}

thread_local! {
    /// One file for all inputs: making one takes longer than reading it.
    static FILE: RefCell<Option<File>> = const { RefCell::new(None) };
}

fn with_file(bytes: &[u8], look: impl FnOnce(&File)) {
    FILE.with_borrow_mut(|file| {
        let file = file.get_or_insert_with(|| tempfile::tempfile_in(folder()).expect("a file"));
        file.set_len(0).expect("a file can be cut");
        file.write_all_at(bytes, 0).expect("a file can be written");
        look(file);
    });
}

/// Where files are made: in memory, where the system has such a place.
pub(crate) fn folder() -> std::path::PathBuf {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() {
        memory.into()
    } else {
        std::env::temp_dir()
    }
}
