//! A recording that is opened.
//!
//! Nobody vouches for the file. Each part is read once, in order, one in memory at a time, and every block is
//! decoded; what stays in memory is their index. The blocks are read from the file again when they are
//! asked for, and checked again.

use super::about::{About, Cover, Outcome, Totals};
use super::error::RecordingError;
use super::pairs::Pairs;
use super::part::{self, Sort, damaged};
use crate::disk::SegmentFile;
use crate::index::Index;
use crate::log::{Facts, Log, Place, Shelf};
use crate::open::Closed;
use scope_event::Origin;
use scope_event::block::Numbered;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// A recording that was read from one end to the other.
#[derive(Debug)]
pub struct Recording {
    about: About,
    outcome: Outcome,
    totals: Totals,
    lost: Option<(u64, u64)>,
    chosen: Log,
    beside: Log,
    pairs: Pairs,
}

/// What a store keeps of a recording besides its blocks.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) beside: Log,
    pub(crate) pairs: Pairs,
}

impl Recording {
    /// Reads the file at `path`. Of one that is cut or damaged, what comes before that is taken if
    /// `salvage` says so.
    ///
    /// # Errors
    ///
    /// [`RecordingError`] when it is no plain file, no recording, or not all there.
    pub fn open(path: &Path, salvage: bool) -> Result<Self, RecordingError> {
        let file = Arc::new(plain(path)?);
        let len = file.len()?;
        part::check_head(&file, len)?;
        let mut read = Reading::new(&file, len);
        match read.all() {
            Ok(()) => {}
            Err(RecordingError::Cut { .. } | RecordingError::Damaged { .. })
                if salvage && read.about.is_some() =>
            {
                read.lost = Some((read.at, len - read.at));
            }
            Err(error) => return Err(error),
        }
        read.finish()
    }

    /// What it says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What was missing when it was made; of one that is cut nothing is known.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// How much there is in it.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Where numbers lie of the events that explain others: outside of what was asked for, perhaps.
    pub fn beside(&self) -> Vec<Cover> {
        let of_shelf = |(origin, shelf): (&Arc<Origin>, &Shelf)| {
            let first = shelf.slots().iter().map(|slot| slot.from).min()?;
            let last = shelf.slots().iter().map(|slot| slot.to).max()?;
            Some(Cover {
                origin: Origin::clone(origin),
                first,
                last,
            })
        };
        self.beside.shelves.iter().filter_map(of_shelf).collect()
    }

    /// Where it is cut or damaged, and how many bytes there are from there on.
    pub fn lost(&self) -> Option<(u64, u64)> {
        self.lost
    }

    pub(crate) fn into_parts(mut self) -> (Log, Recorded) {
        for cover in &self.about.covers {
            let shelf = self.chosen.shelf_mut(&cover.origin).1;
            shelf.knowledge.learn(cover.first, cover.last);
        }
        let Self {
            chosen,
            beside,
            pairs,
            ..
        } = self;
        (chosen, Recorded { beside, pairs })
    }
}

struct Reading<'a> {
    file: &'a Arc<SegmentFile>,
    len: u64,
    /// Up to here it was read.
    at: u64,
    about: Option<About>,
    end: Option<(Outcome, Totals)>,
    totals: Totals,
    lost: Option<(u64, u64)>,
    chosen: Log,
    beside: Log,
    pairs: Pairs,
}

impl<'a> Reading<'a> {
    fn new(file: &'a Arc<SegmentFile>, len: u64) -> Self {
        Self {
            file,
            len,
            at: part::FILE_HEAD,
            about: None,
            end: None,
            totals: Totals::default(),
            lost: None,
            chosen: Log::new(u64::MAX),
            beside: Log::new(u64::MAX),
            pairs: Pairs::default(),
        }
    }

    fn all(&mut self) -> Result<(), RecordingError> {
        let mut body = Vec::new();
        while let Some(sort) = part::read(self.file, self.at, self.len, &mut body)? {
            self.take(sort, &body)?;
            self.at += part::HEAD + body.len() as u64;
        }
        let cut = RecordingError::Cut {
            at: self.at,
            left: 0,
        };
        self.end.as_ref().map(|_| ()).ok_or(cut)
    }

    fn take(&mut self, sort: Sort, body: &[u8]) -> Result<(), RecordingError> {
        if self.about.is_none() != (sort == Sort::About) || self.end.is_some() {
            return Err(damaged(self.at, "a part that does not belong there"));
        }
        match sort {
            Sort::About => self.about = Some(self.known(About::read(body))?),
            Sort::Block => self.totals.events += self.block(body, false)?,
            Sort::Beside => self.totals.beside += self.block(body, true)?,
            Sort::Pairs => {
                let rows = self.pairs.read(body);
                self.totals.pairs += self.known(rows)?;
            }
            Sort::End => self.end(body)?,
        }
        Ok(())
    }

    fn known<T>(&self, read: Option<T>) -> Result<T, RecordingError> {
        read.ok_or(damaged(self.at, "a part that says nothing known"))
    }

    /// What was counted has to be what was read: nothing was taken out.
    fn end(&mut self, body: &[u8]) -> Result<(), RecordingError> {
        let (outcome, totals) = self.known(Outcome::read(body))?;
        self.totals.bytes = self.at;
        if totals != self.totals {
            return Err(damaged(self.at, "it does not hold what it says"));
        }
        self.end = Some((outcome, totals));
        Ok(())
    }

    fn block(&mut self, body: &[u8], beside: bool) -> Result<u64, RecordingError> {
        let at = self.at;
        let wrong = |_| damaged(at, "a block that cannot be read");
        let block = Numbered::parse(body).map_err(wrong)?;
        let events = block.events().map_err(wrong)?;
        let index = Index::of(&events).map_err(|_| damaged(at, "a term in a block"))?;
        let facts = Facts::of_numbered(&block, body.len());
        let origin = events.origin();
        if origin.node.is_empty() {
            return Err(damaged(at, "a block of nobody"));
        }
        let place = Place::Recording {
            file: self.file.clone(),
            at: at + part::HEAD,
            len: facts.len,
        };
        let log = if beside {
            &mut self.beside
        } else {
            &mut self.chosen
        };
        log.stand(
            origin,
            Closed {
                facts,
                index,
                place,
            },
        );
        self.totals.blocks += 1;
        Ok(facts.events())
    }

    fn finish(mut self) -> Result<Recording, RecordingError> {
        self.pairs.settle();
        let about = self.about.ok_or(damaged(self.at, "it has no beginning"))?;
        let (outcome, totals) = self.end.unwrap_or((Outcome::default(), self.totals));
        Ok(Recording {
            about,
            outcome,
            totals,
            lost: self.lost,
            chosen: self.chosen,
            beside: self.beside,
            pairs: self.pairs,
        })
    }
}

/// A plain file, and nothing that only looks like one: no link is followed, and no pipe or device is
/// waited for.
fn plain(path: &Path) -> Result<SegmentFile, RecordingError> {
    let there = fs::symlink_metadata(path)?;
    if there.is_dir() {
        return Err(RecordingError::IsFolder);
    }
    if !there.is_file() {
        return Err(RecordingError::NotPlain);
    }
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY)
        .open(path)?;
    // It may have been replaced in between.
    if !file.metadata()?.is_file() {
        return Err(RecordingError::NotPlain);
    }
    Ok(SegmentFile::new(file))
}
