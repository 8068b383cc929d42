//! `recording_*`: what was found as a file, and such a file as a scope.

use crate::found::FoundRef;
use crate::pair::ReadingRef;
use crate::payload;
use crate::scopes::{self, Handle as Opened, ScopeRef};
use crate::store::Settings;
use crate::symbols;
use parking_lot::Mutex;
use rustler::{
    Binary, Env, Error, NewBinary, NifMap, NifResult, NifUnitEnum, Resource, ResourceArc, Term,
};
use scope_event::{Family, Origin, Seq};
use scope_store::recording::{
    About, Beside, Cover, Meanings, Outcome, Paired, Recording, RecordingError, Totals, Writer,
};
use scope_trace::Sets;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A recording that is being written; `None` once it is over.
pub(crate) struct Handle(Mutex<Option<Writer>>);

#[rustler::resource_impl]
impl Resource for Handle {}

// A NIF that panics poisons nothing: the lock is free again, and a file that is not finished is removed.
impl std::panic::RefUnwindSafe for Handle {}

type WriterRef = ResourceArc<Handle>;

/// Numbers of an origin, both ends included.
type Row = (String, u64, Seq, Seq);

/// What is known before the first event.
#[derive(NifMap)]
struct Beginning {
    library: String,
    machine: String,
    saved_ns: u64,
    by: String,
    filters: String,
    members: Vec<String>,
    covers: Vec<Row>,
}

/// What is known behind the last one.
#[derive(NifMap)]
struct Ending {
    missing: Vec<(String, String)>,
    dropped: u64,
    expired: u64,
}

#[derive(NifMap)]
struct Sums {
    blocks: u64,
    events: u64,
    beside: u64,
    pairs: u64,
    bytes: u64,
}

/// What an opened recording says.
#[derive(NifMap)]
struct Told<'a> {
    about: Beginning,
    outcome: Ending,
    totals: Sums,
    /// The members, as this machine names them.
    nodes: Vec<Term<'a>>,
    /// Those of which something is missing.
    missing: Vec<Term<'a>>,
    /// Where the events are that explain others.
    beside: Vec<Row>,
    /// Where it is cut, and how many bytes there are behind.
    lost: Option<(u64, u64)>,
}

#[derive(NifUnitEnum)]
enum What {
    Gaps,
    Names,
    Entries,
    Calls,
    Last,
    Traces,
    Notes,
    Halves,
}

/// Why it failed: which of a closed list, and what there is to say.
#[derive(NifUnitEnum)]
enum Why {
    NoFile,
    NoFolder,
    IsFolder,
    NotPlain,
    Exists,
    DiskFull,
    NoAccess,
    NotARecording,
    LaterVersion,
    Cut,
    Damaged,
    TooMuch,
    FileError,
    NoScope,
}

type Failure = (Why, String);

fn failure(error: &RecordingError) -> Failure {
    let why = match error {
        RecordingError::NoFile => Why::NoFile,
        RecordingError::NoFolder => Why::NoFolder,
        RecordingError::IsFolder => Why::IsFolder,
        RecordingError::NotPlain => Why::NotPlain,
        RecordingError::Exists => Why::Exists,
        RecordingError::Full => Why::DiskFull,
        RecordingError::Denied => Why::NoAccess,
        RecordingError::NotOne => Why::NotARecording,
        RecordingError::Version(_) => Why::LaterVersion,
        RecordingError::Cut { .. } => Why::Cut,
        RecordingError::Damaged { .. } => Why::Damaged,
        RecordingError::TooMuch(_) => Why::TooMuch,
        _ => Why::FileError,
    };
    (why, error.to_string())
}

fn told<T>(result: Result<T, RecordingError>) -> Result<T, Failure> {
    result.map_err(|error| failure(&error))
}

fn path<'a>(bytes: &'a Binary<'_>) -> &'a Path {
    Path::new(OsStr::from_bytes(bytes.as_slice()))
}

#[rustler::nif(schedule = "DirtyIo")]
fn recording_begin(
    file: Binary<'_>,
    overwrite: bool,
    about: Beginning,
) -> Result<WriterRef, Failure> {
    let meanings = Meanings {
        entry: payload::ENTRY,
        is_set: Sets::is_set,
    };
    let writer = Writer::create(path(&file), overwrite, &about.into(), meanings);
    let writer = told(writer)?;
    Ok(ResourceArc::new(Handle(Mutex::new(Some(writer)))))
}

impl Handle {
    fn with<T>(
        &self,
        run: impl FnOnce(&mut Writer) -> Result<T, RecordingError>,
    ) -> NifResult<Result<T, Failure>> {
        let mut writer = self.0.lock();
        let writer = writer.as_mut().ok_or(Error::BadArg)?;
        Ok(told(run(writer)))
    }
}

/// Adds what was found.
#[rustler::nif(schedule = "DirtyIo")]
fn recording_put(writer: WriterRef, found: FoundRef) -> NifResult<Result<(), Failure>> {
    writer.with(|writer| writer.put(&found.0.events))
}

/// Adds of what was found that which explains what was put.
#[rustler::nif(schedule = "DirtyIo")]
fn recording_beside(
    writer: WriterRef,
    found: FoundRef,
    what: What,
) -> NifResult<Result<(), Failure>> {
    let what = match what {
        What::Gaps => Beside::Gaps,
        What::Names => Beside::Names,
        What::Entries => Beside::Entries,
        What::Calls => Beside::Calls,
        What::Last => Beside::Last,
        What::Traces => Beside::Traces,
        What::Notes => Beside::Notes,
        What::Halves => Beside::Halves,
    };
    writer.with(|writer| writer.beside(&found.0.events, what))
}

