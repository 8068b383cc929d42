//! The dictionary, and how many events have each key: counting by key decodes nothing else.

use super::payloads::Numbers;
use crate::block::BlockError;
use crate::block::dictionary::Dictionary;
use crate::block::header::Counts;
use crate::block::intake::NameTable;
use crate::block::rows::Rows;
use crate::bytes::{Cursor, put_varint};

/// A dictionary, and how many events have each of its keys.
pub(in crate::block) struct Named {
    pub(in crate::block) dictionary: Dictionary,
    pub(in crate::block) counts: Vec<u32>,
}

pub(super) fn encode(names: &NameTable, rows: &Rows, numbers: &Numbers, out: &mut Vec<u8>) {
    names.put(|payload| numbers.number(payload), out);
    let counts = count(&rows.keys, names.dictionary.keys.len());
    counts.for_each(|count| put_varint(out, u64::from(count)));
}

fn count(column: &[u32], keys: usize) -> impl Iterator<Item = u32> + use<> {
    let mut counts = vec![0u32; keys];
    column.iter().for_each(|key| counts[*key as usize] += 1);
    counts.into_iter()
}

impl Named {
    pub(in crate::block) fn get(bytes: &[u8]) -> Result<Self, BlockError> {
        let mut at = Cursor::new(bytes);
        let dictionary = Dictionary::get(&mut at)?;
        let counts = (0..dictionary.keys.len()).map(|_| at.varint32());
        let counts = counts.collect::<Result<_, _>>()?;
        if at.is_done() {
            Ok(Self { dictionary, counts })
        } else {
            Err(BlockError::Content("dictionary"))
        }
    }

    /// How many events there are of each kind, once the counts are known to be right.
    pub(super) fn kinds(&self) -> Counts {
        let codes = self.dictionary.keys.iter().map(|key| key.kind.code());
        Counts::sum(codes.zip(self.counts.iter().copied()))
    }

    /// Whether the counts are those of the column.
    pub(super) fn check(&self, column: &[u32]) -> Result<(), BlockError> {
        if count(column, self.counts.len()).eq(self.counts.iter().copied()) {
            Ok(())
        } else {
            Err(BlockError::Content("counts of keys"))
        }
    }
}
