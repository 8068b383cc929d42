//! The file of a recorded trace.
//!
//! `scope trace 1\n`, the number of texts, the texts, then events to the end. An event is
//!
//! | field | form |
//! |---|---|
//! | nanoseconds since the event before it, of whatever lane | varint |
//! | lane: the scheduler | varint |
//! | kind: its code in a block | byte |
//! | process, by number | varint |
//! | subject: 0 none; 1 module, function, arity; 2 process; 3 name; 4 term | byte, then varints, a byte for the arity, sized bytes for a term |
//! | arguments, value or message, if any | sized bytes: a term |
//!
//! Varints are LEB128, texts and terms are sized: a varint of length before them. Atoms are numbers
//! of texts. Terms are described in [`super::terms`].

use super::{About, Step, Trace, terms};
use scope_clock::Stamp;
use scope_event::{Budget, Kind, Subject, SymbolTable};
use std::ops::Range;

const MAGIC: &[u8] = b"scope trace 1\n";
const START_NS: u64 = 1_700_000_000_000_000_000;

/// Bytes that are left to be read.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
        let byte = u64::from(self.byte()?);
        if byte < 0x80 {
            return Some(byte);
        }
        Some(byte & 0x7f | self.varint()? << 7)
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(part)
    }

    pub(super) fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.take(usize::try_from(length).ok()?)
    }
}

/// What the numbers in a trace stand for.
pub(super) struct Names<'a> {
    table: &'a SymbolTable,
    texts: Vec<u64>,
}

impl Names<'_> {
    pub(super) fn atom(&self, number: u64) -> Option<u64> {
        self.texts.get(usize::try_from(number).ok()?).copied()
    }

    pub(super) fn pid(&self, number: u64) -> u64 {
        self.table.pid_word(100 + number as u32)
    }
}

struct Reader<'a> {
    input: Input<'a>,
    names: Names<'a>,
    ns: u64,
    arena: Vec<u8>,
}

pub(super) fn trace(name: &'static str, bytes: &[u8], table: &SymbolTable) -> Option<Trace> {
    let mut input = Input(bytes.strip_prefix(MAGIC)?);
    let texts = (0..input.varint()?).map(|_| {
        let text = std::str::from_utf8(input.sized()?).ok()?;
        Some(table.word(text))
    });
    let texts = texts.collect::<Option<_>>()?;
    let mut reader = Reader {
        input,
        names: Names { table, texts },
        ns: 0,
        arena: Vec::new(),
    };
    let mut steps = Vec::new();
    while !reader.input.0.is_empty() {
        steps.push(reader.step()?);
    }
    Some(Trace {
        name,
        steps,
        arena: reader.arena,
    })
}

impl Reader<'_> {
    fn step(&mut self) -> Option<Step> {
        self.ns += self.input.varint()?;
        let lane = self.input.varint()? as u16;
        let kind = Kind::from_code(self.input.byte()?)?;
        let pid = self.pid()?;
        let subject = self.subject()?;
        Some(Step {
            lane,
            kind,
            // As capture stamps events.
            stamp: Stamp::from_ns(START_NS + self.ns).coarse().bits(),
            pid,
            subject,
            data: self.term(budget(kind))?,
        })
    }

    fn subject(&mut self) -> Option<About> {
        let words = match self.input.byte()? {
            0 => Subject::None,
            1 => Subject::Mfa {
                module: self.atom()?,
                function: self.atom()?,
                arity: self.input.byte()?,
            },
            2 => Subject::Pid(self.pid()?),
            3 => Subject::Name(self.atom()?),
            4 => return self.term(Budget::MESSAGES).map(About::Term),
            _ => return None,
        };
        Some(About::Words(words))
    }

    fn atom(&mut self) -> Option<u64> {
        let number = self.input.varint()?;
        self.names.atom(number)
    }

    fn pid(&mut self) -> Option<u64> {
        Some(self.names.pid(self.input.varint()?))
    }

    /// A term under the budget that it would have been recorded under.
    fn term(&mut self, budget: Budget) -> Option<Range<usize>> {
        let start = self.arena.len();
        let bytes = self.input.sized()?;
        if !bytes.is_empty() {
            terms::put(bytes, &self.names, budget, &mut self.arena);
        }
        Some(start..self.arena.len())
    }
}

fn budget(kind: Kind) -> Budget {
    match kind {
        Kind::Send | Kind::Receive | Kind::Exit => Budget::MESSAGES,
        _ => Budget::ARGUMENTS,
    }
}
