//! ShiViz: a log whose vector clocks say what led to what.
//!
//! Each event is two lines: what happened; its process and its clock, a JSON object. That is what ShiViz's
//! own expression reads: [`EXPRESSION`]. A process is a host, and its clock counts its own events and, of other
//! processes, those it can have heard of, by messages, spawns, links and exits. Events that no process did,
//! such as losses, have their node as a host.
//!
//! A line in front says what is missing; the expression passes over it. ShiViz draws a column for each
//! host, so there are at most [`HOSTS`].

use crate::json::text;
use crate::labels;
use crate::row::Row;
use crate::trace::{Format, Progress, Rows, Trace, id, node, process};
use scope_causal::{At, Picture};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// The expression that ShiViz reads this log by; it is the one that it offers.
pub const EXPRESSION: &str = r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})";

/// Hosts that a log has at most.
pub const HOSTS: usize = 1_000;

/// Characters of an event that are kept.
const WIDTH: usize = 200;

/// By host, how many of its events are known of; sorted, and without those that are 0.
type Clock = Vec<(u32, u32)>;

/// The format's writer.
#[derive(Debug, Default)]
pub struct Shiviz {
    progress: Progress,
    /// By host: what it knows. Hosts are the processes, and behind them the nodes.
    clocks: Vec<Clock>,
    /// Clocks of events that others still have to hear of, and how many do.
    told: HashMap<At, (Clock, u32)>,
    names: Vec<String>,
}

impl Format for Shiviz {
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
            self.begin(trace)?;
            if !trace.lacks.is_nothing() {
                writeln!(out, "# not in this log: {}", line(&trace.lacks.text()))?;
            }
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

impl Shiviz {
    fn begin(&mut self, trace: &Trace<'_>) -> io::Result<()> {
        let (processes, nodes) = (trace.picture.processes().len(), trace.picture.nodes().len());
        let lives = (0..processes as u32).filter(|&of| trace.picture.life(of).is_some());
        let hosts = lives.count();
        if hosts > HOSTS {
            let error = TooManyProcesses(hosts);
            return Err(io::Error::new(io::ErrorKind::Unsupported, error));
        }
        self.clocks = vec![Clock::new(); processes + nodes];
        let processes = (0..processes as u32).map(|of| host(&process(trace, of)));
        let nodes = (0..nodes as u32).map(|of| host(node(trace, of)));
        self.names = processes.chain(nodes).collect();
        Ok(())
    }

    fn event(
        &mut self,
        trace: &Trace<'_>,
        at: At,
        rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let of = self.host(trace, at);
        self.tick(trace, at, of);
        let mut what = String::new();
        rows.row(at, &mut |row| {
            what = describe(row);
            Ok(())
        })?;
        if what.is_empty() {
            what = format!("{} (damaged)", trace.picture.kind(at).name());
        }
        writeln!(out, "{} {}", host(&id(trace, at)), line(&what))?;
        write!(out, "{} {{", self.names[of as usize])?;
        for (index, (known, count)) in self.clocks[of as usize].iter().enumerate() {
            out.write_all(if index > 0 { b", " } else { b"" })?;
            text(&self.names[*known as usize], out)?;
            write!(out, ":{count}")?;
        }
        out.write_all(b"}\n")
    }

    fn host(&self, trace: &Trace<'_>, at: At) -> u32 {
        trace.picture.process(at).unwrap_or_else(|| {
            trace.picture.processes().len() as u32 + trace.picture.node(at).unwrap_or(0)
        })
    }

    /// The host's clock at an event: it has heard of what led to it, and counts it.
    fn tick(&mut self, trace: &Trace<'_>, at: At, host: u32) {
        let mut clock = std::mem::take(&mut self.clocks[host as usize]);
        for edge in trace.picture.edges_into(at) {
            if let Some((known, left)) = self.told.get_mut(&edge.cause) {
                hear(&mut clock, known);
                *left -= 1;
                if *left == 0 {
                    self.told.remove(&edge.cause);
                }
            }
        }
        let own = clock.binary_search_by_key(&host, |(of, _)| *of);
        match own {
            Ok(own) => clock[own].1 += 1,
            Err(place) => clock.insert(place, (host, 1)),
        }
        let effects = trace.picture.edges_from(at).count() as u32;
        if effects > 0 {
            self.told.insert(at, (clock.clone(), effects));
        }
        self.clocks[host as usize] = clock;
    }
}

/// The larger count of each host.
fn hear(clock: &mut Clock, known: &Clock) {
    let mut both = Clock::with_capacity(clock.len().max(known.len()));
    let (mut own, mut other) = (clock.iter().peekable(), known.iter().peekable());
    loop {
        let next = match (own.peek(), other.peek()) {
            (Some(one), Some(two)) if one.0 == two.0 => {
                let count = one.1.max(two.1);
                other.next();
                own.next().map(|(host, _)| (*host, count))
            }
            (Some(one), Some(two)) if one.0 > two.0 => other.next().copied(),
            (Some(_), _) => own.next().copied(),
            (None, _) => other.next().copied(),
        };
        match next {
            Some(entry) => both.push(entry),
            None => break,
        }
    }
    *clock = both;
}

/// More processes than columns can be drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} processes, and there is room for {HOSTS}")]
pub struct TooManyProcesses(
    /// How many there are.
    pub usize,
);

/// The kind stands in front, so that no line of an event looks like one of a host and its clock.
fn describe(row: &Row<'_>) -> String {
    let mut what = row.kind.name().to_owned();
    if let Some(about) = labels::about(&row.about) {
        let _ = write!(what, " {about}");
    }
    if let Some(data) = &row.data {
        let _ = write!(what, " {}", crate::json::text_of(data));
    }
    what
}

/// Text as one line that is no host and clock.
fn line(text: &str) -> String {
    let mut line: String = text.chars().map(printed).take(WIDTH).collect();
    if text.chars().nth(WIDTH).is_some() {
        line.push('…');
    }
    line
}

fn printed(c: char) -> char {
    match c {
        '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    }
}

/// A name without what the expression takes for the end of a host.
fn host(name: &str) -> String {
    let mut host = String::with_capacity(name.len());
    for c in name.chars() {
        if c == '%' || c == '{' || c.is_whitespace() || c.is_control() || c == '\u{feff}' {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(host, "%{byte:02X}");
            }
        } else {
            host.push(c);
        }
    }
    host
}
