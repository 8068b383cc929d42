//! Terms.

use crate::{events, memory};
use scope_event::block::Dictionary;
use scope_event::{
    BlockBuilder, Budget, Interner, Kind, Origin, RawEvent, Step, SymbolTable, TermWriter, Value,
};
use std::cell::RefCell;
use std::sync::Arc;

/// A builder's tables of fixed size, and the names that it is given.
const TABLES: usize = 1 << 20;

/// Any bytes as a term: in block form over some names, and in ring form as an event's data.
pub fn term(bytes: &[u8]) {
    BENCH.with_borrow_mut(|bench| {
        let most = 4096 + 512 * bytes.len();
        if let Ok(value) = memory::within(most, || Value::read(bytes, &bench.dictionary)) {
            bench.write(&value);
        }
        memory::within(TABLES + 2 * most, || bench.store(bytes));
    });
}

thread_local! {
    /// One for all inputs: its tables take longer to make than to use.
    static BENCH: RefCell<Bench> = RefCell::new(Bench::new());
}

/// Names, and a block that is open.
struct Bench {
    names: Arc<SymbolTable>,
    dictionary: Dictionary,
    open: BlockBuilder,
}

impl Bench {
    fn new() -> Self {
        let names = Arc::new(SymbolTable::new("a@host"));
        let interner = Arc::new(Interner::new(names.clone()));
        let mut open = BlockBuilder::new(Origin::new("a@host", 1), 1, interner);
        for n in 0..70 {
            let word = names.word(&format!("atom_{n}"));
            let atom = [[0x83].as_slice(), &word.to_le_bytes()].concat();
            let event = RawEvent::new(Kind::Mark, n, names.pid_word(n as u32)).with_data(&atom);
            open.push(0, &event).expect("a few events fit");
        }
        let dictionary = open.view().dictionary().clone();
        open.close(0);
        Self {
            names,
            dictionary,
            open,
        }
    }

    /// A ring holds what a writer wrote; a builder must not rely on it.
    fn store(&mut self, bytes: &[u8]) -> Option<Value> {
        let event = RawEvent::new(Kind::State, 1, self.names.pid_word(1));
        let (open, data) = (&mut self.open, event.with_data(bytes));
        open.push(0, &data).expect("the first event always fits");
        let _ = open.push(0, &event.correlated(bytes));
        let closed = open.close(0)?;
        let events = closed.verify().expect("what was encoded is whole");
        events::look(&events);
        events
            .get(0)?
            .data_value()
            .expect("terms in a block are whole")
    }

    /// A value that a walker could have seen is the same after it went through a ring and a block.
    fn write(&mut self, value: &Value) {
        let mut room = vec![0; 66_000];
        let mut writer = TermWriter::new(&mut room, Budget::FULL);
        let whole = write(value, &self.names, &mut writer) != Walk::Cut && !writer.is_truncated();
        let read = self.store(writer.finish());
        if whole && !events::has_nan(value) {
            assert_eq!(read.as_ref(), Some(value));
        }
    }
}

/// How far a walk came.
#[derive(Clone, Copy, PartialEq)]
enum Walk {
    On,
    /// The value holds what a writer only writes when it stops early.
    Cut,
}

/// Walks a value as terms are walked.
fn write(value: &Value, names: &SymbolTable, to: &mut TermWriter<'_>) -> Walk {
    let _ = match value {
        Value::Atom(text) => to.atom(names.word(text)),
        Value::Int(value) => to.int(*value),
        Value::Float(value) => to.float(*value),
        Value::Binary { kept, full } if *full == kept.len() as u64 => to.binary(kept, *full),
        Value::Pid(pid) => to.pid(names.pid_word(pid.id)),
        Value::Foreign(of, bytes) => to.foreign(*of, bytes),
        Value::Opaque(of, size) => to.opaque(*of, *size),
        Value::Redacted => to.redacted(),
        Value::Tuple { items, arity } if items.len() == *arity as usize => {
            let step = to.tuple(*arity);
            return inside(step, items.iter(), names, to);
        }
        Value::Map { pairs, size } if pairs.len() == *size as usize => {
            let step = to.map(*size, None);
            return inside(
                step,
                pairs.iter().flat_map(|(key, value)| [key, value]),
                names,
                to,
            );
        }
        Value::List {
            items,
            tail,
            cut: false,
        } => {
            return list(items, tail.as_deref(), names, to);
        }
        _ => return Walk::Cut,
    };
    Walk::On
}

fn inside<'v>(
    step: Step,
    mut items: impl Iterator<Item = &'v Value>,
    names: &SymbolTable,
    to: &mut TermWriter<'_>,
) -> Walk {
    if step == Step::Enter && items.any(|item| write(item, names, to) == Walk::Cut) {
        return Walk::Cut;
    }
    Walk::On
}

fn list(
    items: &[Value],
    tail: Option<&Value>,
    names: &SymbolTable,
    to: &mut TermWriter<'_>,
) -> Walk {
    if items.is_empty() {
        let _ = to.nil();
        // A list of nothing with a tail is no Erlang term.
        return tail.map_or(Walk::On, |_| Walk::Cut);
    }
    let step = to.list();
    let walk = inside(step, items.iter(), names, to);
    match tail.filter(|_| walk == Walk::On) {
        Some(tail) => {
            let _ = to.tail();
            write(tail, names, to)
        }
        None => {
            let _ = to.end();
            walk
        }
    }
}
