//! Keys: what happened to what.
//!
//! A return is predicted from the calls that its process has open; that, and everything else, is
//! predicted from the last two keys of the process. Only what was not expected is stored.

mod roles;

use super::exceptions::{Exceptions, Predicted};
use super::fresh::Fresh;
use super::order::Sizes;
use crate::block::BlockError;
use crate::block::dictionary::{Dictionary, Key, KeySubject};
use crate::block::intake::NameTable;
use crate::bytes::put_varint;
use crate::hash::spread;
use crate::kind::Kind;
use roles::{Role, returns};

/// Stands for the return from the innermost open call.
const RETURN: u32 = 0;
/// No key: a call whose return does not occur in the block.
const NO_KEY: u32 = u32::MAX;
/// Entries in the table of what followed two keys.
const CONTEXTS: usize = 4096;
/// Open calls of a process that are remembered; deeper ones are predicted by what came before.
const DEEPEST: usize = 1024;
/// How far down an exception is looked for among the open calls.
const UNWIND: usize = 16;

pub(super) fn encode(
    (column, pids): (&[u32], &[u32]),
    names: &NameTable,
    sizes: &Sizes,
    out: &mut Vec<u8>,
) {
    let mut out = Exceptions::new(out);
    let returns = |subject| {
        names.index_of(&Key {
            kind: Kind::Return,
            subject,
        })
    };
    let mut model = Model::new(&names.dictionary, returns);
    for section in sizes.ranges() {
        model.next_section();
        for (key, pid) in column[section.clone()].iter().zip(&pids[section]) {
            match model.surprise(*pid, *key) {
                Some(symbol) => put_varint(out.fail(), u64::from(symbol)),
                None => out.hold(),
            }
        }
    }
}

pub(super) fn decode(
    bytes: &[u8],
    sizes: &Sizes,
    names: &Dictionary,
    pids: &[u32],
) -> Result<Vec<u32>, BlockError> {
    let mut keys = Vec::with_capacity(sizes.events());
    let all = |key| {
        keys.push(key);
        true
    };
    each(bytes, sizes, names, pids, all)?;
    Ok(keys)
}

/// Shows the keys one after another, as long as `more` wants.
pub(super) fn each(
    bytes: &[u8],
    sizes: &Sizes,
    names: &Dictionary,
    pids: &[u32],
    mut more: impl FnMut(u32) -> bool,
) -> Result<(), BlockError> {
    let mut column = Predicted::new(bytes)?;
    let returns = returns(&names.keys);
    let mut model = Model::new(names, |subject| returns.get(&subject).copied());
    for section in sizes.ranges() {
        model.next_section();
        for run in pids[section].chunk_by(|a, b| a == b) {
            if !model.run(run[0]).each(&mut column, run.len(), &mut more)? {
                return Ok(());
            }
        }
    }
    column.finish(sizes.are_all())
}

/// A process as far as its section goes.
#[derive(Clone, Default)]
struct Process {
    /// The returns that are due, outermost first.
    due: Vec<u32>,
    /// The last key plus one and the one before it.
    context: [u32; 2],
}

struct Model {
    roles: Vec<Role>,
    processes: Fresh<Process>,
    /// The symbol that followed two keys last time.
    followed: Box<[u32; CONTEXTS]>,
}

/// A process while its lane runs it.
struct Running<'m> {
    process: &'m mut Process,
    followed: &'m mut [u32; CONTEXTS],
    roles: &'m [Role],
}

impl Model {
    /// `returns` knows the key of the return with a subject.
    fn new(names: &Dictionary, returns: impl Fn(KeySubject) -> Option<u32>) -> Self {
        let role = |key: &Key| Role::of(key, || returns(key.subject));
        Self {
            roles: names.keys.iter().map(role).collect(),
            processes: Fresh::new(names.pids.len() + 1),
            followed: Box::new([RETURN; CONTEXTS]),
        }
    }

    fn next_section(&mut self) {
        self.processes.next_section();
        self.followed.fill(RETURN);
    }

    /// The symbol of a key, unless it was expected.
    #[inline]
    fn surprise(&mut self, pid: u32, key: u32) -> Option<u32> {
        let process = self.processes.of(pid);
        let symbol = if process.due.last() == Some(&key) {
            RETURN
        } else {
            key + 1
        };
        let expected = &mut self.followed[process.slot()];
        let surprise = (*expected != symbol).then_some(symbol);
        *expected = symbol;
        process.happened(key, self.roles[key as usize]);
        surprise
    }

    fn run(&mut self, pid: u32) -> Running<'_> {
        Running {
            process: self.processes.of(pid),
            followed: &mut self.followed,
            roles: &self.roles,
        }
    }
}

impl Running<'_> {
    /// Shows so many keys; answers whether more are wanted.
    #[inline]
    fn each(
        &mut self,
        column: &mut Predicted<'_>,
        mut left: usize,
        more: &mut impl FnMut(u32) -> bool,
    ) -> Result<bool, BlockError> {
        loop {
            let held = column.hold(left);
            for _ in 0..held {
                if !more(self.expected()?) {
                    return Ok(false);
                }
            }
            left -= held;
            if left == 0 {
                return Ok(true);
            }
            let symbol = column.surprise(|at| Ok(at.varint32()?))?;
            if !more(self.surprised(symbol)?) {
                return Ok(false);
            }
            left -= 1;
        }
    }

    /// The key that was expected.
    #[inline]
    fn expected(&mut self) -> Result<u32, BlockError> {
        let symbol = self.followed[self.process.slot()];
        self.key(symbol)
    }

    /// The key of another symbol.
    #[inline]
    fn surprised(&mut self, symbol: u32) -> Result<u32, BlockError> {
        self.followed[self.process.slot()] = symbol;
        self.key(symbol)
    }

    #[inline]
    fn key(&mut self, symbol: u32) -> Result<u32, BlockError> {
        let key = match symbol.checked_sub(1) {
            Some(key) => key,
            None => self.process.due.last().copied().unwrap_or(NO_KEY),
        };
        let role = self.roles.get(key as usize);
        let role = role.ok_or(BlockError::Content("key"))?;
        self.process.happened(key, *role);
        Ok(key)
    }
}

impl Process {
    /// Place of what followed the last two keys.
    #[inline]
    fn slot(&self) -> usize {
        let [last, before] = self.context;
        spread(u64::from(last) << 32 | u64::from(before)) as usize % CONTEXTS
    }

    #[inline]
    fn happened(&mut self, key: u32, role: Role) {
        self.context = [key + 1, self.context[0]];
        match role {
            Role::Enter { returns } => self.enter(returns),
            Role::Leave { returns } => self.leave(returns),
            Role::Stay => {}
        }
    }

    fn enter(&mut self, returns: u32) {
        if self.due.len() < DEEPEST {
            self.due.push(returns);
        }
    }

    /// Closes the innermost call with that return, if it is near.
    #[inline]
    fn leave(&mut self, returns: u32) {
        if self.due.last() == Some(&returns) {
            self.due.pop();
        } else {
            self.unwind(returns);
        }
    }

    #[cold]
    fn unwind(&mut self, returns: u32) {
        let found = self
            .due
            .iter()
            .rev()
            .take(UNWIND)
            .position(|due| *due == returns);
        if let Some(above) = found {
            self.due.truncate(self.due.len() - above - 1);
        }
    }
}
