//! Stores filled with the kinds of load that the figures speak of.

use scope_event::{
    Block, Budget, Codec, Interner, Kind, Origin, Pid, RawEvent, Subject, SymbolTable, Symbols,
    TermWriter, consolidate,
};
use scope_store::{Config, Store};
use scope_sync::Holdings;
use std::sync::Arc;
use std::time::Duration;

const START_MS: u64 = 1_600_000_000_000;
/// One event a third of a microsecond, as two busy schedulers make them.
const STEP: u64 = (1 << 32) / 3_000_000;

/// A filled store, and what is in it.
pub struct Load {
    pub name: &'static str,
    pub store: Store,
    pub ns_per_event: f64,
    names: Arc<SymbolTable>,
    /// Numbers of the processes that have states.
    servers: Vec<u32>,
    from: u64,
    to: u64,
}

pub fn all() -> Vec<Load> {
    let servers = servers();
    let at_rest = servers.at_rest("servers, at rest");
    vec![servers, at_rest, walks(), short()]
}

fn events() -> u64 {
    if std::env::var_os("SCOPE_LONG").is_some() {
        10_000_000
    } else {
        1_000_000
    }
}

/// splitmix64.
fn spread(n: u64) -> u64 {
    let n = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (n >> 31)
}

impl Load {
    /// A process that has states, and a moment.
    pub fn state(&self, sample: usize) -> (Pid, u64) {
        let random = spread(sample as u64);
        let server = self.servers[random as usize % self.servers.len()];
        let span = (self.to - self.from).max(1);
        (self.pid(server), self.from + spread(random) % span)
    }

    /// A process and a tenth of the time.
    pub fn window(&self, sample: usize) -> (Pid, u64, u64) {
        let (pid, at) = self.state(sample);
        (pid, at, at + (self.to - self.from) / 10)
    }

    /// The same blocks as a peer keeps them once they were consolidated.
    fn at_rest(&self, name: &'static str) -> Self {
        let names = self.names.clone();
        let config = Config {
            retention_bytes: 4 << 30,
            retention_age: Duration::MAX,
            ..Config::new(Origin::new("peer@host.example", 1))
        };
        let store = Store::open(config, Arc::new(Interner::new(names.clone()))).expect("a store");
        let took = crate::cpu_time();
        for origin in (&self.store).origins() {
            for info in (&self.store).blocks(&origin, 1, u64::MAX, usize::MAX) {
                let bytes = (&self.store).read(&info).expect("a block");
                let block = Block::parse(bytes).expect("a block");
                let block = consolidate(&[block], Codec::at_rest()).expect("a block");
                (&mut &store).insert(block.bytes());
            }
        }
        let events = store.stats().events as f64;
        Self {
            name,
            ns_per_event: (crate::cpu_time() - took).as_nanos() as f64 / events,
            store,
            names,
            servers: self.servers.clone(),
            ..*self
        }
    }

    fn pid(&self, id: u32) -> Pid {
        Symbols::pid(&*self.names, self.names.pid_word(id))
    }
}

struct Filler {
    store: Store,
    names: Arc<SymbolTable>,
    stamp: u64,
    count: u64,
}

impl Filler {
    fn new() -> Self {
        let names = Arc::new(SymbolTable::new("shop@host.example"));
        let config = Config {
            retention_bytes: 4 << 30,
            ..Config::new(Origin::new("shop@host.example", 1))
        };
        let store = Store::open(config, Arc::new(Interner::new(names.clone()))).expect("a store");
        Self {
            store,
            names,
            stamp: (START_MS / 1000) << 32,
            count: 0,
        }
    }

    fn push(&mut self, event: RawEvent<'_>) {
        self.count += 1;
        self.stamp += STEP / 2 + spread(self.count) % STEP;
        self.store.push(
            0,
            &RawEvent {
                stamp: self.stamp,
                ..event
            },
            START_MS,
        );
    }

    fn function(&self, module: &str, function: &str, arity: u8) -> Subject<'static> {
        Subject::Mfa {
            module: self.names.word(module),
            function: self.names.word(function),
            arity,
        }
    }

    fn done(self, name: &'static str, servers: Vec<u32>, took: Duration) -> Load {
        self.store.close_now();
        let ns_per_event = (crate::cpu_time() - took).as_nanos() as f64 / self.count as f64;
        let from = (START_MS / 1000) << 32;
        Load {
            name,
            store: self.store,
            ns_per_event,
            names: self.names,
            servers,
            from,
            to: self.stamp,
        }
    }
}

