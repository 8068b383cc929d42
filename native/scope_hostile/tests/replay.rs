//! Every input that fuzzing ever kept, once more.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use scope_hostile::{DECODERS, Decoder};
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// The inputs of one fuzz target.
fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}

fn replay(name: &str, decoder: Decoder) {
    let files = corpus(name);
    assert!(files.len() >= 3, "{name} has a corpus");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let kept = catch_unwind(|| decoder(&bytes));
        assert!(
            kept.is_ok(),
            "the decoder of {name} fails with {}",
            file.display()
        );
    }
}

#[test]
fn every_decoder_keeps_its_word_with_every_input_of_its_corpus() {
    for (name, decoder) in DECODERS {
        replay(name, decoder);
    }
}

#[test]
fn every_decoder_keeps_its_word_with_every_start_and_every_other_decoders_inputs() {
    for (name, _) in DECODERS {
        for file in corpus(name).iter().take(3) {
            let bytes = fs::read(file).unwrap();
            for (_, decoder) in DECODERS {
                decoder(&bytes);
                decoder(&bytes[..bytes.len() / 2]);
            }
        }
    }
}
