//! Generators shared by the property tests.

use proptest::collection::vec;
use proptest::prelude::*;
use scope_event::{
    Anchor, Block, BlockBuilder, Budget, Events, Foreign, Interner, Kind, Opaque, Origin, Pid,
    RawEvent, Step, Subject, SubjectView, SymbolTable, TermWriter, Value,
};
use std::sync::Arc;

pub(crate) const NODE: &str = "a@host";

/// More cases where `SCOPE_LONG=1` asks for them.
pub(crate) fn cases(normal: u32) -> ProptestConfig {
    let factor = if std::env::var_os("SCOPE_LONG").is_some() {
        50
    } else {
        1
    };
    ProptestConfig {
        cases: normal * factor,
        failure_persistence: None,
        ..Default::default()
    }
}

pub(crate) fn pid(id: u32) -> Pid {
    Pid {
        node: NODE.into(),
        id,
        serial: 0,
        creation: 1,
    }
}

/// Terms without terms in them.
pub(crate) fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-z_]{0,6}".prop_map(|text| Value::Atom(text.as_str().into())),
        any::<i64>().prop_map(Value::Int),
        (0i64..70).prop_map(Value::Int),
        any::<i32>().prop_map(|value| Value::Float(f64::from(value))),
        vec(any::<u8>(), 0..90).prop_map(Value::binary),
        (0u32..40).prop_map(|id| Value::Pid(pid(id))),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Value::Foreign(Foreign::Reference, bytes)),
        Just(Value::Redacted),
        Just(Value::Opaque(Opaque::Fun, None)),
        any::<u32>().prop_map(|size| Value::Opaque(Opaque::Bitstring, Some(size.into()))),
    ]
}

/// Terms of every sort, whole.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::tuple),
            vec(inner.clone(), 0..6).prop_map(Value::list),
            vec((inner.clone(), inner.clone()), 0..6).prop_map(Value::map),
            (vec(inner.clone(), 1..4), inner).prop_map(|(items, tail)| Value::List {
                items,
                tail: Some(Box::new(tail)),
                cut: false,
            }),
        ]
    })
}

/// Walks a value as the NIF walks a term.
pub(crate) fn write(value: &Value, names: &SymbolTable, to: &mut TermWriter<'_>) -> Step {
    match value {
        Value::Atom(text) => to.atom(names.word(text)),
        Value::Int(value) => to.int(*value),
        Value::Float(value) => to.float(*value),
        Value::Binary { kept, full } => to.binary(kept, *full),
        Value::Pid(pid) => to.pid(names.pid_word(pid.id)),
        Value::Foreign(of, bytes) => to.foreign(*of, bytes),
        Value::Opaque(of, size) => to.opaque(*of, *size),
        Value::Redacted => to.redacted(),
        Value::Tuple { items, .. } => {
            let step = to.tuple(items.len() as u32);
            inside(step, items.iter(), names, to)
        }
        Value::Map { pairs, .. } => {
            let step = to.map(pairs.len() as u32, None);
            inside(
                step,
                pairs.iter().flat_map(|(key, value)| [key, value]),
                names,
                to,
            )
        }
        Value::List { items, tail, .. } => list(items, tail.as_deref(), names, to),
    }
}

fn inside<'v>(
    step: Step,
    items: impl Iterator<Item = &'v Value>,
    names: &SymbolTable,
    to: &mut TermWriter<'_>,
) -> Step {
    if step != Step::Enter {
        return step;
    }
    for item in items {
        if write(item, names, to) == Step::Stop {
            return Step::Stop;
        }
    }
    Step::Next
}

fn list(
    items: &[Value],
    tail: Option<&Value>,
    names: &SymbolTable,
    to: &mut TermWriter<'_>,
) -> Step {
    if items.is_empty() {
        return to.nil();
    }
    let step = to.list();
    if step != Step::Enter {
        return step;
    }
    if inside(step, items.iter(), names, to) == Step::Stop {
        return Step::Stop;
    }
    match tail {
        Some(tail) => {
            let _ = to.tail();
            write(tail, names, to)
        }
        None => to.end(),
    }
}

/// The ring form of a value under a budget, and whether anything was cut.
pub(crate) fn encode(value: &Value, names: &SymbolTable, budget: Budget) -> (Vec<u8>, bool) {
    let mut room = vec![0; 66_000];
    let mut writer = TermWriter::new(&mut room, budget);
    let _ = write(value, names, &mut writer);
    let truncated = writer.is_truncated();
    (writer.finish().to_vec(), truncated)
}

pub(crate) fn builder(names: &Arc<SymbolTable>, first: u64) -> BlockBuilder {
    BlockBuilder::new(
        Origin::new(NODE, 1),
        first,
        Arc::new(Interner::new(names.clone())),
    )
}

