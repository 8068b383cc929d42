//! Making closed blocks durable: group commit into the file of the active segment.
//!
//! Source: group commit (DeWitt et al., "Implementation techniques for main memory database
//! systems", 1984). A commit writes what waits as one piece and syncs it; only then do the blocks
//! leave memory. After an error nothing of the piece counts: the file is cut back, and the next
//! commit writes it again, so a failed sync is never taken for a success later.

use super::active::Active;
use super::record::{self, Sort};
use super::recovery::{Recovered, recover};
use super::{Cut, Folder, Health, Stage, memo};
use crate::log::{Entry, Log};
use parking_lot::RwLock;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes that one commit writes at most, but for a single block that is larger.
const COMMIT_BYTES: u64 = 4 << 20;
/// Between two tries of a folder that fails.
const RETRY_MS: u64 = 1_000;

/// The way of blocks into a folder.
#[derive(Debug)]
pub(crate) struct Saver {
    dir: PathBuf,
    folder: Option<Folder>,
    active: Option<Active>,
    pub(crate) health: Health,
    /// Not before, after an error.
    pub(crate) retry_ms: u64,
    /// Expired segments whose files are still there.
    doomed: Vec<u64>,
    /// Something was learned that must outlive the doomed segments.
    memo_due: bool,
    /// Remarks that are durable, by the log's count.
    remarks: u64,
    pub(crate) commits: u64,
    pub(crate) cuts: Vec<Cut>,
}

impl Saver {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            folder: None,
            active: None,
            health: Health::Saving,
            retry_ms: 0,
            doomed: Vec::new(),
            memo_due: false,
            remarks: 0,
            commits: 0,
            cuts: Vec::new(),
        }
    }

    /// Opens the folder and reads what it holds into `log`, once.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn attach(&mut self, log: &mut Log) -> io::Result<()> {
        if self.folder.is_some() {
            return Ok(());
        }
        let mut folder = Folder::open(&self.dir)?;
        let Recovered { cuts, active } = recover(&folder, log)?;
        self.active = active
            .filter(|(id, ..)| log.resume(*id))
            .map(|(id, reader, len)| Active::resume(id, reader, len));
        self.cuts = cuts;
        // What does not work now is tried again with the first commit.
        if let (Ok(()), Some(active)) = (folder.lock(), &mut self.active) {
            let _ = active.open(&folder);
        }
        self.folder = Some(folder);
        Ok(())
    }

    pub(crate) fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    /// These segments expired: their files go with the next commit.
    pub(crate) fn doom(&mut self, segments: Vec<u64>) {
        self.memo_due |= !segments.is_empty();
        self.doomed.extend(segments);
    }

    /// Whether something waits besides blocks.
    pub(crate) fn has_errands(&self) -> bool {
        !self.doomed.is_empty()
    }

    /// Writes what waits and makes it durable.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers; everything waits on.
    pub(crate) fn commit(&mut self, log: &RwLock<Log>, now_ms: u64) -> io::Result<()> {
        self.attach(&mut log.write())?;
        loop {
            let (batch, left, remarks) = {
                let log = log.read();
                let batch = log
                    .unsaved
                    .as_ref()
                    .map_or_else(Vec::new, |u| u.first(COMMIT_BYTES));
                (batch, memo::write(&log), log.remarks)
            };
            self.memo_due |= remarks != self.remarks;
            if batch.is_empty() && !self.memo_due {
                break;
            }
            let segment = batch
                .first()
                .map_or_else(|| log.read().active(), |entry| entry.segment());
            self.write(segment, &batch, &left)?;
            self.remarks = remarks;
            let mut log = log.write();
            log.unsaved
                .iter_mut()
                .for_each(|unsaved| unsaved.saved(batch.len(), now_ms));
        }
        self.remove_doomed()
    }

    /// Files of expired segments go: their floors are durable, or there is no room to make them so,
    /// and room is what they take.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn remove_doomed(&mut self) -> io::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        while let Some(id) = self.doomed.last() {
            folder.remove(*id, Stage::Active)?;
            folder.remove(*id, Stage::Sealed)?;
            self.doomed.pop();
        }
        Ok(())
    }

    /// Writes one piece into the file of `segment` and makes it durable.
    fn write(&mut self, segment: u64, batch: &[Arc<Entry>], memo: &[u8]) -> io::Result<()> {
        let folder = self.folder.as_mut().ok_or(io::ErrorKind::NotFound)?;
        folder.lock()?;
        let fresh = self
            .active
            .as_ref()
            .is_none_or(|active| active.id() != segment);
        if fresh {
            self.active = Some(Active::create(folder, segment)?);
        }
        let Some(active) = &mut self.active else {
            return Ok(());
        };
        active.open(folder)?;
        let mut piece = Vec::new();
        if fresh || self.memo_due {
            record::put(Sort::Memo, memo, &mut piece);
        }
        let places = active.put(batch, &mut piece)?;
        active.save(&piece)?;
        for (entry, place) in batch.iter().zip(places) {
            place.into_iter().for_each(|place| entry.move_to(place));
        }
        self.memo_due = false;
        self.commits += 1;
        Ok(())
    }

    /// Something failed. Answers whether that is news.
    pub(crate) fn fail(&mut self, error: &io::Error, now_ms: u64) -> bool {
        self.retry_ms = now_ms.saturating_add(RETRY_MS);
        // Whether the folder works again shows when something is written.
        self.memo_due = true;
        self.let_go();
        if self.health.is_degraded() {
            return false;
        }
        self.health = Health::Degraded {
            reason: error.to_string(),
            since_ms: now_ms,
        };
        true
    }

    /// It works again. Answers whether that is news.
    pub(crate) fn succeed(&mut self) -> bool {
        std::mem::replace(&mut self.health, Health::Saving).is_degraded()
    }

    /// Nothing is held open for writing while the folder fails. If somebody removed the file, blocks
    /// go on in a new one.
    fn let_go(&mut self) {
        let (Some(folder), Some(active)) = (&self.folder, &mut self.active) else {
            return;
        };
        active.let_go();
        let gone = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        if folder.file(active.id(), Stage::Active).is_err_and(gone) {
            self.active = None;
        }
    }
}
