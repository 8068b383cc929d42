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

    #[inline]
    fn count(&mut self) -> Result<(), BlockError> {
        self.holding = if self.at.is_done() {
            u64::MAX
        } else {
            self.at.varint()?
        };
        Ok(())
    }

    /// For how many of the next `most` events the prediction holds. If for fewer, then
    /// [`surprise`](Self::surprise) follows.
    #[inline]
    pub(super) fn hold(&mut self, most: usize) -> usize {
        let held = self.holding.min(most as u64);
        self.holding -= held;
        held as usize
    }

    /// The value in place of the prediction that failed.
    #[inline]
    pub(super) fn surprise<V>(
        &mut self,
        value: impl FnOnce(&mut Cursor<'a>) -> Result<V, BlockError>,
    ) -> Result<V, BlockError> {
        let value = value(&mut self.at)?;
        self.count()?;
        Ok(value)
    }

    /// The value in place of a failed prediction, or `None` where it held.
    #[inline]
    pub(super) fn next<V>(
        &mut self,
        value: impl FnOnce(&mut Cursor<'a>) -> Result<V, BlockError>,
    ) -> Result<Option<V>, BlockError> {
        match self.hold(1) {
            0 => self.surprise(value).map(Some),
            _ => Ok(None),
        }
    }

    /// After the last event that is asked for: if these `are_all`, nothing is left.
    pub(super) fn finish(self, are_all: bool) -> Result<(), BlockError> {
        if self.at.is_done() || !are_all {
            Ok(())
        } else {
            Err(BlockError::Content("exceptions"))
        }
    }
}
