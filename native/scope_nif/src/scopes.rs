//! The scopes of this machine: a fixed number of places, so that recording finds its clock by an
//! index and nothing else.

use crate::{drain, keeper};
use parking_lot::{Mutex, RwLock};
use rustler::{LocalPid, Resource, ResourceArc};
use scope_clock::{Clock, ClockError, Counts, NodeId, Settings, Started};
use scope_event::{Interner, Origin};
use scope_store::recording::Recording;
use scope_store::{Config, Health, Store};
use scope_sync::Replica;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Scopes that can be open at one time.
pub(crate) const LIMIT: usize = 64;

static CLOCKS: [Clock; LIMIT] = [const { Clock::new() }; LIMIT];
static OPEN: [AtomicBool; LIMIT] = [const { AtomicBool::new(false) }; LIMIT];
static TABLE: RwLock<[Option<Arc<Scope>>; LIMIT]> = RwLock::new([const { None }; LIMIT]);

/// Scopes are opened and closed one after the other.
static TURN: Mutex<()> = Mutex::new(());

/// Which scope had each place last: its clock goes on where it was, another's begins anew.
static OWNERS: Mutex<[Option<String>; LIMIT]> = Mutex::new([const { None }; LIMIT]);

/// Names of this machine, known to every scope.
pub(crate) static NAMES: LazyLock<Arc<Interner>> =
    LazyLock::new(|| Arc::new(Interner::new(crate::symbols::Machine)));

/// A place in the table. The default scope has the first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScopeId(u8);

impl ScopeId {
    pub(crate) const DEFAULT: Self = Self(0);
    /// No place: what is recorded there is lost, and counted.
    const NONE: Self = Self(u8::MAX);

    pub(crate) fn from_int(value: Option<i64>) -> Self {
        value
            .and_then(|value| u8::try_from(value).ok())
            .map_or(Self::NONE, Self)
    }

    pub(crate) const fn index(self) -> u8 {
        self.0
    }
}

/// One open scope.
pub(crate) struct Scope {
    pub(crate) id: ScopeId,
    pub(crate) name: String,
    pub(crate) store: Store,
    pub(crate) replica: Mutex<Replica>,
    sync: scope_sync::Settings,
    /// How far back it begins to synchronise.
    back: Duration,
    /// Whom to tell what an operator wants to know.
    pub(crate) owner: LocalPid,
    /// Whom to tell of the first event after a silence, and whether the scope is silent.
    pub(crate) watcher: Mutex<Option<LocalPid>>,
    pub(crate) silent: AtomicBool,
    /// Whether something was stored since the watcher was last thought of.
    pub(crate) fresh: AtomicBool,
    /// Whether something was stored since the clock was last calibrated.
    pub(crate) stirred: AtomicBool,
    /// The store's generation when the keeper was last called.
    pub(crate) tended: AtomicU64,
    /// Stamps below belong to what had this place before.
    pub(crate) since: AtomicU64,
    /// What the clock had counted before.
    pub(crate) counted: Counts,
    /// The clock's generation whose anchors the open block has.
    pub(crate) anchored: AtomicU64,
}

/// What Erlang holds of a scope.
pub(crate) struct Handle(pub(crate) Arc<Scope>);

#[rustler::resource_impl]
impl Resource for Handle {}

// A NIF that panics poisons nothing: every lock here is free again, and what it guards is a state
// machine whose steps are whole.
impl std::panic::RefUnwindSafe for Handle {}

pub(crate) type ScopeRef = ResourceArc<Handle>;

impl Scope {
    pub(crate) fn clock(&self) -> &'static Clock {
        &CLOCKS[usize::from(self.id.0)]
    }
}

/// The clock of an open scope.
#[inline]
pub(crate) fn clock(id: ScopeId) -> Option<&'static Clock> {
    let at = usize::from(id.0);
    // Ordering: acquire, so that the clock was started before it is read.
    OPEN.get(at)
        .filter(|open| open.load(Ordering::Acquire))
        .map(|_| &CLOCKS[at])
}

/// The open scopes, by place.
pub(crate) fn all() -> [Option<Arc<Scope>>; LIMIT] {
    TABLE.read().clone()
}

/// What a scope is opened with.
pub(crate) struct Opening {
    pub(crate) name: String,
    pub(crate) default: bool,
    pub(crate) owner: LocalPid,
    pub(crate) origin: Origin,
    pub(crate) config: Config,
    pub(crate) sync: scope_sync::Settings,
    pub(crate) back: Duration,
    pub(crate) max_drift: Duration,
    /// What it is of, where it is one.
    pub(crate) recording: Option<Recording>,
}

