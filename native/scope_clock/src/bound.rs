//! The upper bound of all stamps, kept on disk ahead of the clock.
//!
//! Source: CockroachDB persists an upper bound of its hybrid clock ahead of it, so that a restart
//! with the wall clock behind cannot give out a stamp twice. That bound moves all the time. Where
//! the system can tell that it was not booted in between, a line does better: as long as the
//! clock stays on `stamp + (mono − mono at stamp)`, no stamp lies above it, nothing has to be
//! written, and a restart continues within a millisecond of the wall instead of seconds ahead.
//!
//! The file holds two records, written in turn, so that a torn write leaves the other:
//! ```text
//! 0  magic "SCLKBND1"   8  sequence   16 bound   24 stamp   32 mono_ns   40 boot (16 bytes)
//! 56 XXH3-64 of bytes 0..56           all numbers little endian
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::settings::Settings;
use crate::settings::nanos;
use crate::stamp::Stamp;
use crate::status::Floor;

const FILE: &str = "clock.bound";
const MAGIC: u64 = u64::from_le_bytes(*b"SCLKBND1");
const RECORD: usize = 64;

/// How far above its line a clock may be before the line is drawn anew, and how far above it a
/// restart begins. Twice the former, so that a calibration that is late does no harm.
const SLACK_NS: u64 = 500_000;
const MARGIN_NS: u64 = 1_000_000;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    sequence: u64,
    bound: u64,
    stamp: u64,
    mono_ns: u64,
    boot: u128,
}

/// The open file and what it says.
///
/// Invariant: while the clock runs, no stamp lies above the bound of the last record, nor more
/// than the margin above its line, unless writing failed or nobody calibrated in time.
#[derive(Debug)]
pub(crate) struct Keeper {
    file: File,
    record: Record,
    lead_ns: u64,
    boot: Option<u128>,
}

impl Keeper {
    /// Opens the file of a data folder, if there is one, and says what it holds.
    pub(crate) fn open(settings: &Settings, boot: Option<u128>) -> io::Result<Option<Self>> {
        let Some(folder) = &settings.folder else {
            return Ok(None);
        };
        let file = open(folder)?;
        let record = Record {
            sequence: 0,
            bound: 0,
            stamp: 0,
            mono_ns: 0,
            boot: 0,
        };
        Ok(Some(Self {
            file,
            record,
            lead_ns: nanos(settings.lead),
            boot,
        }))
    }

    /// The stamp that no earlier run went above.
    pub(crate) fn floor(&mut self, mono_ns: u64) -> Floor {
        let mut bytes = Vec::new();
        match self.read(&mut bytes) {
            Ok(()) if bytes.is_empty() => Floor::Absent,
            Ok(()) => newest(&bytes).map_or(Floor::Unreadable, |record| {
                self.record = record;
                Floor::Kept(self.top(mono_ns))
            }),
            Err(_) => Floor::Unreadable,
        }
    }

    /// No stamp above this one without a new record.
    pub(crate) const fn bound(&self) -> Stamp {
        Stamp::from_bits(self.record.bound)
    }

    /// Whether a record must be written before the clock may show `stamp`. A clock that is idle
    /// needs none for the bound, which only matters once stamps are given out.
    pub(crate) fn is_due(&self, stamp: Stamp, mono_ns: u64, idle: bool) -> bool {
        let off_line = self
            .line(mono_ns)
            .is_some_and(|line| stamp > line.plus_ns(SLACK_NS));
        off_line || (!idle && stamp.plus_ns(self.lead_ns / 2) > self.bound())
    }

    /// Writes a new record.
    pub(crate) fn keep(&mut self, stamp: Stamp, mono_ns: u64) -> io::Result<()> {
        let record = Record {
            sequence: self.record.sequence + 1,
            bound: stamp.plus_ns(self.lead_ns).bits(),
            stamp: stamp.bits(),
            mono_ns,
            boot: self.boot.unwrap_or(0),
        };
        let slot = record.sequence % 2 * RECORD as u64;
        self.file.seek(SeekFrom::Start(slot))?;
        self.file.write_all(&record.encode())?;
        self.file.sync_data()?;
        self.record = record;
        Ok(())
    }

    fn read(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        (&mut self.file)
            .take(2 * RECORD as u64)
            .read_to_end(bytes)
            .map(|_| ())
    }

    /// Within one boot the line holds; after another the bound does.
    fn top(&self, mono_ns: u64) -> Stamp {
        self.line(mono_ns)
            .map_or(self.bound(), |line| line.plus_ns(MARGIN_NS))
    }

    fn line(&self, mono_ns: u64) -> Option<Stamp> {
        let same_boot = self.boot.is_some_and(|boot| boot == self.record.boot);
        let elapsed = mono_ns
            .checked_sub(self.record.mono_ns)
            .filter(|_| same_boot)?;
        Some(Stamp::from_bits(self.record.stamp).plus_ns(elapsed))
    }
}

impl Record {
    fn encode(&self) -> [u8; RECORD] {
        let words = [MAGIC, self.sequence, self.bound, self.stamp, self.mono_ns];
        let mut bytes = [0; RECORD];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes[40..56].copy_from_slice(&self.boot.to_le_bytes());
        let check = xxh3_64(&bytes[..56]);
        bytes[56..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; RECORD]) -> Option<Self> {
        let whole = word(bytes, 0) == MAGIC && word(bytes, 56) == xxh3_64(&bytes[..56]);
        whole.then(|| Self {
            sequence: word(bytes, 8),
            bound: word(bytes, 16),
            stamp: word(bytes, 24),
            mono_ns: word(bytes, 32),
            boot: u128::from(word(bytes, 48)) << 64 | u128::from(word(bytes, 40)),
        })
    }
}

fn word(bytes: &[u8; RECORD], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// The later of the records that are whole.
fn newest(bytes: &[u8]) -> Option<Record> {
    let (records, _) = bytes.as_chunks::<RECORD>();
    records
        .iter()
        .filter_map(Record::decode)
        .max_by_key(|record| record.sequence)
}

fn open(folder: &Path) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(FILE);
    let new = !path.exists();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    if new {
        sync_folder(folder)?;
    }
    Ok(file)
}

/// A new file is only there after a crash once its folder is on disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
