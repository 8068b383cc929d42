//! The one question of a trace point: which of the running traces want this?

use crate::primitive::AtomicU64;
use crate::{Places, Traces};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// Functions that can be traced at one time: a third, so that searches stay short.
#[cfg(not(loom))]
const FUNCTIONS: usize = 32 * 1024;
#[cfg(loom)]
const FUNCTIONS: usize = 2;

/// Processes that can be told apart at one time.
#[cfg(not(loom))]
const PROCESSES: usize = 64 * 1024;
#[cfg(loom)]
const PROCESSES: usize = 2;

/// Callbacks that leave a state, of servers and of state machines.
#[cfg(not(loom))]
const CALLBACKS: usize = 8 * 1024;
#[cfg(loom)]
const CALLBACKS: usize = 2;

/// Added to the arity in the key of a callback.
const SERVER: u64 = 1 << 8;
const MACHINE: u64 = 1 << 9;

/// The most functions and processes that can be known at one time.
pub const LIMITS: [usize; 2] = [FUNCTIONS, PROCESSES];

/// Processes whose children are not those of a program.
#[cfg(not(loom))]
const OURS: usize = 64;
#[cfg(loom)]
const OURS: usize = 1;

/// Kinds of events, by their code.
const KINDS: usize = 128;

/// A function, in words of the virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Module and function in one word.
    pub name: u64,
    /// How many arguments it takes.
    pub arity: u8,
}

/// What a trace wants besides functions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Calls by whichever process, not only by those that it is told of.
    pub any_process: bool,
    /// Whatever process begins while it runs.
    pub new_processes: bool,
    /// A process is told of as soon as it calls one of the functions.
    pub callers: bool,
    /// The kinds of what it wants of the processes that it was told of: a bit for each code.
    pub kinds: u128,
}

/// Functions and processes, and who wants them.
///
/// Invariant: a trace that is not in `live` wants nothing, whatever else still names it. It leaves
/// `live` first and its bit goes to another one only after it was swept from everywhere.
pub struct Points {
    live: AtomicU64,
    any: AtomicU64,
    new: AtomicU64,
    callers: AtomicU64,
    kinds: [AtomicU64; KINDS],
    functions: Places<FUNCTIONS>,
    callbacks: Places<CALLBACKS>,
    processes: Places<PROCESSES>,
    ours: [AtomicU64; OURS],
}

/// The second half of the key of a process.
const PROCESS: u64 = 0;