/// A block with one event that carries `data`.
pub(crate) fn block_of(data: &[u8], names: &Arc<SymbolTable>) -> Block {
    let mut builder = builder(names, 1);
    let event = RawEvent::new(Kind::Mark, 1, names.pid_word(1)).with_data(data);
    builder.push(0, &event).unwrap();
    builder.close(0).unwrap()
}

/// What a ring-form term reads as, after the way through a block.
pub(crate) fn through_block(data: &[u8], names: &Arc<SymbolTable>) -> Option<Value> {
    let block = Block::parse(block_of(data, names).bytes().clone()).unwrap();
    block
        .verify()
        .unwrap()
        .get(0)
        .unwrap()
        .data_value()
        .unwrap()
}

/// An event of a made-up trace.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) lane: u16,
    pub(crate) kind: Kind,
    pub(crate) step: u64,
    pub(crate) pid: u32,
    pub(crate) subject: u8,
    pub(crate) name: u8,
    pub(crate) data: Option<Value>,
    pub(crate) correlation: Option<i64>,
    pub(crate) session: u16,
    pub(crate) flags: u8,
}

pub(crate) fn made() -> impl Strategy<Value = Made> {
    let kind = prop_oneof![
        4 => Just(Kind::Call), 4 => Just(Kind::Return), 2 => Just(Kind::State),
        2 => proptest::sample::select(Kind::ALL),
    ];
    let step = prop_oneof![8 => 0u64..2000, 1 => any::<u64>().prop_map(|s| s >> 20), 1 => Just(0)];
    (
        (0u16..3, kind, step, 0u32..5, 0u8..5, 0u8..6),
        (
            proptest::option::of(value()),
            proptest::option::weighted(0.3, 0i64..100),
            prop_oneof![8 => Just(0u16), 1 => any::<u16>()],
            prop_oneof![8 => Just(0u8), 1 => any::<u8>()],
        ),
    )
        .prop_map(
            |((lane, kind, step, pid, subject, name), (data, correlation, session, flags))| Made {
                lane,
                kind,
                step,
                pid,
                subject,
                name,
                data,
                correlation,
                session,
                flags,
            },
        )
}

/// Pushes a made-up event at `stamp`.
pub(crate) fn push(made: &Made, stamp: u64, names: &SymbolTable, to: &mut BlockBuilder) -> u64 {
    let (data, _) = made.data.as_ref().map_or((Vec::new(), false), |value| {
        encode(value, names, Budget::STATES)
    });
    let correlation = made
        .correlation
        .map(|id| encode(&Value::Int(id), names, Budget::ARGUMENTS).0);
    let named = names.word(&format!("f{}", made.name));
    let term = encode(
        &Value::tuple([Value::Int(made.name.into())]),
        names,
        Budget::ARGUMENTS,
    )
    .0;
    let subject = match made.subject {
        0 => Subject::None,
        1 => Subject::Mfa {
            module: names.word("m"),
            function: named,
            arity: made.name,
        },
        2 => Subject::Pid(names.pid_word(made.name.into())),
        3 => Subject::Name(named),
        _ => Subject::Term(&term),
    };
    let pid = if made.pid == 0 {
        0
    } else {
        names.pid_word(made.pid)
    };
    let event = RawEvent {
        correlation: correlation.as_deref(),
        ..RawEvent::new(made.kind, stamp, pid)
            .about(subject)
            .with_data(&data)
            .in_session(made.session)
            .flagged(made.flags)
    };
    to.push(made.lane, &event).unwrap()
}

/// Pushes a made-up trace; stamps ascend in each lane.
pub(crate) fn push_all(trace: &[Made], names: &SymbolTable, to: &mut BlockBuilder) -> Vec<u64> {
    let mut clocks = [1u64 << 40; 3];
    trace
        .iter()
        .map(|made| {
            let clock = &mut clocks[usize::from(made.lane)];
            *clock += made.step;
            push(made, *clock, names, to);
            *clock
        })
        .collect()
}

pub(crate) fn anchor(stamp: u64, mono_ns: i64, ppb: i32) -> Anchor {
    Anchor {
        stamp,
        mono_ns,
        ppb,
    }
}

/// All that can be seen of the events.
pub(crate) fn seen(events: &Events) -> Vec<String> {
    events
        .iter()
        .map(|event| {
            let subject = match event.subject().unwrap() {
                SubjectView::Term(term) => {
                    format!("{:?}", Value::read(&term, events.dictionary()).unwrap())
                }
                other => format!("{other:?}"),
            };
            format!(
                "{} {} {:?} {:?} {subject} {:?} {:?} {} {}",
                event.seq(),
                event.stamp(),
                event.kind(),
                event.pid(),
                event.correlation_value().unwrap(),
                event.data_value().unwrap(),
                event.session(),
                event.flags(),
            )
        })
        .collect()
}

pub(crate) fn reparsed(block: &Block) -> Block {
    Block::parse(block.bytes().clone()).unwrap()
}
