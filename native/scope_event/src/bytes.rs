//! Little-endian numbers and LEB128 varints, in and out of byte strings.

/// The bytes ended, or a number does not fit its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Short;

/// Bytes that `value` takes as a varint.
pub(crate) const fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Appends `value` as a varint: seven bits a byte, low bits first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a byte string with its length before it.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Small magnitudes of either sign as small numbers.
pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub(crate) const fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

/// The top bits of eight bytes.
const LONG: u64 = 0x8080_8080_8080_8080;

/// A place in a byte string. Reading never goes past the end and never allocates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// What was read since `start`.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Short> {
        let byte = *self.bytes.get(self.at).ok_or(Short)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Short> {
        let end = self.at.checked_add(len).ok_or(Short)?;
        let taken = self.bytes.get(self.at..end).ok_or(Short)?;
        self.at = end;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        self.take(N)?.try_into().map_err(|_| Short)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Short> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Short> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Short> {
        let first = self.u8()?;
        if first < 0x80 {
            Ok(u64::from(first))
        } else {
            let (value, past) = self.long_varint(first)?;
            *self = past;
            Ok(value)
        }
    }

    /// By value, so that the cursor of a loop around it stays in registers.
    fn long_varint(mut self, first: u8) -> Result<(u64, Self), Short> {
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Short);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok((value, self));
            }
        }
        Err(Short)
    }

    /// Shows so many varints.
    #[inline]
    pub(crate) fn varints(&mut self, count: usize, mut each: impl FnMut(u64)) -> Result<(), Short> {
        let mut left = count;
        while left > 0 {
            // Most are of one byte each: then the next eight are told at a glance.
            let ahead = self.rest().first_chunk::<8>().filter(|_| left >= 8);
            match ahead {
                Some(eight) if u64::from_le_bytes(*eight) & LONG == 0 => {
                    eight.iter().for_each(|byte| each(u64::from(*byte)));
                    self.at += 8;
                    left -= 8;
                }
                _ => {
                    each(self.varint()?);
                    left -= 1;
                }
            }
        }
        Ok(())
    }

    /// A varint that must fit 32 bits.
    #[inline]
    pub(crate) fn varint32(&mut self) -> Result<u32, Short> {
        u32::try_from(self.varint()?).map_err(|_| Short)
    }

    /// A byte string with its length before it.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Short> {
        let len = usize::try_from(self.varint()?).map_err(|_| Short)?;
        self.take(len)
    }

    /// A text with its length before it.
    pub(crate) fn text(&mut self) -> Result<&'a str, Short> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn many_varints_are_those_one_by_one(
            values in prop::collection::vec(prop_oneof![9 => 0u64..128, 1 => any::<u64>()], 0..60),
            count in 0usize..70,
        ) {
            let mut out = Vec::new();
            values.iter().for_each(|value| put_varint(&mut out, *value));
            let mut read = Vec::new();
            let all = Cursor::new(&out).varints(count, |value| read.push(value));
            prop_assert_eq!(all.is_ok(), count <= values.len());
            prop_assert_eq!(&read[..], &values[..count.min(values.len())]);
        }

        #[test]
        fn varints_come_back_and_their_length_is_known(value: u64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            prop_assert_eq!(out.len(), varint_len(value));
            prop_assert_eq!(Cursor::new(&out).varint(), Ok(value));
        }

        #[test]
        fn zigzag_comes_back(value: i64) {
            prop_assert_eq!(unzigzag(zigzag(value)), value);
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
            let mut cursor = Cursor::new(&bytes);
            while cursor.varint().is_ok() {}
            prop_assert!(cursor.left() <= bytes.len());
        }
    }
}
