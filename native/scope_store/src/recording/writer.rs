//! A recording while it is written.
//!
//! It is written beside its place under a name of its own, made durable, and moved: at the path there is
//! never half of one. Only its owner may read it, as what it holds may be nobody else's business.

use super::about::{About, MOST_ROWS, Outcome, Totals};
use super::error::RecordingError;
use super::gather::Gather;
use super::pairs::{self, Confidence, Paired};
use super::part::{self, Sort};
use super::wanted::{Beside, Meanings, Wanted};
use crate::search::Match;
use scope_event::block::Numbered;
use scope_event::{Origin, Seq};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Messages in one part.
const PAIRS: usize = 8_192;
/// Bytes that are written at once.
const BUFFER: usize = 256 * 1024;

/// Tells names of files apart that are written at the same time.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Writes a recording, part by part; what is not finished leaves no file.
pub struct Writer {
    file: Output,
    chosen: Gather,
    beside: Gather,
    wanted: Wanted,
    pairs: Vec<Paired>,
    totals: Totals,
    /// Events that could not be taken.
    damaged: u64,
}

/// The file, and where it goes.
struct Output {
    to: BufWriter<File>,
    at: u64,
    temporary: PathBuf,
    path: PathBuf,
    overwrite: bool,
    part: Vec<u8>,
}

impl Writer {
    /// Begins a recording at `path`; one that is there is replaced, once this is finished, if it may be.
    ///
    /// # Errors
    ///
    /// [`RecordingError`] when nothing can be written there.
    pub fn create(
        path: &Path,
        overwrite: bool,
        about: &About,
        meanings: Meanings,
    ) -> Result<Self, RecordingError> {
        let body = about.put();
        if body.len() > part::MOST || !about.fits() {
            return Err(RecordingError::TooMuch("what it is of"));
        }
        let here: Arc<str> = about.by.as_str().into();
        let mut file = Output::create(path, overwrite)?;
        file.put(Sort::About, &body)?;
        Ok(Self {
            file,
            chosen: Gather::new(here.clone()),
            beside: Gather::new(here),
            wanted: Wanted::new(meanings),
            pairs: Vec::new(),
            totals: Totals::default(),
            damaged: 0,
        })
    }

    /// Adds events that were chosen, as they come.
    ///
    /// # Errors
    ///
    /// [`RecordingError`] when they cannot be written.
    pub fn put(&mut self, events: &[Match]) -> Result<(), RecordingError> {
        events.iter().try_for_each(|event| self.choose(event))
    }

    fn choose(&mut self, event: &Match) -> Result<(), RecordingError> {
        self.wanted.chosen(event);
        let (file, totals) = (&mut self.file, &mut self.totals);
        let put = |block: Numbered| {
            totals.events += events_of(&block);
            file.block(Sort::Block, &block, totals)
        };
        self.damaged += self.chosen.put(event.clone(), put)?;
        Ok(())
    }

    /// Adds of some events those that explain what was chosen; of calls, only that they were.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn beside(&mut self, events: &[Match], what: Beside) -> Result<(), RecordingError> {
        let most = if what == Beside::Last { 1 } else { usize::MAX };
        for event in events.iter().take(most) {
            if self.wanted.takes(event, what) {
                self.explain(event, what)?;
            }
        }
        Ok(())
    }

    fn explain(&mut self, event: &Match, what: Beside) -> Result<(), RecordingError> {
        let event = match what {
            Beside::Notes => return self.choose(event),
            Beside::Entries | Beside::Calls | Beside::Last => event.without_content(),
            Beside::Halves => event.without_data(),
            Beside::Gaps | Beside::Names | Beside::Traces => event.clone(),
        };
        let (file, totals) = (&mut self.file, &mut self.totals);
        let put = |block: Numbered| {
            totals.beside += events_of(&block);
            file.block(Sort::Beside, &block, totals)
        };
        self.damaged += self.beside.put(event, put)?;
        Ok(())
    }

    /// Keys of correlations that no mark explains, so many at most.
    pub fn unnamed(&self, most: usize) -> Vec<[u8; 16]> {
        self.wanted.unnamed().take(most).copied().collect()
    }

    /// Whether some events belong to sets of traces.
    pub fn has_sets(&self) -> bool {
        self.wanted.has_sets()
    }

    /// Other halves of messages that were not chosen, so many at most, in order. All pairs are given by then.
    pub fn halves(&mut self, most: usize) -> Vec<(Origin, Seq)> {
        self.wanted.missing_halves(most)
    }

    /// Adds what is known of messages. A settled pair is given once.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn pair(&mut self, pair: Paired) -> Result<(), RecordingError> {
        if let (Confidence::Exact | Confidence::Likely, [other]) =
            (pair.confidence, &pair.others[..])
        {
            self.wanted.half(other);
        }
        self.pairs.push(pair);
        if self.pairs.len() < PAIRS {
            return Ok(());
        }
        self.put_pairs()
    }

    fn put_pairs(&mut self) -> Result<(), RecordingError> {
        self.totals.pairs += self.pairs.len() as u64;
        let body = pairs::put(&std::mem::take(&mut self.pairs));
        self.file.put(Sort::Pairs, &body)
    }

    /// Events that could not be taken, as their terms are damaged.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Writes the rest, and puts the file in its place.
    ///
    /// # Errors
    ///
    /// [`RecordingError`]; there is nothing new then.
    pub fn finish(mut self, outcome: &Outcome) -> Result<Totals, RecordingError> {
        let (file, totals) = (&mut self.file, &mut self.totals);
        self.chosen.finish(|block| {
            totals.events += events_of(&block);
            file.block(Sort::Block, &block, totals)
        })?;
        self.beside.finish(|block| {
            totals.beside += events_of(&block);
            file.block(Sort::Beside, &block, totals)
        })?;
        if !self.pairs.is_empty() {
            self.put_pairs()?;
        }
        self.totals.bytes = self.file.at;
        let body = outcome.put(&self.totals);
        if body.len() > part::MOST || outcome.missing.len() > MOST_ROWS {
            return Err(RecordingError::TooMuch("what is missing"));
        }
        self.file.put(Sort::End, &body)?;
        self.file.place()?;
        Ok(self.totals)
    }
}

