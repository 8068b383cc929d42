//! JSON Lines, read back by a parser that is not ours.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::collection::vec;
use proptest::prelude::*;
use scope_clock::Stamp;
use scope_event::{Foreign, Kind, Opaque, Origin, Pid, Value};
use scope_export::{About, Pairing, Row, json_line};
use serde_json::{Value as Json, json};

/// More cases where `SCOPE_LONG=1` asks for them.
fn cases(normal: u32) -> ProptestConfig {
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

fn origin() -> Origin {
    Origin::new("a@host", 3)
}

fn row(origin: &Origin) -> Row<'_> {
    Row {
        origin,
        seq: 17,
        stamp: Stamp::from_parts(1_700_000_000_000_000_042, 3).unwrap(),
        mono_ns: Some(-576_460_752_303_423_487),
        pid: None,
        kind: Kind::Mark,
        about: About::Nothing,
        correlation: None,
        data: None,
        truncated: false,
        inherited: false,
        likely: false,
        entry: false,
        pairing: None,
        received: None,
    }
}

/// The one line of a row, parsed.
fn line(row: &Row<'_>) -> Json {
    let mut out = Vec::new();
    json_line(row, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.find('\n'), Some(text.len() - 1), "one line: {text:?}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn data(value: Value) -> Json {
    let origin = origin();
    let row = Row {
        data: Some(value),
        ..row(&origin)
    };
    line(&row)["data"].clone()
}

fn pid() -> Pid {
    Pid {
        node: "b@host".into(),
        id: 101,
        serial: 0,
        creation: 1,
    }
}

fn atom(name: &str) -> Value {
    Value::Atom(name.into())
}

#[test]
fn every_field_of_an_event() {
    let (origin, pid) = (origin(), pid());
    let full = Row {
        pid: Some(&pid),
        kind: Kind::Call,
        about: About::Function {
            module: "Elixir.Shop",
            function: "\"quoted\"",
            arity: 2,
        },
        correlation: Some(Value::binary("r-17")),
        data: Some(Value::list([Value::Int(1)])),
        truncated: true,
        inherited: true,
        likely: true,
        entry: true,
        ..row(&origin)
    };
    let expected = json!({
        "id": {"node": "a@host", "incarnation": 3, "seq": 17},
        "at": {
            "ns": "1700000000000000042",
            "logical": 3,
            "time": "2023-11-14T22:13:20.000000042Z"
        },
        "mono_ns": "-576460752303423487",
        "node": "a@host",
        "pid": "<b@host.101.0>",
        "kind": "call",
        "subject": {"module": "Elixir.Shop", "function": "\"quoted\"", "arity": 2},
        "correlation_id": "r-17",
        "data": [1],
        "meta": {
            "truncated?": true,
            "attribution": "inherited",
            "confidence": "likely",
            "entry": true
        }
    });
    assert_eq!(line(&full), expected);
}

#[test]
fn what_an_event_does_not_have_is_null() {
    let origin = origin();
    let bare = line(&Row {
        mono_ns: None,
        ..row(&origin)
    });
    for field in ["mono_ns", "pid", "subject", "correlation_id", "data"] {
        assert_eq!(bare.get(field), Some(&Json::Null), "{field}");
    }
    assert_eq!(bare["meta"], json!({}));
}

#[test]
fn every_sort_of_subject() {
    let (origin, pid) = (origin(), pid());
    let subject = |about| {
        line(&Row {
            about,
            ..row(&origin)
        })["subject"]
            .clone()
    };
    assert_eq!(subject(About::Pid(&pid)), json!("<b@host.101.0>"));
    assert_eq!(subject(About::Name("checkout")), json!("checkout"));
    assert_eq!(subject(About::Name("nil")), Json::Null);
    let term = About::Term(Value::tuple([Value::Int(1)]));
    assert_eq!(subject(term), json!({"$tuple": [1]}));
}

#[test]
fn every_sort_of_term() {
    let both = Value::tuple([atom("a"), Value::Int(-1)]);
    for (value, expected) in [
        (atom("nil"), json!(null)),
        (atom("true"), json!(true)),
        (atom("false"), json!(false)),
        (
            atom("grüß \u{1f600}\u{0}\n"),
            json!("grüß \u{1f600}\u{0}\n"),
        ),
        (Value::Int(i64::MIN), json!(i64::MIN)),
        (Value::Int(i64::MAX), json!(i64::MAX)),
        (Value::Float(1.0), json!(1.0)),
        (Value::Float(1.5e300), json!(1.5e300)),
        (
            Value::Float(f64::NAN),
            json!({"$opaque": {"type": "float"}}),
        ),
        (Value::binary("text\\"), json!("text\\")),
        (Value::binary([0xff, 0]), json!({"$binary": "/wA="})),
        (both.clone(), json!({"$tuple": ["a", -1]})),
        (Value::tuple([]), json!({"$tuple": []})),
        (Value::list([]), json!([])),
        (Value::map([]), json!({})),
        (Value::map([(atom("a"), Value::list([]))]), json!({"a": []})),
        (
            Value::map([(Value::Int(1), both)]),
            json!({"$map": [[1, {"$tuple": ["a", -1]}]]}),
        ),
        (Value::Pid(pid()), json!("<b@host.101.0>")),
        (
            Value::Foreign(Foreign::Reference, vec![131]),
            json!({"$reference": "gw=="}),
        ),
        (
            Value::Foreign(Foreign::Port, vec![131]),
            json!({"$port": "gw=="}),
        ),
        (
            Value::Foreign(Foreign::Pid, vec![131]),
            json!({"$pid": "gw=="}),
        ),
        (
            Value::Opaque(Opaque::Fun, None),
            json!({"$opaque": {"type": "fun"}}),
        ),
        (
            Value::Opaque(Opaque::Tuple, Some(9)),
            json!({"$opaque": {"type": "tuple", "size": 9}}),
        ),
        (Value::Redacted, json!({"$opaque": {"type": "redacted"}})),
    ] {
        assert_eq!(data(value.clone()), expected, "{value:?}");
    }
}

#[test]
fn a_tail_is_not_an_element() {
    let improper = Value::List {
        items: vec![Value::Int(1)],
        tail: Some(Box::new(Value::Int(2))),
        cut: false,
    };
    assert_eq!(data(improper), json!({"$improper": [1, 2]}));
}

#[test]
fn keys_that_an_object_would_lose_keep_their_map_apart() {
    let pair = |key| (key, Value::Int(1));
    let same = Value::map([pair(atom("a")), pair(Value::binary("a"))]);
    assert_eq!(data(same), json!({"$map": [["a", 1], ["a", 1]]}));
    let ours = Value::map([pair(Value::binary("$tuple"))]);
    assert_eq!(data(ours), json!({"$map": [["$tuple", 1]]}));
    let bytes = Value::map([pair(Value::binary([0xff]))]);
    assert_eq!(data(bytes), json!({"$map": [[{"$binary": "/w=="}, 1]]}));
}

#[test]
fn what_was_cut_says_how_much() {
    let cut = |size: u64| json!({"$opaque": {"type": "cut", "size": size}});
    let tuple = Value::Tuple {
        items: vec![Value::Int(1)],
        arity: 3,
    };
    assert_eq!(data(tuple), json!({"$tuple": [1, cut(2)]}));
    let map = Value::Map {
        pairs: vec![(atom("a"), Value::Int(1))],
        size: 8,
    };
    assert_eq!(data(map), json!({"$map": [["a", 1], cut(7)]}));
    let list = Value::List {
        items: Vec::new(),
        tail: None,
        cut: true,
    };
    assert_eq!(data(list), json!([{"$opaque": {"type": "cut"}}]));
    let binary = Value::Binary {
        kept: vec![b'x'],
        full: 100,
    };
    let kept = json!({"$opaque": {"type": "binary", "size": 100, "kept": "x"}});
    assert_eq!(data(binary), kept);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,6}", "[\\x00-\\x7f]{0,6}", "\\$?(tuple|map|a|b)"]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        name().prop_map(|name| atom(&name)),
        name().prop_map(Value::binary),
        vec(any::<u8>(), 0..20).prop_map(Value::binary),
        any::<i64>().prop_map(Value::Int),
        any::<i32>().prop_map(|half| Value::Float(f64::from(half) / 2.0)),
        vec(any::<u8>(), 0..9).prop_map(|bytes| Value::Foreign(Foreign::Reference, bytes)),
        any::<u32>().prop_map(|size| Value::Opaque(Opaque::Unknown, Some(size.into()))),
    ]
}

