//! Rows as columns of bytes, and back.
//!
//! All columns run over the sections in turn, one section per lane. What a column predicts from
//! starts empty in each section. Predictors are those of Burtscher's VPC3 (SIGMETRICS 2004), by
//! stack and by the last two keys, reduced to what call traces need.

mod chunks;
mod decode;
mod exceptions;
mod fresh;
mod keys;
mod metas;
mod names;
mod order;
mod payloads;
mod pids;
mod point;
mod reader;
mod refs;
mod sections;
mod select;
mod states;
mod times;

use super::codec::Codec;
use super::dictionary::Dictionary;
use super::intake::NameTable;
use super::payloads::Payloads;
use super::rows::Rows;
use crate::kind::Kind;
pub(super) use chunks::{Chunks, put as put_chunks};
pub(super) use decode::decode;
pub(super) use names::Named;
use order::Sizes;
use payloads::Numbers;
pub(super) use point::state_at;
pub use reader::Columns;
use refs::Refs;
pub use select::{Part, Wanted};
use times::Marks;

/// Number of columns in a block.
pub(super) const COLUMNS: usize = 12;
/// The dictionary.
pub(super) const NAMES: usize = 0;
const SECTIONS: usize = 1;
const PIDS: usize = 2;
const KEYS: usize = 3;
const TIMES: usize = 4;
const DATA: usize = 5;
const CORRELATIONS: usize = 6;
const METAS: usize = 7;
const TERM_INDEX: usize = 8;
const TERM_BYTES: usize = 9;
const STATES: usize = 10;
/// The one column that is compressed in chunks.
pub(super) const STATE_BYTES: usize = 11;

/// The codec for a column: times are packed already.
pub(super) fn codec_of(id: usize, codec: Codec) -> Codec {
    if id == TIMES { Codec::Plain } else { codec }
}

/// All columns, by number.
pub(super) fn encode(rows: &Rows, names: &NameTable, payloads: &Payloads) -> [Vec<u8>; COLUMNS] {
    let mut columns = [const { Vec::new() }; COLUMNS];
    let sections = rows.sections();
    let (sizes, mut stored) = (Sizes::of(&sections), rows.stored(&sections));
    let dictionary = &names.dictionary;
    let is_state = are_states(dictionary);
    let positions = states::positions(&stored, &is_state);
    let first = states::payloads(&stored, &positions, payloads.len());
    let numbers = Numbers::new(first, payloads.len());
    stored.renumber(&numbers);
    let origin = rows.stamps.iter().copied().min().unwrap_or_default();
    names::encode(names, rows, &numbers, &mut columns[NAMES]);
    sections::encode(&sections, &mut columns[SECTIONS]);
    let pids = dictionary.pids.len();
    pids::encode(&stored.pids, &sizes, pids, &mut columns[PIDS]);
    let keys = (&*stored.keys, &*stored.pids);
    keys::encode(keys, names, &sizes, &mut columns[KEYS]);
    let starts = times::encode(&stored.stamps, &sizes, origin, &mut columns[TIMES]);
    let refs = Refs {
        keys: &stored.keys,
        is_state: &is_state,
        states: numbers.states,
    };
    refs.encode(&stored.data, &sizes, &mut columns[DATA]);
    let ids = (&*stored.correlations, &*stored.pids);
    metas::encode_correlations(ids, &sizes, pids, &mut columns[CORRELATIONS]);
    metas::encode(&stored.metas, &sizes, &mut columns[METAS]);
    let (index, bytes) = columns[TERM_INDEX..].split_at_mut(1);
    payloads::encode(payloads, numbers.terms(), &mut index[0], &mut bytes[0]);
    if positions.is_empty() {
        return columns;
    }
    let marks = (&Marks::of(&starts, &stored.stamps, &sizes), origin);
    let both = (payloads, &numbers);
    states::encode(&stored, &positions, both, marks, &mut columns[STATES]);
    for old in &numbers.order[..numbers.states] {
        columns[STATE_BYTES].extend_from_slice(payloads.slice(*old as usize));
    }
    columns
}

/// Which keys are those of states.
fn are_states(dictionary: &Dictionary) -> Vec<bool> {
    let keys = dictionary.keys.iter();
    keys.map(|key| key.kind == Kind::State).collect()
}
