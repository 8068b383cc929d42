//! Keys: what happened to what.
//!
//! A return is predicted from the calls that its process has open; that, and everything else, is
//! predicted from the last two keys of the process. Only what was not expected is stored.

use super::exceptions::{Exceptions, Predicted};
use super::fresh::Fresh;
use crate::block::BlockError;
use crate::block::dictionary::{Dictionary, Key, KeySubject, below};
use crate::block::rows::{Rows, Run, places};
use crate::bytes::put_varint;
use crate::hash::spread;
use crate::kind::Kind;
use std::collections::HashMap;

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

pub(super) fn encode(rows: &Rows, names: &Dictionary, sections: &[Vec<Run>], out: &mut Vec<u8>) {
    let mut column = Exceptions::new(out);
    let mut model = Model::new(names);
    for section in sections {
        model.next_section();
        for at in places(section) {
            let (pid, key) = (rows.pids[at], rows.keys[at]);
            let symbol = model.symbol(pid, key);
            if *model.expected(pid) == symbol {
                column.hold();
            } else {
                *model.expected(pid) = symbol;
                put_varint(column.fail(), u64::from(symbol));
            }
            model.happened(pid, key);
        }
    }
}

pub(super) fn decode(
    bytes: &[u8],
    sections: &[Vec<Run>],
    names: &Dictionary,
    rows: &mut Rows,
) -> Result<(), BlockError> {
    let mut column = Predicted::new(bytes)?;
    let mut model = Model::new(names);
    for section in sections {
        model.next_section();
        for at in places(section) {
            let pid = rows.pids[at];
            if let Some(symbol) = column.next(|at| Ok(at.varint32()?))? {
                *model.expected(pid) = symbol;
            }
            let symbol = *model.expected(pid);
            let key = model.key(pid, symbol).ok_or(BlockError::Content("key"))?;
            rows.keys[at] = below(key, names.keys.len(), "key")?;
            model.happened(pid, key);
        }
    }
    column.finish()
}

/// What a key does to the calls of its process.
#[derive(Clone, Copy)]
enum Role {
    /// Opens a call, which this key would return from.
    Enter { returns: u32 },
    /// Closes the call that this key, or the return in its place, belongs to.
    Leave { returns: u32 },
    /// Nothing.
    Stay,
}

/// A process as far as its section goes.
#[derive(Clone, Default)]
struct Process {
    /// The returns that are due, outermost first.
    due: Vec<u32>,
    /// Hash of the last two keys.
    context: [u32; 2],
}

struct Model {
    roles: Vec<Role>,
    processes: Fresh<Process>,
    /// The symbol that followed two keys last time.
    followed: Vec<u32>,
}

impl Model {
    fn new(names: &Dictionary) -> Self {
        Self {
            roles: roles(&names.keys),
            processes: Fresh::new(names.pids.len() + 1),
            followed: vec![RETURN; CONTEXTS],
        }
    }

    fn next_section(&mut self) {
        self.processes.next_section();
        self.followed.fill(RETURN);
    }

    /// The symbol expected of a process now.
    #[inline]
    fn expected(&mut self, pid: u32) -> &mut u32 {
        let [last, before] = self.processes.of(pid).context;
        let mixed = spread(u64::from(last) << 32 | u64::from(before));
        &mut self.followed[mixed as usize % CONTEXTS]
    }

    #[inline]
    fn symbol(&mut self, pid: u32, key: u32) -> u32 {
        let due = self.processes.of(pid).due.last();
        if due == Some(&key) { RETURN } else { key + 1 }
    }

    #[inline]
    fn key(&mut self, pid: u32, symbol: u32) -> Option<u32> {
        match symbol.checked_sub(1) {
            Some(key) => Some(key),
            None => self.processes.of(pid).due.last().copied(),
        }
    }

    #[inline]
    fn happened(&mut self, pid: u32, key: u32) {
        let process = self.processes.of(pid);
        process.context = [key + 1, process.context[0]];
        match self.roles[key as usize] {
            Role::Enter { returns } => process.enter(returns),
            Role::Leave { returns } => process.leave(returns),
            Role::Stay => {}
        }
    }
}

impl Process {
    fn enter(&mut self, returns: u32) {
        if self.due.len() < DEEPEST {
            self.due.push(returns);
        }
    }

    /// Closes the innermost call with that return, if it is near.
    fn leave(&mut self, returns: u32) {
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

fn roles(keys: &[Key]) -> Vec<Role> {
    let numbered = keys.iter().zip(0u32..);
    let returns: HashMap<KeySubject, u32> = numbered
        .filter(|(key, _)| key.kind == Kind::Return)
        .map(|(k, n)| (k.subject, n))
        .collect();
    let role = |key: &Key| {
        let returns = returns.get(&key.subject).copied().unwrap_or(NO_KEY);
        match key.kind {
            Kind::Call => Role::Enter { returns },
            Kind::Return | Kind::Exception => Role::Leave { returns },
            _ => Role::Stay,
        }
    };
    keys.iter().map(role).collect()
}