/// Terms of which nothing was cut.
fn whole() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::tuple),
            vec(inner.clone(), 0..6).prop_map(Value::list),
            vec((inner.clone(), inner.clone()), 0..6).prop_map(Value::map),
            vec((name().prop_map(|name| atom(&name)), inner.clone()), 0..6).prop_map(Value::map),
            (vec(inner.clone(), 1..4), inner).prop_map(|(items, tail)| Value::List {
                items,
                tail: Some(Box::new(tail)),
                cut: false,
            }),
        ]
    })
}

/// Terms of every sort, as damaged as a tree can say.
fn any_term() -> impl Strategy<Value = Value> {
    let numbers = prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::NEG_INFINITY)];
    let leaf = prop_oneof![
        leaf(),
        numbers.prop_map(Value::Float),
        (vec(any::<u8>(), 0..9), any::<u64>())
            .prop_map(|(kept, full)| Value::Binary { kept, full }),
        name().prop_map(|node| Value::Pid(Pid {
            node: node.into(),
            ..pid()
        })),
        (0u8..14, any::<Option<u64>>())
            .prop_map(|(code, size)| Value::Opaque(Opaque::from_code(code).unwrap(), size)),
        Just(Value::Redacted),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let items = || vec(inner.clone(), 0..6);
        let tail = proptest::option::of(inner.clone().prop_map(Box::new));
        prop_oneof![
            (items(), 0u32..9).prop_map(|(items, arity)| Value::Tuple { items, arity }),
            (vec((inner.clone(), inner.clone()), 0..6), 0u32..9)
                .prop_map(|(pairs, size)| Value::Map { pairs, size }),
            (items(), tail, any::<bool>()).prop_map(|(items, tail, cut)| Value::List {
                items,
                tail,
                cut
            }),
        ]
    })
}

