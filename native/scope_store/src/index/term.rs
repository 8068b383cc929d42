//! Terms as ids: equal and equally hashed whatever order a map's pairs came in.
//!
//! The virtual machine iterates one and the same map in another order on another node, so a hash of
//! encoded bytes would miss almost every id that is a map or a struct. Pairs are therefore summed.

use super::hash::number;
use scope_event::Value;

/// Whether two terms are the same id.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Tuple { items: a, arity: n }, Value::Tuple { items: b, arity: m }) => {
            n == m && all_same(a, b)
        }
        (Value::Map { pairs: a, size: n }, Value::Map { pairs: b, size: m }) => {
            n == m && same_pairs(a, b)
        }
        (
            Value::List {
                items: a,
                tail: x,
                cut: p,
            },
            Value::List {
                items: b,
                tail: y,
                cut: q,
            },
        ) => p == q && all_same(a, b) && same_tail(x.as_deref(), y.as_deref()),
        // By bits, so that an id is always itself.
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

fn all_same(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn same_tail(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        _ => a.is_none() && b.is_none(),
    }
}

fn same_pairs(a: &[(Value, Value)], b: &[(Value, Value)]) -> bool {
    let holds = |pair: &(Value, Value)| {
        b.iter()
            .any(|other| same(&pair.0, &other.0) && same(&pair.1, &other.1))
    };
    a.len() == b.len() && a.iter().all(holds)
}

/// Equal for equal ids. Part of the segment's format: it never changes.
pub(crate) fn hash(value: &Value) -> u64 {
    match value {
        Value::Int(n) => pair(1, *n as u64),
        Value::Float(x) => pair(2, x.to_bits()),
        Value::Atom(text) => pair(3, super::hash::module(text)),
        Value::Binary { kept, full } => pair(pair(4, super::hash::bytes(kept)), *full),
        Value::Pid(pid) => pair(5, super::hash::pid(pid)),
        Value::Tuple { items, arity } => all(pair(6, u64::from(*arity)), items),
        Value::List { items, tail, cut } => {
            let tail = tail.as_deref().map_or(u64::from(*cut), hash);
            pair(all(7, items), tail)
        }
        Value::Map { pairs, size } => pair(pair(8, u64::from(*size)), sum(pairs)),
        Value::Foreign(of, bytes) => pair(pair(9, *of as u64), super::hash::bytes(bytes)),
        Value::Opaque(of, size) => pair(pair(10, *of as u64), size.unwrap_or(u64::MAX)),
        Value::Redacted => 11,
    }
}

fn pair(a: u64, b: u64) -> u64 {
    number(a.rotate_left(29) ^ number(b))
}

fn all(seed: u64, items: &[Value]) -> u64 {
    items.iter().fold(seed, |sum, item| pair(sum, hash(item)))
}

fn sum(pairs: &[(Value, Value)]) -> u64 {
    pairs.iter().fold(0, |sum, (key, value)| {
        sum.wrapping_add(pair(hash(key), hash(value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(n: i64) -> Value {
        Value::Int(n)
    }

    #[test]
    fn maps_are_the_same_in_any_order() {
        let a = Value::map([(int(1), int(2)), (int(3), Value::list([]))]);
        let b = Value::map([(int(3), Value::list([])), (int(1), int(2))]);
        assert!(same(&a, &b) && hash(&a) == hash(&b));
        let c = Value::map([(int(3), int(2)), (int(1), Value::list([]))]);
        assert!(!same(&a, &c) && hash(&a) != hash(&c));
    }

    #[test]
    fn what_differs_in_shape_differs() {
        let some = [
            int(1),
            Value::Float(1.0),
            Value::binary(*b"1"),
            Value::Atom("1".into()),
            Value::tuple([int(1)]),
            Value::list([int(1)]),
            Value::map([(int(1), int(1))]),
            Value::Redacted,
        ];
        for (i, a) in some.iter().enumerate() {
            for (j, b) in some.iter().enumerate() {
                assert_eq!(same(a, b), i == j);
                assert_eq!(hash(a) == hash(b), i == j);
            }
        }
    }
}
