//! A node that records calls at a steady pace.

use super::terms;
use scope_event::{Interner, Kind, Origin, RawEvent, Subject, SymbolTable, Value};
use scope_store::{Config, Match, Notice, Query, Store};
use std::path::Path;
use std::sync::Arc;

/// A store with its symbols and a clock that only moves when it is told to.
pub struct Node {
    pub store: Store,
    pub names: Arc<SymbolTable>,
    pub now_ms: u64,
    /// How many calls were recorded, in this life and, if a test says so, before.
    pub recorded: u64,
    pub notices: Vec<Notice>,
}

/// Where the clocks of tests begin: some day in 2020.
pub const START_MS: u64 = 1_600_000_000_000;

/// NTP64 bits of a millisecond.
pub fn stamp(ms: u64) -> u64 {
    ((ms / 1000) << 32) | (((ms % 1000) << 32) / 1000)
}

impl Node {
    pub fn with(config: Config) -> Self {
        let names = Arc::new(SymbolTable::new(config.origin.node.clone()));
        let store = Store::open(config, Arc::new(Interner::new(names.clone()))).unwrap();
        Self {
            store,
            names,
            now_ms: START_MS,
            recorded: 0,
            notices: Vec::new(),
        }
    }

    pub fn in_memory(node: &str) -> Self {
        Self::with(Config::new(Origin::new(node, 1)))
    }

    /// The `incarnation`-th life of a node with this folder.
    pub fn in_folder(dir: &Path, incarnation: u64) -> Self {
        Self::with(folder_config(dir, incarnation))
    }

    /// Records `count` calls, one a millisecond, whose argument is the call's number.
    pub fn calls(&mut self, count: u64) {
        let (module, function) = (self.names.word("Elixir.Shop"), self.names.word("buy"));
        for _ in 0..count {
            self.now_ms += 1;
            self.recorded += 1;
            let number = self.recorded;
            let data = terms::encode(&Value::Int(number as i64), &self.names);
            let pid = self.names.pid_word(100 + (number % 7) as u32);
            let call = RawEvent::new(Kind::Call, stamp(self.now_ms), pid)
                .about(Subject::Mfa {
                    module,
                    function,
                    arity: 1,
                })
                .with_data(&data);
            self.store.push(0, &call, self.now_ms);
        }
    }

    /// Goes on where an earlier life ended, after `calls` calls.
    pub fn after(mut self, calls: u64) -> Self {
        self.recorded = calls;
        self.now_ms += 1_000 * calls;
        self
    }

    /// Records blocks of so many calls each.
    pub fn blocks(&mut self, blocks: u64, calls: u64) {
        for _ in 0..blocks {
            self.calls(calls);
            self.store.close_now();
        }
    }

    /// Does what is to be done, as if time passed, until there is nothing more.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            let tended = self.store.tend(self.now_ms);
            self.notices.extend(tended.notices);
            match tended.next_ms {
                Some(next) => self.now_ms = self.now_ms.max(next),
                None => return,
            }
        }
        panic!("a store that never comes to rest");
    }

    pub fn all(&self) -> Vec<Match> {
        let answer = self.store.query(&Query {
            limit: usize::MAX,
            ..Query::default()
        });
        assert!(!answer.more);
        answer.events
    }

    /// The numbers of the calls that are held, as runs.
    pub fn numbers(&self) -> Runs {
        self.all()
            .iter()
            .filter(|event| event.kind() == Kind::Call)
            .map(number)
            .collect()
    }
}

/// Small segments in a folder.
pub fn folder_config(dir: &Path, incarnation: u64) -> Config {
    Config {
        dir: Some(dir.into()),
        segment_bytes: 16 << 10,
        ..Config::new(Origin::new("shop@host", incarnation))
    }
}

/// The number of a call.
pub fn number(call: &Match) -> i64 {
    match call.data_value() {
        Ok(Some(Value::Int(number))) => number,
        other => panic!("a call with {other:?}"),
    }
}

/// Numbers in the order in which they came, consecutive ones as one run.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Runs(pub Vec<(i64, i64)>);

impl FromIterator<i64> for Runs {
    fn from_iter<I: IntoIterator<Item = i64>>(numbers: I) -> Self {
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for number in numbers {
            match runs.last_mut() {
                Some(last) if last.1 + 1 == number => last.1 = number,
                _ => runs.push((number, number)),
            }
        }
        Self(runs)
    }
}

impl Runs {
    pub fn len(&self) -> i64 {
        self.0.iter().map(|(from, to)| to - from + 1).sum()
    }
}

/// `1..=to` as the numbers of calls.
pub fn up_to(to: i64) -> Runs {
    (1..=to).collect()
}
