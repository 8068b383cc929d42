//! speedscope: one evented profile for each process.
//!
//! Calls of a process are frames that open and close at nanoseconds since the first event. A call whose end was
//! not recorded is closed where it cannot be open any longer, and one of which only the end was recorded has
//! no frame. speedscope has no messages: which process called which is not in it.
//!
//! The frames are all functions of the picture; the name of the file says what is missing.

use crate::json::text;
use crate::trace::{Format, Open, Progress, Rows, STEP_BYTES, STEP_EVENTS, Trace, Turn};
use crate::trace::{function, ns, process};
use scope_causal::{At, Picture};
use std::io::{self, Write};

/// The format's writer.
#[derive(Debug, Default)]
pub struct Speedscope {
    progress: Progress,
    /// The process that is written.
    process: u32,
    /// Its next event, once it has begun.
    next: Option<At>,
    open: Open,
    /// Whether there was a profile, and an event in the one at hand.
    profiles: bool,
    events: bool,
    /// When the last event of the profile was, from the beginning of the trace.
    last: u64,
    done: usize,
}

impl Format for Speedscope {
    fn window(&self, _picture: &Picture) -> Vec<At> {
        Vec::new()
    }

    fn step(
        &mut self,
        trace: &Trace<'_>,
        _rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<bool> {
        if self.progress.begins() {
            head(trace, out)?;
        }
        let mut left = STEP_EVENTS;
        while left > 0 && out.len() < STEP_BYTES {
            left -= 1;
            if let Some(at) = self.next {
                self.event(trace, at, out)?;
            } else if !self.begin(trace, out)? {
                out.write_all(b"]}\n")?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn done(&self) -> usize {
        self.done
    }
}

impl Speedscope {
    /// Begins the profile of the next process that did anything; answers whether there is one.
    fn begin(&mut self, trace: &Trace<'_>, out: &mut Vec<u8>) -> io::Result<bool> {
        let all = trace.picture.processes().len() as u32;
        let life = loop {
            if self.process >= all {
                return Ok(false);
            }
            match trace.picture.life(self.process) {
                Some(life) if has_calls(trace, life) => break life,
                Some((_, _, events)) => self.done += events as usize,
                None => {}
            }
            self.process += 1;
        };
        let (first, last) = (since(trace, life.0), since(trace, life.1));
        out.write_all(if self.profiles { b"," } else { b"" })?;
        out.write_all(b"{\"type\":\"evented\",\"name\":")?;
        text(&process(trace, self.process), out)?;
        write!(
            out,
            ",\"unit\":\"nanoseconds\",\"startValue\":{first},\"endValue\":{},\"events\":[",
            last.max(first)
        )?;
        (self.next, self.profiles, self.events, self.last) = (Some(life.0), true, false, first);
        Ok(true)
    }

    fn event(&mut self, trace: &Trace<'_>, at: At, out: &mut Vec<u8>) -> io::Result<()> {
        self.last = self.last.max(since(trace, at));
        let mut turns = Vec::new();
        self.open.event(trace, at, |turn| turns.push(turn));
        self.done += 1;
        self.next = trace.picture.behind(at);
        if self.next.is_none() {
            self.open.close(|turn| turns.push(turn));
        }
        for turn in turns {
            self.turn(trace, turn, out)?;
        }
        if self.next.is_none() {
            self.process += 1;
            out.write_all(b"]}")?;
        }
        Ok(())
    }

    fn turn(&mut self, trace: &Trace<'_>, turn: Turn, out: &mut Vec<u8>) -> io::Result<()> {
        let (of, span) = match turn {
            Turn::Begin(span) => ("O", span),
            Turn::End { span, .. } => ("C", span),
            Turn::Point(_) => return Ok(()),
        };
        let frame = trace.spans.get(span).map_or(0, |span| span.function);
        let comma = if std::mem::replace(&mut self.events, true) {
            ","
        } else {
            ""
        };
        write!(
            out,
            "{comma}{{\"type\":\"{of}\",\"frame\":{frame},\"at\":{}}}",
            self.last
        )
    }
}

fn head(trace: &Trace<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    out.write_all(b"{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",")?;
    out.write_all(b"\"exporter\":\"elixir_scope\",\"name\":")?;
    let lacks = trace.lacks.text();
    let name = if lacks.is_empty() {
        "trace".to_owned()
    } else {
        format!("trace: {lacks}")
    };
    text(&name, out)?;
    out.write_all(b",\"activeProfileIndex\":0,\"shared\":{\"frames\":[")?;
    for index in 0..trace.picture.functions().len() {
        out.write_all(if index > 0 { b"," } else { b"" })?;
        out.write_all(b"{\"name\":")?;
        text(&function(trace, index as u32), out)?;
        out.write_all(b"}")?;
    }
    out.write_all(b"]},\"profiles\":[")
}

/// Whether any call of a process was seen to begin: looks no further than the first.
fn has_calls(trace: &Trace<'_>, (first, _, _): (At, At, u32)) -> bool {
    let mut next = Some(first);
    while let Some(at) = next {
        let span = trace.spans.of_event(at).and_then(|of| trace.spans.get(of));
        if span.is_some_and(|span| span.call == Some(at) && !span.point) {
            return true;
        }
        next = trace.picture.behind(at);
    }
    false
}

fn since(trace: &Trace<'_>, at: At) -> u64 {
    ns(trace, at).saturating_sub(trace.picture.stamp(0).physical_ns())
}