impl Points {
    /// Points that nobody wants.
    #[cfg(not(loom))]
    #[expect(
        clippy::new_without_default,
        reason = "it is megabytes: for statics only"
    )]
    pub const fn new() -> Self {
        Self {
            live: AtomicU64::new(0),
            any: AtomicU64::new(0),
            new: AtomicU64::new(0),
            callers: AtomicU64::new(0),
            kinds: [const { AtomicU64::new(0) }; KINDS],
            functions: Places::new(),
            callbacks: Places::new(),
            processes: Places::new(),
            ours: [const { AtomicU64::new(0) }; OURS],
        }
    }

    /// Points that nobody wants.
    #[cfg(loom)]
    #[expect(clippy::new_without_default, reason = "as in production")]
    pub fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            live: zero(),
            any: zero(),
            new: zero(),
            callers: zero(),
            kinds: std::array::from_fn(|_| zero()),
            functions: Places::new(),
            callbacks: Places::new(),
            processes: Places::new(),
            ours: std::array::from_fn(|_| zero()),
        }
    }

    /// Says what traces want that nobody knows yet; they get nothing before they [`go`](Self::go).
    pub fn begin(&self, traces: Traces, wish: &Wish) {
        set(&self.any, traces, wish.any_process);
        set(&self.new, traces, wish.new_processes);
        set(&self.callers, traces, wish.callers);
        for (kind, wanted) in self.kinds.iter().enumerate() {
            set(wanted, traces, wish.kinds >> kind & 1 == 1);
        }
    }

    /// Lets traces run that have begun.
    pub fn go(&self, traces: Traces) {
        set(&self.live, traces, true);
    }

    /// From now on they want nothing. What still names them is for [`sweep`](Self::sweep).
    pub fn end(&self, traces: Traces) {
        set(&self.live, traces, false);
    }

    /// Forgets traces that have ended, so that their bits can be given to others.
    pub fn sweep(&self, traces: Traces) {
        let singles = [&self.any, &self.new, &self.callers];
        let kinds = self.kinds.iter();
        kinds.chain(singles).for_each(|of| set(of, traces, false));
        self.functions.sweep(traces);
        self.callbacks.sweep(traces);
        self.processes.sweep(traces);
    }

    /// Those that run.
    #[inline]
    pub fn live(&self) -> Traces {
        // Ordering: acquire, so that who finds a trace running finds what it wants.
        Traces::from_bits(self.live.load(Acquire))
    }

    /// Traces want the calls of a function, and those in `awaiting` the return of each of them; false
    /// if there are too many functions.
    pub fn add_function(&self, function: Function, traces: Traces, awaiting: Traces) -> bool {
        let Function { name, arity } = function;
        self.functions.add(name, u64::from(arity), traces, awaiting)
    }

    /// Who is told of every return of a function that it is told of the calls of.
    #[inline]
    pub fn awaiting(&self, function: Function) -> Traces {
        self.functions
            .get(function.name, u64::from(function.arity))
            .1
    }

    /// They no longer want it.
    pub fn remove_function(&self, function: Function, traces: Traces) {
        self.functions
            .remove(function.name, u64::from(function.arity), traces);
    }

    /// Traces want the state that a callback leaves, of a state machine or of another server.
    pub fn add_callback(&self, function: Function, machine: bool, traces: Traces) -> bool {
        let more = u64::from(function.arity) + if machine { MACHINE } else { SERVER };
        self.callbacks
            .add(function.name, more, traces, Traces::NONE)
    }

    /// Who wants the state that a callback left, and whether it is a state machine's.
    #[inline]
    pub fn of_state(&self, function: Function, pid: u64) -> (Traces, bool) {
        if self.callbacks.counts().0 == 0 {
            return (Traces::NONE, false);
        }
        let known = |more| {
            let arity = u64::from(function.arity);
            self.callbacks.get(function.name, arity + more).0 & self.live()
        };
        let (server, machine) = (known(SERVER), known(MACHINE));
        let any = Traces::from_bits(self.any.load(Relaxed));
        let told = any | self.processes.get(pid, PROCESS).0;
        if machine.is_empty() {
            (server & told, false)
        } else {
            (machine & told, true)
        }
    }

    /// Traces want what a process does, and what those do that it starts, where `heirs` says so.
    pub fn add_process(&self, pid: u64, traces: Traces, heirs: Traces) -> bool {
        self.processes.add(pid, PROCESS, traces, heirs)
    }

    /// Who wants this call.
    #[inline]
    pub fn of_call(&self, function: Function, pid: u64) -> Traces {
        let live = self.live();
        let (wanted, _) = self.functions.get(function.name, u64::from(function.arity));
        let wanted = wanted & live;
        // Ordering: relaxed here and below; `live` was acquired after all of it was set.
        let any = Traces::from_bits(self.any.load(Relaxed));
        if wanted.without(any).is_empty() {
            return wanted;
        }
        wanted & (any | self.processes.get(pid, PROCESS).0)
    }

    /// Who wants what a process does otherwise.
    #[inline]
    pub fn of_process(&self, kind: u8, pid: u64) -> Traces {
        let kind = &self.kinds[usize::from(kind) % KINDS];
        let wanted = Traces::from_bits(kind.load(Relaxed)) & self.live();
        if wanted.is_empty() {
            return wanted;
        }
        wanted & self.processes.get(pid, PROCESS).0
    }

    /// Whether any running trace wants this kind of any process.
    #[inline]
    pub fn wants(&self, kind: u8) -> bool {
        let kind = &self.kinds[usize::from(kind) % KINDS];
        !(Traces::from_bits(kind.load(Relaxed)) & self.live()).is_empty()
    }

    /// A process made a call that these traces want: to be told by itself.
    #[inline]
    pub fn called(&self, pid: u64, traces: Traces) {
        let callers = Traces::from_bits(self.callers.load(Relaxed)) & traces;
        if !callers.is_empty()
            && !callers
                .without(self.processes.get(pid, PROCESS).0)
                .is_empty()
        {
            self.processes.add(pid, PROCESS, callers, Traces::NONE);
        }
    }

    /// A process began: to be told by itself, before it does anything else.
    pub fn began(&self, pid: u64, parent: u64) {
        let (_, heirs) = self.processes.get(parent, PROCESS);
        let new = Traces::from_bits(self.new.load(Relaxed));
        let new = if self.is_ours(parent) {
            Traces::NONE
        } else {
            new
        };
        let (wanted, heirs) = ((heirs | new) & self.live(), heirs & self.live());
        if !wanted.is_empty() {
            self.processes.add(pid, PROCESS, wanted, heirs);
        }
    }

    /// What these start is none of the new processes that a trace wants: as many as there is room for.
    pub fn set_ours(&self, pids: impl Iterator<Item = u64>) {
        for (place, pid) in self.ours.iter().zip(pids.chain(std::iter::repeat(0))) {
            // Ordering: one that is seen late is told of as any other.
            place.store(pid, Relaxed);
        }
    }

    fn is_ours(&self, pid: u64) -> bool {
        // 0 is a place that is free, and the parent that a process of another node is.
        pid != 0 && self.ours.iter().any(|ours| ours.load(Relaxed) == pid)
    }

    /// A process ends: its place can go to another one.
    pub fn ended(&self, pid: u64) {
        let all = Traces::from_bits(u64::MAX);
        self.processes.remove(pid, PROCESS, all);
    }

    /// Frees places that ended a while ago: to be called now and then, by one caller.
    pub fn collect(&self, ended: &mut [Vec<usize>; 3]) {
        let [functions, callbacks, processes] = ended;
        self.functions.collect(functions);
        self.callbacks.collect(callbacks);
        self.processes.collect(processes);
    }

    /// Every function that a trace still names, callbacks among them.
    pub fn functions(&self) -> impl Iterator<Item = Function> {
        let known = self.functions.keys().chain(self.callbacks.keys());
        known.map(|(name, more)| Function {
            name,
            arity: (more & u64::from(u8::MAX)) as u8,
        })
    }

    /// Every process that a trace is told of: who is, and who also is of what it starts.
    pub fn processes(&self) -> impl Iterator<Item = (u64, Traces, Traces)> {
        self.processes.keys().map(|(pid, more)| {
            let (wanted, heirs) = self.processes.get(pid, more);
            (pid, wanted, heirs)
        })
    }

    /// Functions and processes known, and how many found no place.
    pub fn counts(&self) -> [(usize, usize); 2] {
        [self.functions.counts(), self.processes.counts()]
    }
}

fn set(of: &AtomicU64, traces: Traces, on: bool) {
    // Ordering: see `live`, which is set last and acquired first.
    if on {
        of.fetch_or(traces.bits(), AcqRel);
    } else {
        of.fetch_and(!traces.bits(), AcqRel);
    }
}
