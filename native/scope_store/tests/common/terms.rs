//! Terms as a walk of the virtual machine would write them.

use scope_event::{Budget, Step, SymbolTable, TermWriter, Value};

/// The ring form of `value`.
pub fn encode(value: &Value, names: &SymbolTable) -> Vec<u8> {
    let mut room = vec![0; 4096];
    let mut writer = TermWriter::new(&mut room, Budget::STATES);
    let _ = write(value, names, &mut writer);
    writer.finish().to_vec()
}

fn write(value: &Value, names: &SymbolTable, to: &mut TermWriter<'_>) -> Step {
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
        Value::List { items, .. } if items.is_empty() => to.nil(),
        Value::List { items, .. } => {
            let step = to.list();
            match inside(step, items.iter(), names, to) {
                Step::Stop => Step::Stop,
                _ => to.end(),
            }
        }
    }
}

fn inside<'v>(
    step: Step,
    mut items: impl Iterator<Item = &'v Value>,
    names: &SymbolTable,
    to: &mut TermWriter<'_>,
) -> Step {
    if step == Step::Enter && items.any(|item| write(item, names, to) == Step::Stop) {
        return Step::Stop;
    }
    step
}

/// Whether `text` is within an atom or a binary of `value`, or an integer of it.
pub fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::Atom(atom) => atom.contains(text),
        Value::Int(n) => n.to_string() == text,
        Value::Binary { kept, .. } => String::from_utf8_lossy(kept).contains(text),
        Value::Tuple { items, .. } | Value::List { items, .. } => {
            items.iter().any(|item| holds(item, text))
        }
        Value::Map { pairs, .. } => pairs.iter().any(|(k, v)| holds(k, text) || holds(v, text)),
        _ => false,
    }
}

/// The same term with the pairs of its maps turned around.
pub fn turned(value: &Value) -> Value {
    match value {
        Value::Map { pairs, size } => Value::Map {
            pairs: pairs.iter().rev().cloned().collect(),
            size: *size,
        },
        other => other.clone(),
    }
}
