//! Protocol buffers as they are on the wire: numbers, bytes and messages in messages.
//!
//! A message is written into a buffer of its own and copied behind its length. That is one small
//! copy for each level, no tree of objects, no schema to compile and no crate to keep up with: the
//! two formats that are written this way use a dozen messages.

/// The fields of one message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(Vec<u8>);

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

impl Message {
    /// The message's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// An unsigned number, an enum's value or a boolean.
    pub(crate) fn uint(&mut self, field: u32, value: u64) -> &mut Self {
        self.tag(field, VARINT);
        varint(value, &mut self.0);
        self
    }

    /// An `int64`: two's complement, ten bytes where it is negative.
    pub(crate) fn int(&mut self, field: u32, value: i64) -> &mut Self {
        self.uint(field, value as u64)
    }

    /// A `fixed64`.
    pub(crate) fn fixed64(&mut self, field: u32, value: u64) -> &mut Self {
        self.tag(field, FIXED64);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A `fixed32`.
    pub(crate) fn fixed32(&mut self, field: u32, value: u32) -> &mut Self {
        self.tag(field, FIXED32);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A `double`.
    pub(crate) fn double(&mut self, field: u32, value: f64) -> &mut Self {
        self.fixed64(field, value.to_bits())
    }

    /// Bytes.
    pub(crate) fn blob(&mut self, field: u32, value: &[u8]) -> &mut Self {
        self.tag(field, BYTES);
        varint(value.len() as u64, &mut self.0);
        self.0.extend(value);
        self
    }

    /// Text.
    pub(crate) fn text(&mut self, field: u32, value: &str) -> &mut Self {
        self.blob(field, value.as_bytes())
    }

    /// A message, as `fill` makes it.
    pub(crate) fn message(&mut self, field: u32, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inner = Self::default();
        fill(&mut inner);
        self.blob(field, &inner.0)
    }

    fn tag(&mut self, field: u32, wire: u32) {
        varint(u64::from(field << 3 | wire), &mut self.0);
    }
}

/// Seven bits a byte, the lowest first.
pub(crate) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_encoding_guide() {
        let mut one = Message::default();
        one.uint(1, 150);
        assert_eq!(one.bytes(), [0x08, 0x96, 0x01]);
        let mut text = Message::default();
        text.text(2, "testing");
        assert_eq!(text.bytes(), b"\x12\x07testing");
        let mut nested = Message::default();
        nested.message(3, |inner| {
            inner.uint(1, 150);
        });
        assert_eq!(nested.bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let mut negative = Message::default();
        negative.int(1, -2);
        let ones = [0xff; 8];
        assert_eq!(
            negative.bytes(),
            [&[0x08, 0xfe], &ones[..], &[0x01]].concat()
        );
    }
}
