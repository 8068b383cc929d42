//! What has to be done besides recording and answering: retention, saving, consolidating, sealing.
//!
//! It is done in small slices by whoever calls [`Store::tend`](crate::Store::tend), so that no call
//! takes long and nothing runs while there is nothing to do.

mod consolidate;
mod groups;
mod notice;
mod seal;

pub use notice::{Notice, Tended};

use crate::disk::{Health, Saver};
use crate::store::Store;
use scope_event::{Budget, Kind, RawEvent, TermWriter};
use seal::Seal;
use std::io;
use std::path::PathBuf;

/// Between two tries of sealing a segment that failed, in milliseconds.
const SEAL_RETRY_MS: u64 = 60_000;
/// The lane of the events that a store records itself.
const OWN_LANE: u16 = u16::MAX;

/// State between slices. Held by one caller at a time.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    pub(crate) saver: Option<Saver>,
    seal: Option<Seal>,
    seal_retry_ms: u64,
    /// Events that there was no room for since the folder failed.
    pub(crate) lost: u64,
    pub(crate) lost_ever: u64,
    pub(crate) sealed: u64,
    pub(crate) consolidated: u64,
    notices: Vec<Notice>,
}

impl Upkeep {
    pub(crate) fn new(dir: Option<PathBuf>) -> Self {
        Self {
            saver: dir.map(Saver::new),
            ..Self::default()
        }
    }

    /// Writes all that waits, due or not.
    pub(crate) fn save_all(&mut self, store: &Store, now_ms: u64) {
        let Some(saver) = &mut self.saver else { return };
        match saver.commit(&store.log, now_ms) {
            Ok(()) => self.succeed(store, now_ms),
            Err(error) => self.fail(&error, now_ms),
        }
        self.shed(store);
    }

    /// Writes all that waits and lets the folder go: who opens it next may do so while this store is
    /// still held somewhere.
    pub(crate) fn shut(&mut self, store: &Store, now_ms: u64) {
        self.abandon_seal();
        self.save_all(store, now_ms);
        self.saver = None;
    }

    /// Reads the folder, if there is one. A store opens whatever comes of that.
    pub(crate) fn start(&mut self, store: &Store) {
        let Some(saver) = &mut self.saver else { return };
        let attached = saver.attach(&mut store.log.write());
        self.notices
            .extend(saver.cuts.iter().copied().map(Notice::Cut));
        if let Err(error) = attached {
            self.fail(&error, 0);
        }
    }

    /// One slice of everything that is due.
    pub(crate) fn tend(&mut self, store: &Store, now_ms: u64) -> Tended {
        self.retain(store, now_ms);
        self.save(store, now_ms);
        let more = self.consolidate(store) || self.seal(store, now_ms);
        let next_ms = if more {
            Some(now_ms)
        } else {
            self.next_ms(store)
        };
        Tended {
            next_ms,
            notices: std::mem::take(&mut self.notices),
        }
    }

    fn retain(&mut self, store: &Store, now_ms: u64) {
        let expired = store.log.write().retain(&store.config, now_ms);
        if self
            .seal
            .as_ref()
            .is_some_and(|seal| seal.is_of(&expired.segments))
        {
            self.abandon_seal();
        }
        if let Some(saver) = &mut self.saver {
            saver.doom(expired.segments);
        }
    }

    fn save(&mut self, store: &Store, now_ms: u64) {
        let Some(saver) = &self.saver else { return };
        let due = save_due(saver, store).is_some_and(|due| due <= now_ms);
        if due && saver.retry_ms <= now_ms {
            self.save_all(store, now_ms)
        } else {
            self.shed(store)
        }
    }

    fn fail(&mut self, error: &io::Error, now_ms: u64) {
        // A half sealed segment is room that blocks could have.
        self.abandon_seal();
        let Some(saver) = &mut self.saver else { return };
        // What cannot be removed now is tried again with the next commit.
        let _ = saver.remove_doomed();
        if saver.fail(error, now_ms) {
            self.notices.push(Notice::Degraded {
                reason: error.to_string(),
            });
        }
    }

