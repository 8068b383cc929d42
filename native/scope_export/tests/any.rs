//! Whatever the events, each format is what its readers take.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use scope_causal::Confidence;
use scope_event::{Kind, Origin, Value};
use scope_export::{
    Callgrind, Encoding, Folded, Lacks, Mermaid, Otlp, Perfetto, Shiviz, Speedscope,
};
use scope_export::{csv_header, csv_record, json_line};
use serde_json::Value as Json;
use std::collections::HashMap;
use support::wire::{Wire, fields};
use support::{Event, Of, Story, fixture, pid};

fn cases() -> ProptestConfig {
    let factor = if std::env::var_os("SCOPE_LONG").is_some() {
        50
    } else {
        1
    };
    ProptestConfig {
        cases: 200 * factor,
        failure_persistence: None,
        ..Default::default()
    }
}

/// Names as they come: short ones, hostile ones, any.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("run".to_owned()),
        Just(fixture::HOSTILE.to_owned()),
        Just(String::new()),
        Just("end".to_owned()),
        any::<String>(),
        "[\\PC\u{0}-\u{1f}\u{2028}\u{feff};#%{}()\"',]{0,12}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        name().prop_map(|name| Value::Atom(name.into())),
        vec(any::<u8>(), 0..8).prop_map(Value::binary),
        name().prop_map(Value::binary),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::list),
            vec(inner.clone(), 0..3).prop_map(Value::tuple),
            vec((inner.clone(), inner), 0..3).prop_map(Value::map),
        ]
    })
}

/// Node, process, kind, what it is about; arity, data and correlation.
type Parts = (u8, u8, usize, u8, (u8, Option<Value>, Option<Value>));

fn event() -> impl Strategy<Value = Parts> {
    let data = (
        0u8..4,
        proptest::option::of(value()),
        proptest::option::of(value()),
    );
    (0u8..3, 0u8..3, 0..Kind::ALL.len(), 0u8..4, data)
}

