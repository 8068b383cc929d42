//! Callgrind: what each function took itself, and what its calls of each other function took.
//!
//! A function of a node is a function, its module the file, the node the object. The one cost is
//! nanoseconds. What a call waited for is a call of `[waiting]`, and what answered it is called from
//! there, so that the inclusive cost of a request holds what it led to on other nodes, once. Calls whose time
//! is not known count as calls without cost; `desc:` says how many, and what is missing.
//!
//! Lines of source are not known: all are 0. In names, what would end a line, and the parenthesis that a
//! reader would take for a number, are `%` and their hexadecimal digits.

use crate::labels;
use crate::trace::{Format, Progress, Rows, Trace, node};
use scope_causal::{At, Link, Picture, Span};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// A function where it ran; of waiting the function is [`WAITING`].
type Key = (u32, u32);

/// Stands for the function that waiting is.
const WAITING: u32 = u32::MAX;

/// The format's writer.
#[derive(Debug, Default)]
pub struct Callgrind {
    spans: Progress,
    lines: Progress,
    /// By function, what it took itself.
    own: BTreeMap<Key, u64>,
    /// By caller and callee, how often, and what that took.
    calls: BTreeMap<(Key, Key), (u64, u64)>,
    unknown: u64,
    keys: Vec<Key>,
    /// Files, functions and objects that were named already: later they are a number.
    named: [HashMap<u64, u32>; 3],
}

impl Format for Callgrind {
    fn window(&self, _picture: &Picture) -> Vec<At> {
        Vec::new()
    }

    fn step(
        &mut self,
        trace: &Trace<'_>,
        _rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<bool> {
        let mut spans = self.spans;
        let more = spans.step(trace.spans.len(), &mut Vec::new(), |at, _| {
            if let Some(span) = trace.spans.get(at) {
                self.add(trace, at, &span);
            }
            Ok(())
        })?;
        self.spans = spans;
        if more {
            return Ok(true);
        }
        if self.lines.begins() {
            self.keys = self.own.keys().copied().collect();
            self.head(trace, out)?;
        }
        let mut lines = self.lines;
        let more = lines.step(self.keys.len(), out, |at, out| {
            self.function(trace, self.keys[at as usize], out)
        })?;
        self.lines = lines;
        Ok(more)
    }

    fn done(&self) -> usize {
        self.spans.done()
    }
}

impl Callgrind {
    fn add(&mut self, trace: &Trace<'_>, index: u32, span: &Span) {
        let key = key(trace, span);
        self.unknown += u64::from(span.total_ns.is_none());
        *self.own.entry(key).or_default() += span.self_ns.unwrap_or(0);
        self.waits(trace, index, key);
        let Some(parent) = span.parent.and_then(|parent| trace.spans.get(parent)) else {
            return;
        };
        if span.link == Link::Program {
            self.call(self::key(trace, &parent), key, span.total_ns.unwrap_or(0));
        }
    }

    /// What a span waited for, and what answered it meanwhile.
    fn waits(&mut self, trace: &Trace<'_>, index: u32, key: Key) {
        let waits = trace.spans.waits(index);
        if waits.is_empty() {
            return;
        }
        let waiting = (key.0, WAITING);
        let mut left: HashMap<_, _> = waits
            .iter()
            .map(|wait| (wait.taken, wait.ns(trace.picture)))
            .collect();
        self.calls.entry((key, waiting)).or_default().0 += waits.len() as u64;
        let mut ns: u64 = left.values().sum();
        self.calls.entry((key, waiting)).or_default().1 += ns;
        for child in trace.spans.children(index) {
            let Some(child) = trace.spans.get(*child) else {
                continue;
            };
            let Some(room) = child.cause.and_then(|cause| left.get_mut(&cause)) else {
                continue;
            };
            let took = child.total_ns.unwrap_or(0).min(*room);
            *room -= took;
            ns -= took;
            self.call(waiting, self::key(trace, &child), took);
        }
        *self.own.entry(waiting).or_default() += ns;
    }

    fn call(&mut self, caller: Key, callee: Key, ns: u64) {
        self.own.entry(callee).or_default();
        let entry = self.calls.entry((caller, callee)).or_default();
        *entry = (entry.0 + 1, entry.1 + ns);
    }

    fn head(&self, trace: &Trace<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        out.write_all(b"# callgrind format\nversion: 1\ncreator: elixir_scope\n")?;
        if !trace.lacks.is_nothing() {
            writeln!(out, "desc: Missing: {}", escaped(&trace.lacks.text()))?;
        }
        if self.unknown > 0 {
            writeln!(out, "desc: Calls of unknown time: {}", self.unknown)?;
        }
        let total: u64 = self.own.values().sum();
        writeln!(
            out,
            "cmd: elixir_scope\npositions: line\nevents: Nanoseconds"
        )?;
        writeln!(out, "summary: {total}\n")
    }

    fn function(&mut self, trace: &Trace<'_>, key: Key, out: &mut Vec<u8>) -> io::Result<()> {
        self.names(trace, key, ["ob", "fl", "fn"], out)?;
        writeln!(out, "0 {}", self.own.get(&key).copied().unwrap_or(0))?;
        let calls = self
            .calls
            .range((key, (0, 0))..=(key, (u32::MAX, u32::MAX)));
        let calls: Vec<_> = calls.map(|((_, callee), made)| (*callee, *made)).collect();
        for (callee, (count, ns)) in calls {
            self.names(trace, callee, ["cob", "cfi", "cfn"], out)?;
            writeln!(out, "calls={count} 0\n0 {ns}")?;
        }
        out.write_all(b"\n")
    }

    fn names(
        &mut self,
        trace: &Trace<'_>,
        key: Key,
        words: [&str; 3],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let (module, label) = called(trace, key);
        let numbers = [
            u64::from(key.0),
            crate::hash(module.as_bytes()),
            u64::from(key.0) << 32 | u64::from(key.1),
        ];
        let names = [node(trace, key.0).to_owned(), module, label];
        for at in 0..3 {
            let known = &mut self.named[at];
            let next = known.len() as u32 + 1;
            let mut is_new = false;
            let number = *known.entry(numbers[at]).or_insert_with(|| {
                is_new = true;
                next
            });
            let name = if is_new {
                format!(" {}", escaped(&names[at]))
            } else {
                String::new()
            };
            writeln!(out, "{}=({number}){name}", words[at])?;
        }
        Ok(())
    }
}

fn key(trace: &Trace<'_>, span: &Span) -> Key {
    let process = trace.picture.processes().get(span.process as usize);
    (process.map_or(0, |process| process.node), span.function)
}

fn called(trace: &Trace<'_>, (_, function): Key) -> (String, String) {
    match trace.picture.functions().get(function as usize) {
        Some(of) => (
            labels::module(&of.module),
            labels::function(&of.module, &of.function, of.arity),
        ),
        None => ("[waiting]".to_owned(), "[waiting]".to_owned()),
    }
}

fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (at, c) in name.chars().enumerate() {
        if c == '%' || c.is_control() || (at == 0 && matches!(c, '(' | ' ')) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(escaped, "%{byte:02X}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}
