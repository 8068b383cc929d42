//! Folded stacks: one line for each stack of calls, with the nanoseconds that were spent right there.
//!
//! A stack goes on across processes and nodes: what answered a request stands below who asked, and the
//! time on the way is `[network]`, the time in which nobody is known to have done anything
//! `[waiting]`. Where the node changes, and at the bottom, the frame says which it is:
//! `Shop.pay/1 (shop@host)`. Calls whose time is not known have none. The format has no place for what is
//! missing.
//!
//! In names `%`, `;` and everything that is no printed character is `%` and the hexadecimal digits of its UTF-8, as
//! frames end with a semicolon and lines with an end of line.

use crate::trace::{Format, Progress, Rows, Trace, function, node};
use scope_causal::{At, Block, Frame, Picture, flame};
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// The format's writer.
#[derive(Debug, Default)]
pub struct Folded {
    frames: Option<Vec<Frame>>,
    progress: Progress,
    /// The frames above: how they are called, and where.
    above: Vec<(String, u32)>,
}

impl Format for Folded {
    fn window(&self, _picture: &Picture) -> Vec<At> {
        Vec::new()
    }

    fn step(
        &mut self,
        trace: &Trace<'_>,
        _rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<bool> {
        let frames = self
            .frames
            .get_or_insert_with(|| flame(trace.picture, trace.spans, None));
        let above = &mut self.above;
        self.progress.step(frames.len(), out, |at, out| {
            line(trace, &frames[at as usize], above, out)
        })
    }

    fn done(&self) -> usize {
        self.progress.done()
    }
}

fn line(
    trace: &Trace<'_>,
    frame: &Frame,
    above: &mut Vec<(String, u32)>,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    above.truncate(frame.depth as usize);
    let from = above.last().map(|(_, node)| *node);
    above.push(label(trace, frame.block, from));
    if frame.self_ns == 0 {
        return Ok(());
    }
    for (at, (name, _)) in above.iter().enumerate() {
        out.write_all(if at > 0 { b";" } else { b"" })?;
        out.write_all(name.as_bytes())?;
    }
    writeln!(out, " {}", frame.self_ns)
}

fn label(trace: &Trace<'_>, block: Block, from: Option<u32>) -> (String, u32) {
    match block {
        Block::Waiting => ("[waiting]".to_owned(), from.unwrap_or_default()),
        Block::Network => ("[network]".to_owned(), from.unwrap_or_default()),
        Block::Function {
            function: of,
            node: at,
        } => {
            let mut label = escaped(&function(trace, of));
            if from != Some(at) {
                let _ = write!(label, " ({})", escaped(node(trace, at)));
            }
            (label, at)
        }
    }
}

fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '%' | ';') || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(escaped, "%{byte:02X}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_ends_a_frame_or_a_line() {
        assert_eq!(escaped("a;b%\nc\u{85}größe 1"), "a%3Bb%25%0Ac%C2%85größe 1");
    }
}
