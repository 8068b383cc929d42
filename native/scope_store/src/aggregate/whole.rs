//! Counting blocks whose events match by their key alone: most of it stands in the block already.

use super::counts::{By, Counted};
use super::functions::{Functions, Names};
use super::group::{About, Group};
use super::processes::Processes;
use crate::query::Query;
use crate::search::takes_key;
use scope_event::{Block, BlockError, Columns, Kind};

/// What was counted so far.
#[derive(Default)]
pub(super) struct Whole {
    counted: Counted,
    functions: Functions,
    processes: Processes,
}

impl Whole {
    /// Counts a block; answers whether it could be done this way.
    pub(super) fn count(&mut self, block: &Block, query: &Query, by: By) -> bool {
        count(block, query, by, self)
    }

    /// All that was counted.
    pub(super) fn finish(self) -> Counted {
        let mut counted = self.counted;
        self.functions.finish(&mut counted);
        self.processes.finish(&mut counted);
        counted
    }
}

fn count(block: &Block, query: &Query, by: By, whole: &mut Whole) -> bool {
    let counted = &mut whole.counted;
    let every_key = query.kinds.is_empty() && query.modules.is_empty() && query.mfa.is_none();
    match by {
        By::Kind if query.modules.is_empty() && query.mfa.is_none() => {
            count_kinds(block, query, counted);
            true
        }
        By::Kind | By::Key => count_keys(block, query, by, whole).is_ok(),
        By::Pid => every_key && count_pids(block, &mut whole.processes).is_ok(),
        By::Second => every_key && count_seconds(block, counted).is_ok(),
    }
}

fn count_kinds(block: &Block, query: &Query, counted: &mut Counted) {
    for (code, count) in block.header().counts.iter() {
        let kind = Kind::from_code(code);
        let taken = kind.filter(|kind| query.kinds.is_empty() || query.kinds.contains(*kind));
        if let Some(kind) = taken {
            counted.add(Group::Kind(kind), u64::from(count));
        }
    }
}

fn count_keys(block: &Block, query: &Query, by: By, whole: &mut Whole) -> Result<(), BlockError> {
    let columns = block.columns()?;
    let dictionary = columns.dictionary();
    let mut names = Names::new(dictionary);
    let taken = |key: &&_| takes_key(query, dictionary, key);
    let keys = dictionary.keys().iter().zip(columns.key_counts());
    for (key, count) in keys.filter(|(key, count)| **count > 0 && taken(key)) {
        let group = match by {
            By::Kind => Group::Kind(key.kind),
            _ if whole.functions.add(&mut names, key, *count) => continue,
            _ => Group::Key(key.kind, About::key(key.subject, dictionary)),
        };
        whole.counted.add(group, u64::from(*count));
    }
    Ok(())
}

fn count_pids(block: &Block, processes: &mut Processes) -> Result<(), BlockError> {
    let columns: Columns<'_> = block.columns()?;
    let pids = columns.dictionary().pids().iter().map(Some);
    let counts = columns.pid_counts()?;
    let counts = std::iter::once(None).chain(pids).zip(counts);
    counts
        .filter(|(_, count)| *count > 0)
        .for_each(|(pid, count)| processes.add(pid, count));
    Ok(())
}

/// A full block of a busy node lies within a second.
fn count_seconds(block: &Block, counted: &mut Counted) -> Result<(), BlockError> {
    let header = block.header();
    let (first, last) = (header.min_stamp >> 32, header.max_stamp >> 32);
    if first == last {
        counted.add(Group::Second(first), u64::from(header.events()));
        return Ok(());
    }
    let stamps = block.columns()?.stamps()?;
    for second in stamps.chunk_by(|a, b| a >> 32 == b >> 32) {
        let count = second.len() as u64;
        counted.add(Group::Second(second[0] >> 32), count);
    }
    Ok(())
}
