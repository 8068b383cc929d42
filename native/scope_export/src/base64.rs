//! Base64 with padding: RFC 4648, section 4.

use std::io::{self, Write};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes `bytes`, three as four characters.
pub(crate) fn base64(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    bytes
        .chunks(3)
        .try_for_each(|chunk| out.write_all(&group(chunk)))
}

fn group(chunk: &[u8]) -> [u8; 4] {
    let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
    let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    std::array::from_fn(|at| {
        if at <= chunk.len() {
            ALPHABET[(bits >> (18 - 6 * at)) as usize % 64]
        } else {
            b'='
        }
    })
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn the_test_vectors_of_the_rfc() {
        let text = |bytes: &str| {
            let mut out = Vec::new();
            base64(bytes.as_bytes(), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let all = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(text);
        let expected = [
            "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn every_character_of_the_alphabet() {
        let mut out = Vec::new();
        base64(&[0xff, 0xef, 0xbe, 0, 16, 131], &mut out).unwrap();
        assert_eq!(out, b"/+++ABCD");
    }
}
