//! A column of mostly predicted values: how many predictions held, then the value that did not.

use crate::block::BlockError;
use crate::bytes::{Cursor, put_varint};

/// Writes a column of exceptions.
pub(super) struct Exceptions<'o> {
    out: &'o mut Vec<u8>,
    held: u64,
}

impl<'o> Exceptions<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, held: 0 }
    }

    /// The prediction held.
    #[inline]
    pub(super) fn hold(&mut self) {
        self.held += 1;
    }

    /// The prediction failed; the caller appends the value to what this returns.
    #[inline]
    pub(super) fn fail(&mut self) -> &mut Vec<u8> {
        put_varint(self.out, std::mem::take(&mut self.held));
        self.out
    }
}

/// Reads a column of exceptions. After the last exception all predictions hold.
pub(super) struct Predicted<'a> {
    at: Cursor<'a>,
    /// Predictions that hold before the next exception; `u64::MAX` after the last.
    holding: u64,
}

impl<'a> Predicted<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, BlockError> {
        let mut read = Self {
            at: Cursor::new(bytes),
            holding: 0,
        };
        read.count()?;
        Ok(read)
    }

    fn count(&mut self) -> Result<(), BlockError> {
        self.holding = if self.at.is_done() {
            u64::MAX
        } else {
            self.at.varint()?
        };
        Ok(())
    }

    /// The value in place of a failed prediction, or `None` where it held.
    #[inline]
    pub(super) fn next<V>(
        &mut self,
        value: impl FnOnce(&mut Cursor<'a>) -> Result<V, BlockError>,
    ) -> Result<Option<V>, BlockError> {
        if self.holding > 0 {
            self.holding -= 1;
            return Ok(None);
        }
        let value = value(&mut self.at)?;
        self.count()?;
        Ok(Some(value))
    }

    pub(super) fn finish(self) -> Result<(), BlockError> {
        if self.at.is_done() {
            Ok(())
        } else {
            Err(BlockError::Content("exceptions"))
        }
    }
}