/// What JSON has no room for, put away: atoms are text, pairs have no order.
fn plain(value: Value) -> Value {
    match value {
        Value::Atom(name) if !matches!(&*name, "nil" | "true" | "false") => {
            Value::binary(name.as_bytes())
        }
        Value::Tuple { items, .. } => Value::tuple(plain_all(items)),
        Value::List { items, tail, .. } => Value::List {
            items: plain_all(items),
            tail: tail.map(|tail| Box::new(plain(*tail))),
            cut: false,
        },
        Value::Map { pairs, .. } => unordered(
            pairs
                .into_iter()
                .map(|(key, value)| (plain_key(key), plain(value)))
                .collect(),
        ),
        other => other,
    }
}

fn plain_all(items: Vec<Value>) -> Vec<Value> {
    items.into_iter().map(plain).collect()
}

/// The names of an object are text, whatever atoms they were.
fn plain_key(key: Value) -> Value {
    match key {
        Value::Atom(name) => Value::binary(name.as_bytes()),
        other => plain(other),
    }
}

fn unordered(mut pairs: Vec<(Value, Value)>) -> Value {
    pairs.sort_by_key(|pair| format!("{pair:?}"));
    Value::map(pairs)
}

/// Reads a term back by the documented rules.
fn back(json: &Json) -> Value {
    match json {
        Json::Null => atom("nil"),
        Json::Bool(value) => atom(&value.to_string()),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Value::Float(number.as_f64().unwrap()), Value::Int),
        Json::String(text) => Value::binary(text.as_bytes()),
        Json::Array(items) => Value::list(items.iter().map(back).collect::<Vec<_>>()),
        Json::Object(fields) => match fields.iter().next() {
            Some((name, held)) if name.starts_with('$') => special(name, held),
            _ => {
                let pair =
                    |(name, value): (&String, _)| (Value::binary(name.as_bytes()), back(value));
                unordered(fields.iter().map(pair).collect())
            }
        },
    }
}

fn special(name: &str, held: &Json) -> Value {
    let items = || -> Vec<Value> { held.as_array().unwrap().iter().map(back).collect() };
    match name {
        "$tuple" => Value::tuple(items()),
        "$binary" => Value::binary(unbase64(held)),
        "$reference" => Value::Foreign(Foreign::Reference, unbase64(held)),
        "$opaque" => Value::Opaque(Opaque::Unknown, held["size"].as_u64()),
        "$improper" => {
            let mut items = items();
            let tail = items.pop().map(Box::new);
            Value::List {
                items,
                tail,
                cut: false,
            }
        }
        "$map" => {
            let pair = |pair: &Json| (plain_key(back(&pair[0])), back(&pair[1]));
            unordered(held.as_array().unwrap().iter().map(pair).collect())
        }
        other => panic!("unknown {other}"),
    }
}

fn unbase64(text: &Json) -> Vec<u8> {
    let text = text.as_str().unwrap();
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits = text
        .bytes()
        .filter(|&c| c != b'=')
        .map(|c| format!("{:06b}", digit(c)));
    let bits: String = digits.collect();
    let bytes = bits.as_bytes().chunks_exact(8);
    let byte = |bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap();
    bytes.map(byte).collect()
}

#[test]
fn the_other_half_of_a_message_is_in_meta_beside_all_else() {
    let (origin, other) = (origin(), Origin::new("b@host", 9));
    let meta = |pairing, truncated| {
        line(&Row {
            pairing: Some(pairing),
            truncated,
            ..row(&origin)
        })["meta"]
            .clone()
    };
    let id = |seq| json!({"node": "b@host", "incarnation": 9, "seq": seq});
    assert_eq!(
        meta(Pairing::Exact((&other, 4)), false),
        json!({"pairing": "exact", "pair": id(4)})
    );
    assert_eq!(
        meta(Pairing::Likely((&other, 4)), true),
        json!({"truncated?": true, "pairing": "likely", "pair": id(4)})
    );
    assert_eq!(
        meta(Pairing::Ambiguous(vec![(&other, 4), (&other, 5)]), false),
        json!({"pairing": "ambiguous", "pair": [id(4), id(5)]})
    );
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn whatever_the_term_it_is_one_line_of_json(
        terms in (any_term(), any_term(), any_term()),
        stamp in any::<u64>(),
        node in name(),
    ) {
        let origin = Origin::new(node.as_str(), u64::MAX);
        let row = Row {
            stamp: Stamp::from_bits(stamp),
            about: About::Term(terms.0),
            correlation: Some(terms.1),
            data: Some(terms.2),
            ..row(&origin)
        };
        let json = line(&row);
        prop_assert_eq!(json["node"].as_str(), Some(node.as_str()));
        prop_assert_eq!(json.as_object().map(|fields| fields.len()), Some(10));
    }

    #[test]
    fn a_whole_term_can_be_read_back_but_for_which_text_was_an_atom(term in whole()) {
        prop_assert_eq!(back(&data(term.clone())), plain(term));
    }
}
