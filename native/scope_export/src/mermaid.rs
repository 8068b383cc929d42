//! Mermaid: a sequence diagram, in causal order.
//!
//! Processes are participants, grouped by node, as far as they have an event that is shown: messages, and
//! what processes do to each other, are arrows; calls, exceptions, marks and losses are notes. A message
//! whose other half is only likely is dotted; one that nobody is known to have received ends in a
//! cross, and one that nobody is known to have sent is a note, as is what is missing.
//!
//! Mermaid refuses text beyond its `maxTextSize`, 50,000 characters unless it is told otherwise: some
//! hundred events. All text that is no letter, digit or plain punctuation is written as `#code;`.

use crate::labels;
use crate::row::Row;
use crate::trace::{Format, Progress, Rows, Trace, function, node, process};
use scope_causal::{At, Confidence, EdgeKind, Picture};
use scope_event::Kind;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Characters of a label that are kept.
const WIDTH: usize = 80;

/// The format's writer.
#[derive(Debug, Default)]
pub struct Mermaid {
    progress: Progress,
    /// By process, whether it is a participant.
    shown: Vec<bool>,
}

impl Format for Mermaid {
    fn window(&self, picture: &Picture) -> Vec<At> {
        self.progress.window(picture.order())
    }

    fn step(
        &mut self,
        trace: &Trace<'_>,
        rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<bool> {
        if self.progress.begins() {
            self.head(trace, out)?;
        }
        let mut progress = self.progress;
        let more = progress.step(trace.picture.len(), out, |place, out| {
            self.event(trace, trace.picture.order()[place as usize], rows, out)
        });
        self.progress = progress;
        more
    }

    fn done(&self) -> usize {
        self.progress.done()
    }
}

impl Mermaid {
    fn head(&mut self, trace: &Trace<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        self.shown = shown(trace);
        out.write_all(b"sequenceDiagram\n")?;
        for of in 0..trace.picture.nodes().len() as u32 {
            self.participants(trace, of, out)?;
        }
        if self.shown.iter().all(|shown| !shown) {
            out.write_all(b"participant none as (no process)\n")?;
        }
        if trace.lacks.is_nothing() {
            return Ok(());
        }
        note(&self.everybody(), &trace.lacks.text(), out)
    }

    fn participants(&self, trace: &Trace<'_>, of: u32, out: &mut Vec<u8>) -> io::Result<()> {
        let processes = trace.picture.processes().iter().enumerate();
        let mut here =
            processes.filter(|(index, process)| process.node == of && self.shown[*index]);
        let Some(first) = here.next() else {
            return Ok(());
        };
        writeln!(out, "box transparent {}", text(node(trace, of)))?;
        for (index, _) in std::iter::once(first).chain(here) {
            let name = process(trace, index as u32);
            writeln!(out, "participant p{index} as {}", text(&name))?;
        }
        out.write_all(b"end\n")
    }

    /// The first and the last participant, as a note that spans all names them.
    fn everybody(&self) -> String {
        let mut shown = (0..self.shown.len()).filter(|index| self.shown[*index]);
        match (shown.next(), shown.next_back()) {
            (None, _) => "none".to_owned(),
            (Some(one), None) => format!("p{one}"),
            (Some(first), Some(last)) => format!("p{first},p{last}"),
        }
    }

    fn event(
        &self,
        trace: &Trace<'_>,
        at: At,
        rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let kind = trace.picture.kind(at);
        let Some(process) = trace.picture.process(at) else {
            return self.without(kind, at, rows, out);
        };
        let here = format!("p{process}");
        match kind {
            Kind::Call => {
                let of = trace.picture.function(at);
                note(
                    &here,
                    &of.map_or(String::new(), |of| function(trace, of)),
                    out,
                )
            }
            Kind::Exception | Kind::Mark | Kind::Exit => {
                note(&here, &words(at, rows, with_data)?, out)
            }
            Kind::Send => self.send(trace, at, process, rows, out),
            Kind::Receive | Kind::Spawn | Kind::Link => self.arrows(trace, at, process, rows, out),
            _ => self.arrows_into(trace, at, process, "", out).map(|_| ()),
        }
    }

