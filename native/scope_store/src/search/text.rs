//! Whether a term holds a text.

use scope_event::{Close, Foreign, Opaque, Pid, Shape, TermSink};
use std::sync::Arc;

/// Takes a term and remembers whether an atom or a binary holds the text, or an integer is it.
#[derive(Debug)]
pub(crate) struct TextSink<'a> {
    text: &'a str,
    /// The text as a number, if that is how the number is written.
    number: Option<i64>,
    pub(crate) found: bool,
}

impl<'a> TextSink<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let number = text.parse::<i64>().ok().filter(|n| n.to_string() == text);
        Self {
            text,
            number,
            found: false,
        }
    }

    fn look(&mut self, bytes: &[u8]) {
        self.found |= holds(bytes, self.text.as_bytes());
    }
}

/// Whether `text` is somewhere in `bytes`.
pub(crate) fn holds(bytes: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = text.split_first() else {
        return true;
    };
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = &left[at + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

impl TermSink for TextSink<'_> {
    fn atom(&mut self, _index: u32, text: &Arc<str>) {
        self.look(text.as_bytes());
    }

    fn int(&mut self, value: i64) {
        self.found |= self.number == Some(value);
    }

    fn float(&mut self, _value: f64) {}

    fn binary(&mut self, kept: &[u8], _full: u64) {
        self.look(kept);
    }

    fn pid(&mut self, _index: u32, _pid: &Pid) {}

    fn foreign(&mut self, _of: Foreign, _bytes: &[u8]) {}

    fn opaque(&mut self, _of: Opaque, _size: Option<u64>) {}

    fn redacted(&mut self) {}

    fn open(&mut self, _shape: Shape) {}

    fn close(&mut self, _how: Close) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_anywhere() {
        assert!(holds(b"ababc", b"abc") && holds(b"abc", b"abc") && holds(b"", b""));
        assert!(!holds(b"abab", b"abc") && !holds(b"ab", b"abc"));
    }

    #[test]
    fn integers_are_found_as_they_are_written() {
        let found = |text: &str, n| {
            let mut sink = TextSink::new(text);
            sink.int(n);
            sink.found
        };
        assert!(found("42", 42) && found("-7", -7));
        assert!(!found("42", 421) && !found("042", 42));
    }
}
