//! Random events, stores and queries from a seed.

use super::naive::{Event, Subject};
use super::terms;
use scope_event::{Interner, Kind, Origin, Pid, RawEvent, SymbolTable, Symbols, Value};
use scope_store::{Config, Correlated, Cursor, Function, Kinds, Order, Query, Ranges, Store};
use scope_sync::{Holdings, Outcome};
use std::sync::Arc;

/// splitmix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

pub const MODULES: [&str; 3] = ["Elixir.Shop", "Elixir.Cart", "lists"];
pub const FUNCTIONS: [&str; 3] = ["add", "init", "handle_call"];
pub const TEXTS: [&str; 6] = ["Shop", "nothing", "secret", "a", "42", "handle"];
const KINDS: [Kind; 8] = [
    Kind::Call,
    Kind::Return,
    Kind::Send,
    Kind::Receive,
    Kind::Spawn,
    Kind::State,
    Kind::Mark,
    Kind::Gap,
];

/// A store and all that went into it.
pub struct Filled {
    pub store: Store,
    pub events: Vec<Event>,
    pub nodes: Vec<Arc<str>>,
    pub pids: Vec<Pid>,
}

/// How much a store holds, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Events of an origin at most.
    pub events: u64,
    /// Events of a block, about.
    pub block: u64,
    /// Bytes of decoded blocks that the store keeps.
    pub decoded_bytes: u64,
}

impl Size {
    /// Many small blocks, which the store keeps decoded.
    pub const SMALL: Self = Self {
        events: 120,
        block: 15,
        decoded_bytes: 8 << 20,
    };
}

/// A store of its own node for some origin, with its symbols.
pub fn node_store(origin: Origin) -> (Store, Arc<SymbolTable>) {
    store_with(origin, Size::SMALL.decoded_bytes)
}

fn store_with(origin: Origin, decoded_bytes: u64) -> (Store, Arc<SymbolTable>) {
    let names = Arc::new(SymbolTable::new(origin.node.clone()));
    let interner = Arc::new(Interner::new(names.clone()));
    let config = Config {
        retention_age: std::time::Duration::MAX,
        decoded_bytes,
        ..Config::new(origin)
    };
    (Store::open(config, interner).unwrap(), names)
}

impl Filled {
    /// Two foreign origins, one of them an earlier life of the own node, and an open block.
    pub fn new(rng: &mut Rng) -> Self {
        Self::with(rng, Size::SMALL)
    }

    /// The same with blocks of some size.
    pub fn with(rng: &mut Rng, size: Size) -> Self {
        let own = Origin::new("b@host", 2);
        let (store, names) = store_with(own.clone(), size.decoded_bytes);
        let mut filled = Self {
            store,
            events: Vec::new(),
            nodes: Vec::new(),
            pids: Vec::new(),
        };
        for origin in [Origin::new("a@host", 7), Origin::new("b@host", 1)] {
            filled.receive(rng, origin, size);
        }
        let events = random_events(rng, &own, &names, size);
        record(rng, &filled.store, &names, &events, (false, size));
        filled.learn(&names, events);
        filled.nodes = ["a@host", "b@host", "c@host"].map(Into::into).to_vec();
        filled
    }

    fn receive(&mut self, rng: &mut Rng, origin: Origin, size: Size) {
        let (peer, names) = node_store(origin.clone());
        let events = random_events(rng, &origin, &names, size);
        record(rng, &peer, &names, &events, (true, size));
        let theirs = scope_sync::Origin::new(origin.node.clone(), origin.incarnation);
        for block in (&&peer).blocks(&theirs, 1, u64::MAX, usize::MAX) {
            let bytes = (&&peer).read(&block).unwrap();
            assert_eq!((&mut &self.store).insert(&bytes), Outcome::Stored);
        }
        self.learn(&names, events);
    }

    fn learn(&mut self, names: &SymbolTable, events: Vec<Event>) {
        self.pids
            .extend((1..=4).map(|id| Symbols::pid(names, names.pid_word(id))));
        self.events.extend(events);
    }

    /// A few runs of some of the origins.
    pub fn random_ranges(&self, rng: &mut Rng) -> Ranges {
        let runs = 1 + rng.below(4);
        let run = |_| {
            let Cursor { origin, seq, .. } = rng.pick(&self.events).at.clone();
            (origin, seq, seq + rng.below(40))
        };
        (0..runs).map(run).collect()
    }

    /// Sets the `filter`-th filter to something random.
    pub fn add_filter(&self, rng: &mut Rng, filter: usize, query: &mut Query) {
        let some = rng.pick(&self.events).clone();
        match filter {
            0 => query.nodes = vec![rng.pick(&self.nodes).clone()],
            1 => query.kinds = [*rng.pick(&KINDS), *rng.pick(&KINDS)].into_iter().collect(),
            2 => query.pids = vec![rng.pick(&self.pids).clone(), rng.pick(&self.pids).clone()],
            3 => query.modules = vec![(*rng.pick(&MODULES)).into()],
            4 => query.mfa = Some(random_function(rng)),
            5 => query.correlations = vec![Correlated::by(random_correlation(rng))],
            6 => query.from = Some(some.at.stamp + rng.below(2)),
            7 => query.to = Some(some.at.stamp - rng.below(2)),
            8 => query.contains = Some((*rng.pick(&TEXTS)).into()),
            9 => query.limit = 1 + rng.below(20) as usize,
            10 => query.order = Order::Desc,
            11 => query.ranges = Some(Arc::new(self.random_ranges(rng))),
            _ => query.after = Some(some.at),
        }
    }
}