    fn succeed(&mut self, store: &Store, now_ms: u64) {
        let Some(saver) = &mut self.saver else { return };
        if saver.succeed() {
            let lost = std::mem::take(&mut self.lost);
            self.notices.push(Notice::Recovered { lost });
            if lost > 0 {
                record_gap(store, lost, now_ms);
            }
        }
    }

    /// While the folder fails, the oldest blocks make room for new ones.
    fn shed(&mut self, store: &Store) {
        if !self
            .saver
            .as_ref()
            .is_some_and(|saver| saver.health.is_degraded())
        {
            return;
        }
        let lost = store
            .log
            .write()
            .shed(store.config.unsaved_bytes, &store.own());
        self.lost += lost;
        self.lost_ever += lost;
    }

    fn consolidate(&mut self, store: &Store) -> bool {
        let small = groups::small(&store.log.read(), &store.own());
        let Some(group) = small else { return false };
        self.consolidated += u64::from(consolidate::in_memory(store, &group));
        true
    }

    /// One slice of sealing; answers whether there is more to do.
    fn seal(&mut self, store: &Store, now_ms: u64) -> bool {
        let degraded = self.health().is_degraded();
        if degraded || self.seal_retry_ms > now_ms {
            return false;
        }
        match self.seal_slice(store) {
            Ok(more) => more,
            Err(error) => {
                self.not_sealed(&error, now_ms);
                false
            }
        }
    }

    fn seal_slice(&mut self, store: &Store) -> io::Result<bool> {
        let folder = self.saver.as_ref().and_then(Saver::folder);
        let seal = match self.seal.take() {
            Some(seal) => seal,
            None => match Seal::next(store, folder)? {
                Some(seal) => seal,
                None => return Ok(false),
            },
        };
        let seal = self.seal.insert(seal);
        if seal.slice(store)? {
            return Ok(true);
        }
        self.consolidated += seal.consolidated;
        if let Some(seal) = self.seal.take() {
            seal.finish(store, folder)?;
            self.sealed += 1;
        }
        Ok(true)
    }

    fn not_sealed(&mut self, error: &io::Error, now_ms: u64) {
        self.seal_retry_ms = now_ms.saturating_add(SEAL_RETRY_MS);
        self.abandon_seal();
        self.notices.push(Notice::NotSealed {
            reason: error.to_string(),
        });
    }

    fn abandon_seal(&mut self) {
        let folder = self.saver.as_ref().and_then(Saver::folder);
        self.seal
            .take()
            .into_iter()
            .for_each(|seal| seal.abandon(folder));
    }

    fn next_ms(&self, store: &Store) -> Option<u64> {
        let save = self
            .saver
            .as_ref()
            .and_then(|saver| save_due(saver, store).map(|due| due.max(saver.retry_ms)));
        // One that is full and not yet saved waits for that, not for a look at it now and again.
        let full = Seal::waiting(&store.log.read()).is_some();
        let seal = (full && !self.health().is_degraded()).then_some(self.seal_retry_ms);
        save.into_iter().chain(seal).min()
    }

    pub(crate) fn health(&self) -> Health {
        self.saver
            .as_ref()
            .map_or(Health::Memory, |saver| saver.health.clone())
    }
}

/// When something has to be written; a folder that failed is tried until it works.
fn save_due(saver: &Saver, store: &Store) -> Option<u64> {
    if saver.has_errands() || saver.health.is_degraded() {
        return Some(0);
    }
    let (wait, bytes) = (store.config.commit_ms, store.config.commit_bytes);
    store.log.read().unsaved.as_ref()?.due_ms(wait, bytes)
}

/// One event that says how many others there was no room for.
fn record_gap(store: &Store, lost: u64, now_ms: u64) {
    let mut room = [0; 16];
    let mut count = TermWriter::new(&mut room, Budget::ARGUMENTS);
    let _ = count.int(i64::try_from(lost).unwrap_or(i64::MAX));
    let stamp = crate::time::stamp_of(now_ms).max(store.newest_own());
    let gap = RawEvent::new(Kind::Gap, stamp, 0).with_data(count.finish());
    store.push(OWN_LANE, &gap, now_ms);
}