/// Why a scope is not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("too many scopes")]
    TooMany,
    #[error(transparent)]
    Clock(#[from] ClockError),
    #[error(transparent)]
    Store(#[from] scope_store::StoreError),
}

/// Opens a scope; one of the same name that its owner left behind makes room.
pub(crate) fn open(opening: Opening) -> Result<Arc<Scope>, OpenError> {
    let _turn = TURN.lock();
    let mut open = all().into_iter().flatten();
    if let Some(old) = open.find(|scope| scope.name == opening.name) {
        shut(&old);
    }
    let id = place(opening.default).ok_or(OpenError::TooMany)?;
    let scope = Arc::new(build(id, opening)?);
    drain::past_now_then(|| set(id, Some(Arc::clone(&scope))));
    // Ordering: release, so that whoever finds it open finds the clock running.
    OPEN[usize::from(id.0)].store(true, Ordering::Release);
    keeper::wake();
    Ok(scope)
}

/// Begins a new incarnation, perhaps under another name. What the rings hold still belongs to the old
/// one. A clock that begins `anew` does so at the wall clock, which is behind the old one's stamps; with
/// one that goes on, whoever was recording meanwhile comes first in the new incarnation.
pub(crate) fn renew(
    scope: &Scope,
    node: &str,
    incarnation: u64,
    anew: bool,
) -> Result<(), OpenError> {
    let origin = Origin::new(node, incarnation);
    drain::past_now_without(Some(scope), || {
        let now = if anew {
            let now = scope.clock().renew(node_of(&origin))?.stamp;
            // Ordering: read with the drain's lock held, as it is written.
            scope.since.store(now.bits(), Ordering::Relaxed);
            now
        } else {
            scope.clock().rename(node_of(&origin))?
        };
        scope.store.begin(origin.clone())?;
        *scope.replica.lock() = crate::sync::replica(&origin, scope.sync.clone(), now, scope.back);
        Ok(())
    })
}

/// Closes a scope: what its rings hold is stored first, then nothing more is taken.
pub(crate) fn close(scope: &Arc<Scope>) {
    let _turn = TURN.lock();
    let held = TABLE.read()[usize::from(scope.id.0)].clone();
    if held.is_some_and(|held| Arc::ptr_eq(&held, scope)) {
        shut(scope);
    }
}

fn shut(scope: &Scope) {
    OPEN[usize::from(scope.id.0)].store(false, Ordering::Release);
    drain::past_now_without(Some(scope), || set(scope.id, None));
    scope.store.shut(drain::unix_ms());
}

fn set(id: ScopeId, scope: Option<Arc<Scope>>) {
    TABLE.write()[usize::from(id.0)] = scope;
}

fn place(default: bool) -> Option<ScopeId> {
    let table = TABLE.read();
    let first = usize::from(!default);
    let last = if default { 1 } else { LIMIT };
    let free = (first..last).find(|&at| table[at].is_none())?;
    u8::try_from(free).ok().map(ScopeId)
}

fn build(id: ScopeId, mut opening: Opening) -> Result<Scope, OpenError> {
    let (config, names) = (opening.config.clone(), Arc::clone(&NAMES));
    let store = match opening.recording.take() {
        Some(recording) => Store::of_recording(config, names, recording)?,
        None => Store::open(config, names)?,
    };
    // A folder that somebody else has is not the clock's either.
    let folder = (store.stats().health == Health::Saving).then_some(opening.config.dir.as_deref());
    let started = start_clock(id, &opening, folder.flatten())?;
    let (now, settings) = (started.stamp, opening.sync.clone());
    let replica = crate::sync::replica(&opening.origin, settings, now, opening.back);
    Ok(Scope {
        id,
        name: opening.name,
        store,
        replica: Mutex::new(replica),
        sync: opening.sync,
        back: opening.back,
        owner: opening.owner,
        watcher: Mutex::new(None),
        silent: AtomicBool::new(true),
        fresh: AtomicBool::new(false),
        stirred: AtomicBool::new(true),
        tended: AtomicU64::new(0),
        since: AtomicU64::new(started.stamp.bits()),
        counted: CLOCKS[usize::from(id.0)].status().counts,
        anchored: AtomicU64::new(0),
    })
}

/// A clock that would start so far ahead of the wall that nobody took its stamps starts at the wall.
fn start_clock(
    id: ScopeId,
    opening: &Opening,
    folder: Option<&Path>,
) -> Result<Started, ClockError> {
    let clock = &CLOCKS[usize::from(id.0)];
    let node = node_of(&opening.origin);
    let mut settings = Settings::new(node);
    settings.limit = opening.max_drift;
    settings.folder = folder.map(Path::to_path_buf);
    let started = clock.start(settings)?;
    let before = OWNERS.lock()[usize::from(id.0)].replace(opening.name.clone());
    let is_new = before.is_some_and(|before| before != opening.name);
    if is_new || started.wall_behind {
        clock.renew(node)
    } else {
        Ok(started)
    }
}

fn node_of(origin: &Origin) -> NodeId {
    NodeId::new(&origin.node, origin.incarnation)
}