/// How many filters [`Filled::add_filter`] knows.
pub const FILTERS: usize = 13;

fn random_function(rng: &mut Rng) -> Function {
    let mut some = |from: &[&str]| (!rng.one_in(3)).then(|| Arc::from(*rng.pick(from)));
    let (module, function) = (some(&MODULES), some(&FUNCTIONS));
    Function {
        module,
        function,
        arity: (!rng.one_in(3)).then(|| rng.below(3) as u8),
    }
}

fn random_correlation(rng: &mut Rng) -> Value {
    let key = |n: i64| (Value::Int(n), Value::binary(*b"secret id"));
    match rng.below(4) {
        0 => Value::Int(rng.below(3) as i64),
        1 => Value::Atom((*rng.pick(&FUNCTIONS)).into()),
        2 => Value::map([key(1), key(2)]),
        _ => Value::map([key(2), key(1)]),
    }
}

fn random_data(rng: &mut Rng) -> Value {
    match rng.below(4) {
        0 => Value::Int(rng.below(50) as i64),
        1 => Value::binary(*b"a secret"),
        2 => Value::tuple([Value::Atom("ok".into()), Value::list([Value::Int(42)])]),
        _ => Value::map([(Value::Atom("total".into()), Value::Float(1.5))]),
    }
}

/// How many, or how many of which kind, and what it was of.
fn random_gap(rng: &mut Rng) -> Value {
    let atom = |name: &'static str| Value::Atom(name.into());
    let count = Value::Int(rng.below(9) as i64 + 1);
    if rng.one_in(2) {
        return count;
    }
    let of = Value::map([(atom("level"), Value::Int(7))]);
    let refused = Value::Int(rng.below(3) as i64);
    Value::map([
        (atom("thinned"), count),
        (atom("refused"), refused),
        (atom("of"), of),
    ])
}

fn random_subject(rng: &mut Rng, names: &SymbolTable) -> Subject {
    match rng.below(8) {
        0 => Subject::None,
        1 => Subject::Pid(Symbols::pid(names, names.pid_word(1 + rng.below(4) as u32))),
        2 => Subject::Name((*rng.pick(&FUNCTIONS)).into()),
        3 => Subject::Term(random_data(rng)),
        _ => {
            let (m, f) = (*rng.pick(&MODULES), *rng.pick(&FUNCTIONS));
            Subject::Mfa(m.into(), f.into(), rng.below(3) as u8)
        }
    }
}

fn random_events(rng: &mut Rng, origin: &Origin, names: &SymbolTable, size: Size) -> Vec<Event> {
    let mut stamp = 1_000 + rng.below(20);
    let count = 1 + rng.below(size.events);
    let event = |seq: u64| {
        // Ties are frequent, and blocks of different origins overlap.
        stamp += rng.below(3);
        let kind = *rng.pick(&KINDS);
        let data = if kind == Kind::Gap {
            Some(random_gap(rng))
        } else {
            (!rng.one_in(4)).then(|| random_data(rng))
        };
        Event {
            at: Cursor {
                stamp,
                origin: origin.clone(),
                seq,
            },
            kind,
            pid: (!rng.one_in(8))
                .then(|| Symbols::pid(names, names.pid_word(1 + rng.below(4) as u32))),
            subject: random_subject(rng, names),
            correlation: (!rng.one_in(3)).then(|| random_correlation(rng)),
            data,
        }
    };
    (1..=count).map(event).collect()
}

/// Pushes `events`, closing blocks now and then, and at the end if `all` are to be closed.
fn record(
    rng: &mut Rng,
    store: &Store,
    names: &SymbolTable,
    events: &[Event],
    (all, size): (bool, Size),
) {
    for event in events {
        assert_eq!(push(store, names, event, rng.below(3) as u16), event.at.seq);
        if rng.one_in(size.block) {
            store.close_now();
        }
    }
    if all {
        store.close_now();
    }
}

/// Pushes one event as a ring would deliver it.
pub fn push(store: &Store, names: &SymbolTable, event: &Event, lane: u16) -> u64 {
    let encode = |term: &Option<Value>| term.as_ref().map(|term| terms::encode(term, names));
    let (correlation, data) = (encode(&event.correlation), encode(&event.data));
    let mut raw = RawEvent::new(event.kind, event.at.stamp, 0);
    raw.pid = event.pid.as_ref().map_or(0, |pid| names.pid_word(pid.id));
    raw.correlation = correlation.as_deref();
    raw.data = data.as_deref().unwrap_or_default();
    let term;
    let subject = match &event.subject {
        Subject::None => scope_event::Subject::None,
        Subject::Mfa(m, f, arity) => scope_event::Subject::Mfa {
            module: names.word(m),
            function: names.word(f),
            arity: *arity,
        },
        Subject::Pid(pid) => scope_event::Subject::Pid(names.pid_word(pid.id)),
        Subject::Name(name) => scope_event::Subject::Name(names.word(name)),
        Subject::Term(value) => {
            term = terms::encode(value, names);
            scope_event::Subject::Term(&term)
        }
    };
    store.push(lane, &raw.about(subject), event.at.stamp)
}

/// All kinds that are recorded, for filters.
pub fn all_kinds() -> Kinds {
    KINDS.into_iter().collect()
}