prop_compose! {
    fn story()(
        events in vec(event(), 0..40),
        names in vec(name(), 8),
        pairs in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..3), 0..8),
        dropped in 0u64..3,
    ) -> Story {
        let mut seqs = [0u64; 3];
        let events: Vec<_> = events.into_iter().enumerate().map(|(at, (node, process, kind, about, more))| {
            let of = usize::from(node);
            seqs[of] += 1;
            let node = if names[of].is_empty() { "a@host" } else { &names[of] };
            // The names of two nodes may be the same one.
            let origin = Origin::new(node, u64::from(node.len() as u8) + of as u64 * 1_000);
            let who = pid(node, u32::from(process));
            let (function, data, correlation) = more;
            Event {
                origin,
                seq: seqs[of],
                ns: fixture::START + at as u64 * 10,
                kind: Kind::ALL[kind],
                pid: (process > 0).then(|| who.clone()),
                about: match about {
                    0 => Of::Nothing,
                    1 => Of::Pid(pid(&names[of], 1)),
                    2 => Of::Name(names[3].as_str().into()),
                    _ => Of::Function(names[4].as_str().into(), names[4 + usize::from(function)].as_str().into(), function),
                },
                correlation,
                data,
            }
        }).collect();
        let pairs = if events.is_empty() { Vec::new() } else {
            pairs.iter().map(|(one, other, sure)| {
                let sure = [Confidence::Ambiguous, Confidence::Likely, Confidence::Exact][usize::from(*sure)];
                (one.index(events.len()), other.index(events.len()), sure)
            }).collect()
        };
        let lacks = Lacks { missing: vec![(names[7].clone(), names[6].clone())], dropped, expired: 0, more: dropped > 1 };
        Story { events, pairs, lacks }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// The records of RFC 4180.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => loop {
                match rest.next().unwrap() {
                    '"' if rest.peek() == Some(&'"') => field.push(rest.next().unwrap()),
                    '"' => break,
                    c => field.push(c),
                }
            },
            ',' => record.push(std::mem::take(&mut field)),
            '\r' => {
                assert_eq!(rest.next(), Some('\n'));
                record.push(std::mem::take(&mut field));
                all.push(std::mem::take(&mut record));
            }
            c => {
                assert_ne!(c, '\n', "outside of quotes");
                field.push(c);
            }
        }
    }
    assert!(field.is_empty() && record.is_empty(), "no end of line");
    all
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn tables(story in story()) {
        let mut csv = Vec::new();
        csv_header(&mut csv).unwrap();
        for event in &story.events {
            csv_record(&event.row(), &mut csv).unwrap();
            let mut line = Vec::new();
            json_line(&event.row(), &mut line).unwrap();
            let line: Json = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(&line["kind"], event.kind.name());
        }
        let records = records(&text(csv));
        prop_assert_eq!(records.len(), story.events.len() + 1);
        for (record, event) in records[1..].iter().zip(&story.events) {
            prop_assert_eq!(record.len(), records[0].len());
            let node = record[0].strip_prefix('\'').unwrap_or(&record[0]);
            prop_assert_eq!(node, &*event.origin.node);
            prop_assert!(!record[0].starts_with(['=', '+', '-', '@']));
        }
    }

    #[test]
    fn perfetto_is_packets_whose_slices_nest(story in story()) {
        let bytes = story.written(&mut Perfetto::default());
        let mut open: HashMap<u64, i64> = HashMap::new();
        let (mut events, mut from, mut to) = (Vec::new(), Vec::new(), Vec::new());
        for (field, packet) in fields(&bytes).unwrap() {
            let Wire::Bytes(packet) = packet else { panic!("no packet") };
            prop_assert_eq!(field, 1);
            let packet = fields(packet).unwrap();
            let ns = packet.iter().find_map(|(field, value)| (*field == 8).then(|| value.clone()));
            for (field, value) in &packet {
                if let (11, Wire::Bytes(event)) = (field, value) {
                    events.push((ns.clone(), fields(event).unwrap()));
                }
            }
        }
        let number = |event: &[(u64, Wire<'_>)], wanted: u64| {
            event.iter().find_map(|(field, value)| match value {
                Wire::Varint(value) if *field == wanted => Some(*value),
                _ => None,
            })
        };
        for (_, event) in &events {
            let track = open.entry(number(event, 11).unwrap()).or_default();
            match number(event, 9).unwrap() {
                1 => *track += 1,
                2 => *track -= 1,
                _ => {}
            }
            prop_assert!(*track >= 0);
            for (field, value) in event {
                match (field, value) {
                    (47, Wire::Fixed64(flow)) => from.push(*flow),
                    (48, Wire::Fixed64(flow)) => to.push(*flow),
                    _ => {}
                }
            }
        }
        from.sort_unstable();
        to.sort_unstable();
        from.dedup();
        to.dedup();
        prop_assert_eq!(from, to);
    }

    #[test]
    fn otlp_says_the_same_in_both_encodings(story in story()) {
        let json = text(story.written(&mut Otlp::new(Encoding::Json)));
        let mut spans = Vec::new();
        for line in json.lines() {
            let line: Json = serde_json::from_str(line).unwrap();
            for node in line["resourceSpans"].as_array().unwrap() {
                spans.extend(node["scopeSpans"][0]["spans"].as_array().unwrap().clone());
            }
        }
        let hex = |id: &Json| id.as_str().unwrap().to_owned();
        for span in &spans {
            prop_assert_eq!(hex(&span["traceId"]).len(), 32);
            prop_assert_ne!(hex(&span["spanId"]), "0".repeat(16));
            let ns = |of: &str| span[of].as_str().unwrap().parse::<u64>().unwrap();
            prop_assert!(ns("startTimeUnixNano") <= ns("endTimeUnixNano"));
        }
        let bytes = story.written(&mut Otlp::new(Encoding::Protobuf));
        let mut names = Vec::new();
        for path in nested(&bytes, &[1, 2, 2]) {
            names.extend(nested(path, &[5]).into_iter().map(|name| String::from_utf8(name.to_vec()).unwrap()));
        }
        let expected: Vec<_> = spans.iter().map(|span| hex(&span["name"])).collect();
        prop_assert_eq!(names, expected);
    }

    #[test]
    fn shiviz_is_read_back_by_its_expression(story in story()) {
        let log = text(story.written(&mut Shiviz::default()));
        let lines: Vec<_> = log.split('\n').filter(|line| !line.starts_with("# not in this log")).collect();
        prop_assert_eq!(lines.len(), story.events.len() * 2 + 1);
        let mut counts: HashMap<String, u64> = HashMap::new();
        for pair in lines.chunks_exact(2) {
            let (host, clock) = pair[1].split_once(' ').unwrap();
            let is_clock = pair[0].split_once(' ').unwrap().1.starts_with('{');
            prop_assert!(!is_clock);
            prop_assert!(!host.contains(char::is_whitespace));
            let clock: Json = serde_json::from_str(clock).unwrap();
            // Two nodes of one name are one host to a reader, and none here.
            let own = clock[host].as_u64().unwrap();
            let known = counts.entry(host.to_owned()).or_default();
            prop_assert_eq!(own, *known + 1);
            *known = own;
        }
    }

    #[test]
    fn mermaid_is_lines_of_its_grammar(story in story()) {
        let diagram = text(story.written(&mut Mermaid::default()));
        let mut lines = diagram.lines();
        prop_assert_eq!(lines.next(), Some("sequenceDiagram"));
        for line in lines {
            let is_known = line == "end"
                || ["box transparent ", "participant ", "Note over "].iter().any(|begin| line.starts_with(begin))
                || (line.starts_with('p') && line.contains(": ") && ["->>p", "-xp"].iter().any(|arrow| line.contains(arrow)));
            prop_assert!(is_known, "{}", line);
            // An entity alone may hold a semicolon or a number sign.
            let bare = line.split('#').skip(1).all(|rest| rest.split_once(';').is_some_and(|(code, _)| code.parse::<u32>().is_ok()));
            prop_assert!(bare, "{}", line);
        }
    }

    #[test]
    fn stacks_are_lines_of_frames_and_a_number(story in story()) {
        let stacks = text(story.written(&mut Folded::default()));
        for line in stacks.lines() {
            let (stack, ns) = line.rsplit_once(' ').unwrap();
            prop_assert!(ns.parse::<u64>().unwrap() > 0);
            prop_assert!(stack.split(';').all(|frame| !frame.is_empty()));
        }
    }

    #[test]
    fn speedscope_nests(story in story()) {
        let file: Json = serde_json::from_slice(&story.written(&mut Speedscope::default())).unwrap();
        let frames = file["shared"]["frames"].as_array().unwrap().len() as u64;
        for profile in file["profiles"].as_array().unwrap() {
            let (mut open, mut last) = (Vec::new(), profile["startValue"].as_u64().unwrap());
            for event in profile["events"].as_array().unwrap() {
                let (frame, at) = (event["frame"].as_u64().unwrap(), event["at"].as_u64().unwrap());
                prop_assert!(frame < frames && at >= last);
                last = at;
                if event["type"] == "O" { open.push(frame) } else { prop_assert_eq!(open.pop(), Some(frame)) }
            }
            prop_assert!(open.is_empty() && last <= profile["endValue"].as_u64().unwrap());
        }
    }

    #[test]
    fn callgrind_is_lines_of_its_grammar(story in story()) {
        let profile = text(story.written(&mut Callgrind::default()));
        let (head, body) = profile.split_once("\n\n").unwrap();
        let summary: u64 = head.lines().find_map(|line| line.strip_prefix("summary: ")).unwrap().parse().unwrap();
        let (mut own, mut is_call) = (0, false);
        for line in body.split('\n') {
            let is_name = ["ob=(", "fl=(", "fn=(", "cob=(", "cfi=(", "cfn=("].iter().any(|begin| line.starts_with(begin));
            match line.strip_prefix("0 ") {
                Some(ns) if is_call => { ns.parse::<u64>().unwrap(); }
                Some(ns) => own += ns.parse::<u64>().unwrap(),
                None => prop_assert!(line.is_empty() || is_name || line.starts_with("calls="), "{}", line),
            }
            is_call = line.starts_with("calls=");
        }
        prop_assert_eq!(own, summary);
    }
}

/// The bytes of all fields at a path.
fn nested<'a>(bytes: &'a [u8], path: &[u64]) -> Vec<&'a [u8]> {
    let Some((first, rest)) = path.split_first() else {
        return vec![bytes];
    };
    let mut found = Vec::new();
    for (field, value) in fields(bytes).unwrap() {
        if let (true, Wire::Bytes(inner)) = (field == *first, value) {
            found.extend(nested(inner, rest));
        }
    }
    found
}
