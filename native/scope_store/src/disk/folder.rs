//! The files of a store: names, order, and what makes a name durable.
//!
//! `0000000000000007.active` takes blocks or waits to be sealed, `….segment` is sealed, `….sealing`
//! is on its way there and means nothing after a crash. A lock file keeps a second store out.

use super::file::SegmentFile;
use super::record::{self, FILE_HEAD};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How far a file's segment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Active,
    Sealing,
    Sealed,
}

impl Stage {
    const fn extension(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Sealing => "sealing",
            Self::Sealed => "segment",
        }
    }

    fn of(extension: &OsStr) -> Option<Self> {
        [Self::Active, Self::Sealing, Self::Sealed]
            .into_iter()
            .find(|stage| extension == stage.extension())
    }
}

/// An open data folder, which no other store has.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
    /// Held for as long as the folder is open, once it could be had.
    lock: Option<File>,
}

impl Folder {
    /// Opens a folder, making it if need be. One that can only be read is opened, too.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers, and [`ErrorKind::ResourceBusy`] while another store has it.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut folder = Self {
            dir: dir.into(),
            lock: None,
        };
        match folder.lock() {
            Err(error) if error.kind() == ErrorKind::ResourceBusy => Err(error),
            _ => Ok(folder),
        }
    }

    /// Keeps other stores out, before the first write.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(crate) fn lock(&mut self) -> io::Result<()> {
        if self.lock.is_some() {
            return Ok(());
        }
        let path = self.dir.join("lock");
        if !path.exists() {
            File::create(&path)?;
        }
        // Open for reading only: a folder that fails can be made read-only under a running store.
        let file = File::open(&path)?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => ErrorKind::ResourceBusy.into(),
            fs::TryLockError::Error(error) => error,
        })?;
        self.lock = Some(file);
        Ok(())
    }

    /// Segments by id, each in its furthest stage. What a crash left half done is removed.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn segments(&self) -> io::Result<Vec<(u64, Stage)>> {
        let mut found = Vec::new();
        for file in fs::read_dir(&self.dir)? {
            found.extend(parse_name(&file?.path()));
        }
        found.sort_unstable();
        for (id, _) in found.extract_if(.., |(_, stage)| *stage == Stage::Sealing) {
            self.sweep(id, Stage::Sealing);
        }
        // A sealed segment is complete once it has its name: its active file is left over.
        let sealed: Vec<u64> = found
            .iter()
            .filter(|f| f.1 == Stage::Sealed)
            .map(|f| f.0)
            .collect();
        for (id, _) in found.extract_if(.., |f| f.1 == Stage::Active && sealed.contains(&f.0)) {
            self.sweep(id, Stage::Active);
        }
        Ok(found)
    }

    /// What cannot be removed now is passed over again the next time.
    fn sweep(&self, id: u64, stage: Stage) {
        let _ = self.remove(id, stage);
    }

    /// Opens a segment's file for reading.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn file(&self, id: u64, stage: Stage) -> io::Result<Arc<SegmentFile>> {
        Ok(Arc::new(SegmentFile::new(File::open(
            self.path(id, stage),
        )?)))
    }

    /// Opens a segment's file for writing.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn writer(&self, id: u64, stage: Stage) -> io::Result<SegmentFile> {
        let file = OpenOptions::new().write(true).open(self.path(id, stage))?;
        Ok(SegmentFile::new(file))
    }

    /// Makes the file of a segment, with its first bytes. An active file that holds more than those
    /// is left alone.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers, and [`ErrorKind::AlreadyExists`].
    pub(crate) fn create(&self, id: u64, stage: Stage) -> io::Result<SegmentFile> {
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(stage == Stage::Sealing);
        let file = SegmentFile::new(options.open(self.path(id, stage))?);
        if file.len()? > FILE_HEAD {
            return Err(ErrorKind::AlreadyExists.into());
        }
        file.write(&record::file_head(id), 0)?;
        Ok(file)
    }

    /// Gives a file that is complete and durable its final name.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn publish(&self, id: u64) -> io::Result<()> {
        fs::rename(self.path(id, Stage::Sealing), self.path(id, Stage::Sealed))?;
        self.sync()
    }

    /// Removes a segment's file; one that is not there is fine.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn remove(&self, id: u64, stage: Stage) -> io::Result<()> {
        match fs::remove_file(self.path(id, stage)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes names durable.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn path(&self, id: u64, stage: Stage) -> PathBuf {
        self.dir.join(format!("{id:016x}.{}", stage.extension()))
    }
}

fn parse_name(path: &Path) -> Option<(u64, Stage)> {
    let stage = Stage::of(path.extension()?)?;
    let stem = path.file_stem()?.to_str().filter(|stem| stem.len() == 16)?;
    Some((u64::from_str_radix(stem, 16).ok()?, stage))
}