/// Adds what a reading says of the messages among what was found.
#[rustler::nif(schedule = "DirtyIo")]
fn recording_pairs(
    writer: WriterRef,
    found: FoundRef,
    pairs: ReadingRef,
) -> NifResult<Result<(), Failure>> {
    let events = found.0.events.iter();
    let messages = events.filter(|event| event.kind().family() == Family::Message);
    writer.with(|writer| {
        let mut told = HashSet::new();
        for message in messages {
            let id = (message.origin().clone(), message.seq());
            if told.contains(&id) {
                continue;
            }
            if let Some(found) = pairs.pair_of(&id) {
                told.extend(found.ids.iter().filter(|_| found.is_settled()).cloned());
                writer.pair(Paired {
                    id,
                    confidence: found.confidence.into(),
                    others: found.ids,
                })?;
            }
        }
        Ok(())
    })
}

/// Keys of ids that are not explained yet, and whether sets of traces are to be explained.
#[rustler::nif]
fn recording_open_questions<'a>(
    env: Env<'a>,
    writer: WriterRef,
    most: usize,
) -> NifResult<(Vec<Binary<'a>>, bool)> {
    let writer = writer.0.lock();
    let writer = writer.as_ref().ok_or(Error::BadArg)?;
    let keys = writer.unnamed(most);
    let keys = keys.iter().map(|key| {
        let mut binary = NewBinary::new(env, key.len());
        binary.as_mut_slice().copy_from_slice(key);
        binary.into()
    });
    Ok((keys.collect(), writer.has_sets()))
}

/// Numbers of other halves of messages that are not in it, each a run of one.
#[rustler::nif(schedule = "DirtyCpu")]
fn recording_halves(writer: WriterRef, most: usize) -> NifResult<Vec<Row>> {
    let mut writer = writer.0.lock();
    let writer = writer.as_mut().ok_or(Error::BadArg)?;
    let row = |(origin, seq): (Origin, Seq)| {
        let Origin { node, incarnation } = origin;
        (node.to_string(), incarnation, seq, seq)
    };
    Ok(writer.halves(most).into_iter().map(row).collect())
}

/// Writes the rest, and puts the file in its place.
#[rustler::nif(schedule = "DirtyIo")]
fn recording_finish(writer: WriterRef, outcome: Ending) -> NifResult<Result<(Sums, u64), Failure>> {
    let writer = writer.0.lock().take().ok_or(Error::BadArg)?;
    let damaged = writer.damaged();
    Ok(told(
        writer
            .finish(&outcome.into())
            .map(|totals| (totals.into(), damaged)),
    ))
}

/// It is not wanted any more: nothing is left of it.
#[rustler::nif(schedule = "DirtyIo")]
fn recording_abandon(writer: WriterRef) -> bool {
    writer.0.lock().take().is_some()
}

/// Opens a file as a scope.
#[rustler::nif(schedule = "DirtyIo")]
fn recording_open<'a>(
    env: Env<'a>,
    settings: Settings,
    file: Binary<'a>,
    salvage: bool,
) -> Result<(ScopeRef, u8, Told<'a>), Failure> {
    let recording = told(Recording::open(path(&file), salvage))?;
    let about = Told::of(env, &recording);
    let mut opening = settings.opening(env.pid());
    opening.recording = Some(recording);
    let scope = scopes::open(opening).map_err(|error| (Why::NoScope, error.to_string()))?;
    let index = scope.id.index();
    Ok((ResourceArc::new(Opened(scope)), index, about))
}

impl<'a> Told<'a> {
    fn of(env: Env<'a>, recording: &Recording) -> Self {
        let members = &recording.about().members;
        let missing = &recording.outcome().missing;
        Self {
            nodes: members
                .iter()
                .map(|node| symbols::atom(env, node))
                .collect(),
            missing: missing
                .iter()
                .map(|(node, _)| symbols::atom(env, node))
                .collect(),
            beside: recording.beside().iter().map(row).collect(),
            about: recording.about().into(),
            outcome: recording.outcome().into(),
            totals: (*recording.totals()).into(),
            lost: recording.lost(),
        }
    }
}

impl From<Beginning> for About {
    fn from(about: Beginning) -> Self {
        let cover = |(node, incarnation, first, last)| Cover {
            origin: Origin::new(String::as_str(&node), incarnation),
            first,
            last: Seq::max(first, last),
        };
        Self {
            library: about.library,
            machine: about.machine,
            saved_ns: about.saved_ns,
            by: about.by,
            filters: about.filters,
            members: about.members,
            covers: about.covers.into_iter().map(cover).collect(),
        }
    }
}

impl From<&About> for Beginning {
    fn from(about: &About) -> Self {
        Self {
            library: about.library.clone(),
            machine: about.machine.clone(),
            saved_ns: about.saved_ns,
            by: about.by.clone(),
            filters: about.filters.clone(),
            members: about.members.clone(),
            covers: about.covers.iter().map(row).collect(),
        }
    }
}

fn row(cover: &Cover) -> Row {
    let Origin { node, incarnation } = &cover.origin;
    (node.to_string(), *incarnation, cover.first, cover.last)
}

impl From<Ending> for Outcome {
    fn from(ending: Ending) -> Self {
        Self {
            missing: ending.missing,
            dropped: ending.dropped,
            expired: ending.expired,
        }
    }
}

impl From<&Outcome> for Ending {
    fn from(outcome: &Outcome) -> Self {
        Self {
            missing: outcome.missing.clone(),
            dropped: outcome.dropped,
            expired: outcome.expired,
        }
    }
}

impl From<Totals> for Sums {
    fn from(totals: Totals) -> Self {
        let Totals {
            blocks,
            events,
            beside,
            pairs,
            bytes,
        } = totals;
        Self {
            blocks,
            events,
            beside,
            pairs,
            bytes,
        }
    }
}