/// A state: a map of a counter and a name.
fn state<'a>(names: &SymbolTable, n: u64, room: &'a mut [u8]) -> &'a [u8] {
    let mut to = TermWriter::new(room, Budget::STATES);
    let _ = to.map(3, None);
    for (key, value) in [("count", n), ("size", n / 7), ("table", 3)] {
        let _ = to.atom(names.word(key));
        let _ = to.int(value as i64);
    }
    to.finish()
}

/// Servers that handle calls: the last state of each is asked for.
fn servers() -> Load {
    let mut filler = Filler::new();
    let serve = [
        "decode_msg",
        "handle_msg",
        "try_handle_call",
        "handle_common_reply",
    ]
    .map(|function| filler.function("gen_server", function, 4));
    let handle = filler.function("Elixir.KV.Server", "handle_call", 3);
    let lookup = filler.function("Elixir.KV.Server", "lookup", 2);
    let took = crate::cpu_time();
    while filler.count < events() {
        let server = filler
            .names
            .pid_word(100 + (spread(filler.count) % 20) as u32);
        let event = |kind, subject| RawEvent::new(kind, 0, server).about(subject);
        filler.push(event(Kind::Receive, Subject::None));
        for function in serve.into_iter().chain([handle, lookup]) {
            filler.push(event(Kind::Call, function));
        }
        for function in [lookup, handle].into_iter().chain(serve.into_iter().rev()) {
            filler.push(event(Kind::Return, function));
        }
        let mut room = [0; 128];
        let names = filler.names.clone();
        let term = state(&names, filler.count, &mut room);
        filler.push(event(Kind::State, handle).with_data(term));
        filler.push(event(Kind::Send, Subject::Pid(filler.names.pid_word(90))));
    }
    filler.done("servers", (100..120).collect(), took)
}

/// Three processes that recurse through 140 functions.
fn walks() -> Load {
    let mut filler = Filler::new();
    let functions: Vec<_> = (0..140u8)
        .map(|n| filler.function("Elixir.Code.Formatter", &format!("f{n}"), n % 4))
        .collect();
    let took = crate::cpu_time();
    while filler.count < events() {
        let walk = spread(filler.count);
        let pid = filler.names.pid_word(200 + (walk % 3) as u32);
        let path: Vec<_> = (0..12)
            .map(|depth| functions[(walk >> depth) as usize % 140])
            .collect();
        for function in &path {
            filler.push(RawEvent::new(Kind::Call, 0, pid).about(*function));
        }
        for function in path.iter().rev() {
            filler.push(RawEvent::new(Kind::Return, 0, pid).about(*function));
        }
    }
    filler.done("walks", vec![200, 201, 202], took)
}

/// 100,000 short processes, each with a correlation of its own and one state.
fn short() -> Load {
    let mut filler = Filler::new();
    let handle = filler.function("Elixir.KV.Server", "handle_call", 3);
    let each = (events() / 100_000).max(4);
    let took = crate::cpu_time();
    for number in 0..100_000u32 {
        let pid = filler.names.pid_word(1_000 + number);
        let (mut id, mut room) = ([0; 16], [0; 128]);
        let mut to = TermWriter::new(&mut id, Budget::ARGUMENTS);
        let _ = to.int(i64::from(number));
        let id = to.finish();
        let names = filler.names.clone();
        for step in 0..each {
            let event = match step {
                0 => RawEvent::new(Kind::Spawn, 0, pid),
                1 => RawEvent::new(Kind::State, 0, pid).with_data(state(&names, step, &mut room)),
                n if n + 1 == each => RawEvent::new(Kind::Exit, 0, pid),
                n if n % 2 == 0 => RawEvent::new(Kind::Call, 0, pid).about(handle),
                _ => RawEvent::new(Kind::Return, 0, pid).about(handle),
            };
            filler.push(event.correlated(id));
        }
    }
    filler.done("short processes", (1_000..101_000).collect(), took)
}