fn events_of(block: &Numbered) -> u64 {
    u64::from(block.block().header().events())
}

impl Output {
    fn create(path: &Path, overwrite: bool) -> Result<Self, RecordingError> {
        may_be_there(path, overwrite)?;
        let temporary = beside(path)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(&temporary)
            .map_err(no_folder)?;
        let mut output = Self {
            to: BufWriter::with_capacity(BUFFER, file),
            at: 0,
            temporary,
            path: path.into(),
            overwrite,
            part: Vec::new(),
        };
        output.write(&part::file_head())?;
        Ok(output)
    }

    fn block(
        &mut self,
        sort: Sort,
        block: &Numbered,
        totals: &mut Totals,
    ) -> Result<(), RecordingError> {
        totals.blocks += 1;
        self.put(sort, &block.bytes())
    }

    fn put(&mut self, sort: Sort, body: &[u8]) -> Result<(), RecordingError> {
        let mut bytes = std::mem::take(&mut self.part);
        bytes.clear();
        part::put(sort, body, &mut bytes);
        let written = self.write(&bytes);
        self.part = bytes;
        written
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), RecordingError> {
        self.to.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Moves the file to its place. Where nothing may be replaced, a link is made, which replaces
    /// nothing, unless the file system knows no links.
    fn place(&mut self) -> Result<(), RecordingError> {
        self.to.flush()?;
        self.to.get_ref().sync_all()?;
        may_be_there(&self.path, self.overwrite)?;
        if self.overwrite {
            fs::rename(&self.temporary, &self.path)?;
        } else {
            match fs::hard_link(&self.temporary, &self.path) {
                Ok(()) => fs::remove_file(&self.temporary)?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error.into()),
                Err(_) => fs::rename(&self.temporary, &self.path)?,
            }
        }
        // The name is durable with its folder; a file system that cannot do that has no better.
        let _ = File::open(folder(&self.path)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Of what was placed there is nothing left under this name.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Whether a recording may be put at this path.
fn may_be_there(path: &Path, overwrite: bool) -> Result<(), RecordingError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(no_folder(error)),
        Ok(there) if there.is_dir() => Err(RecordingError::IsFolder),
        Ok(there) if !there.is_file() => Err(RecordingError::NotPlain),
        Ok(_) if !overwrite => Err(RecordingError::Exists),
        Ok(there) if there.permissions().mode() & 0o200 == 0 => Err(RecordingError::Denied),
        Ok(_) => Ok(()),
    }
}

fn no_folder(error: io::Error) -> RecordingError {
    match error.kind() {
        ErrorKind::NotFound => RecordingError::NoFolder,
        _ => error.into(),
    }
}

fn folder(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// A name in the same folder that nobody else uses.
fn beside(path: &Path) -> Result<PathBuf, RecordingError> {
    let name = path.file_name().ok_or(RecordingError::IsFolder)?;
    // Ordering: a number that only has to be another one.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}-{number}.part", std::process::id()));
    Ok(folder(path).join(hidden))
}
