//! Rows as columns of bytes, and back.
//!
//! All columns run over the sections in turn, one section per lane. What a column predicts from
//! starts empty in each section. Predictors are those of Burtscher's VPC3 (SIGMETRICS 2004), by
//! stack and by the last two keys, reduced to what call traces need.

mod exceptions;
mod fresh;
mod keys;
mod metas;
mod payloads;
mod pids;
mod refs;
mod sections;
mod times;

use super::codec::Codec;
use super::dictionary::Dictionary;
use super::events::Events;
use super::intake::NameTable;
use super::payloads::Payloads;
use super::rows::Rows;
use super::{Block, BlockError};

/// Number of columns in a block.
pub(super) const COLUMNS: usize = 10;
/// The dictionary.
pub(super) const NAMES: usize = 0;
const SECTIONS: usize = 1;
const PIDS: usize = 2;
const KEYS: usize = 3;
const TIMES: usize = 4;
const DATA: usize = 5;
const CORRELATIONS: usize = 6;
const METAS: usize = 7;
const PAYLOAD_INDEX: usize = 8;
const PAYLOAD_BYTES: usize = 9;

/// The codec for a column: times are packed already.
pub(super) fn codec_of(id: usize, codec: Codec) -> Codec {
    if id == TIMES { Codec::Plain } else { codec }
}

/// All columns, by number.
pub(super) fn encode(rows: &Rows, names: &NameTable, payloads: &Payloads) -> [Vec<u8>; COLUMNS] {
    let mut columns = [const { Vec::new() }; COLUMNS];
    let sections = rows.sections();
    let dictionary = &names.dictionary;
    let origin = rows.stamps.iter().copied().min().unwrap_or_default();
    names.put(&mut columns[NAMES]);
    sections::encode(&sections, &mut columns[SECTIONS]);
    pids::encode(rows, &sections, dictionary.pids.len(), &mut columns[PIDS]);
    keys::encode(rows, dictionary, &sections, &mut columns[KEYS]);
    times::encode(rows, &sections, origin, &mut columns[TIMES]);
    refs::encode(rows, dictionary.keys.len(), &sections, &mut columns[DATA]);
    metas::encode_correlations(
        rows,
        dictionary.pids.len(),
        &sections,
        &mut columns[CORRELATIONS],
    );
    metas::encode(rows, &sections, &mut columns[METAS]);
    payloads::encode(payloads, &mut columns[PAYLOAD_INDEX]);
    columns[PAYLOAD_BYTES].extend_from_slice(payloads.bytes());
    columns
}

/// Decodes all columns of a block.
pub(super) fn decode(block: &Block) -> Result<Events, BlockError> {
    let header = block.header();
    let count = header.events() as usize;
    // A delta of time takes at least one bit, so memory grows with the input, not with the count.
    if count > 8 * block.stored_len(TIMES) {
        return Err(BlockError::Content("times"));
    }
    let dictionary = Dictionary::get(&block.column(NAMES)?)?;
    let payloads = payloads::decode(&block.column(PAYLOAD_INDEX)?, block.column(PAYLOAD_BYTES)?)?;
    dictionary.check_terms(payloads.len())?;
    let rows = decode_rows(block, count, &dictionary, &payloads)?;
    Ok(Events::new(
        header.origin.clone(),
        header.from,
        header.anchors.clone(),
        dictionary,
        payloads,
        rows,
    ))
}

fn decode_rows(
    block: &Block,
    count: usize,
    dictionary: &Dictionary,
    payloads: &Payloads,
) -> Result<Rows, BlockError> {
    let runs = sections::decode(&block.column(SECTIONS)?, count)?;
    let mut rows = Rows::zeroed(count, runs);
    let sections = rows.sections();
    pids::decode(
        &block.column(PIDS)?,
        &sections,
        dictionary.pids.len(),
        &mut rows,
    )?;
    keys::decode(&block.column(KEYS)?, &sections, dictionary, &mut rows)?;
    times::decode(
        &block.column(TIMES)?,
        &sections,
        block.header().min_stamp,
        &mut rows,
    )?;
    let sizes = (dictionary.keys.len(), payloads.len());
    refs::decode(&block.column(DATA)?, &sections, sizes, &mut rows)?;
    let correlations = block.column(CORRELATIONS)?;
    let sizes = (dictionary.pids.len(), payloads.len());
    metas::decode_correlations(&correlations, &sections, sizes, &mut rows)?;
    metas::decode(&block.column(METAS)?, &sections, &mut rows)?;
    Ok(rows)
}