    /// What no process did: of those, losses.
    fn without(
        &self,
        kind: Kind,
        at: At,
        rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        if kind == Kind::Gap {
            let what = words(at, rows, with_data)?;
            return note(&self.everybody(), &what, out);
        }
        Ok(())
    }

    /// A message that arrives is drawn when it does; here is what does not.
    fn send(
        &self,
        trace: &Trace<'_>,
        at: At,
        process: u32,
        rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        if trace.picture.edges_from(at).next().is_some() {
            return Ok(());
        }
        let what = words(at, rows, message)?;
        match trace
            .picture
            .peer(at)
            .filter(|&peer| self.shown[peer as usize])
        {
            Some(peer) => writeln!(out, "p{process}-xp{peer}: {}", text(&what)),
            None => note(&format!("p{process}"), &words(at, rows, with_data)?, out),
        }
    }

    fn arrows(
        &self,
        trace: &Trace<'_>,
        at: At,
        process: u32,
        rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let kind = trace.picture.kind(at);
        let what = if kind == Kind::Receive {
            words(at, rows, message)?
        } else {
            String::new()
        };
        let drawn = self.arrows_into(trace, at, process, &what, out)?;
        if drawn == 0 && kind == Kind::Receive {
            return note(&format!("p{process}"), &format!("receive {what}"), out);
        }
        Ok(())
    }

    /// An arrow from each cause in another process; answers how many.
    fn arrows_into(
        &self,
        trace: &Trace<'_>,
        at: At,
        process: u32,
        what: &str,
        out: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let mut drawn = 0;
        for edge in trace.picture.edges_into(at) {
            let Some(from) = trace.picture.process(edge.cause) else {
                continue;
            };
            let (arrow, word) = match (edge.kind, edge.sure) {
                (EdgeKind::Message, Confidence::Exact) => ("->>", what),
                (EdgeKind::Message, _) => ("-->>", what),
                (EdgeKind::Spawn, _) => ("->>", "spawn"),
                (EdgeKind::Link, _) => ("->>", "link"),
                (EdgeKind::Exit, _) => ("->>", "exit"),
            };
            writeln!(out, "p{from}{arrow}p{process}: {}", text(word))?;
            drawn += 1;
        }
        Ok(drawn)
    }
}

/// Which processes have anything to be shown.
fn shown(trace: &Trace<'_>) -> Vec<bool> {
    let mut shown = vec![false; trace.picture.processes().len()];
    let mut show = |at| {
        if let Some(process) = trace.picture.process(at) {
            shown[process as usize] = true;
        }
    };
    for at in 0..trace.picture.len() as u32 {
        use Kind::{Call, Exception, Exit, Mark, Receive, Send};
        if matches!(
            trace.picture.kind(at),
            Call | Exception | Mark | Send | Receive | Exit
        ) {
            show(at);
        }
        for edge in trace.picture.edges_into(at) {
            show(edge.cause);
            show(at);
        }
    }
    shown
}

fn words(at: At, rows: &mut dyn Rows, of: fn(&Row<'_>) -> String) -> io::Result<String> {
    let mut words = String::new();
    rows.row(at, &mut |row| {
        words = of(row);
        Ok(())
    })?;
    Ok(words)
}

fn message(row: &Row<'_>) -> String {
    let data = row.data.as_ref();
    data.map_or_else(
        || "message".to_owned(),
        |data| labels::term(data).into_owned(),
    )
}

fn with_data(row: &Row<'_>) -> String {
    let mut words = labels::event(row);
    if let Some(data) = &row.data {
        let _ = write!(words, " {}", labels::term(data));
    }
    words
}

fn note(over: &str, what: &str, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "Note over {over}: {}", text(what))
}

/// Text that Mermaid shows as it is.
fn text(of: &str) -> String {
    let mut text = String::with_capacity(of.len());
    for c in of.chars().take(WIDTH) {
        match c {
            c if c.is_control() => text.push(' '),
            c if c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '/' | '_' | '-') => {
                text.push(c);
            }
            c => {
                let _ = write!(text, "#{};", c as u32);
            }
        }
    }
    if of.chars().nth(WIDTH).is_some() {
        text.push('…');
    }
    // Nothing is no label; and a label that begins with a keyword's letters is none either.
    if text.trim().is_empty() {
        "#32;".to_owned()
    } else {
        text
    }
}
