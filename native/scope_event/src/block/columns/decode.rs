//! All columns of a block at once.

use super::names::Named;
use super::order::{Sizes, Stored};
use super::refs::Refs;
use super::states::States;
use super::times::Steps;
use super::{
    CORRELATIONS, DATA, KEYS, METAS, PIDS, SECTIONS, STATES, TERM_BYTES, TERM_INDEX, TIMES,
    are_states, keys, metas, payloads, pids, sections,
};
use crate::block::events::Events;
use crate::block::payloads::Payloads;
use crate::block::rows::{Rows, Run};
use crate::block::{Block, BlockError};
use std::borrow::Cow;
use std::sync::Arc;

/// Decodes all columns of a block.
pub(in crate::block) fn decode(block: &Block) -> Result<Events, BlockError> {
    let header = block.header();
    let names = Named::get(&block.names()?)?;
    let lanes = Lanes::of(block)?;
    let states = lanes.states(block, &names)?;
    let payloads = payloads_of(block, &states)?;
    names.dictionary.check_terms(payloads.len())?;
    let rows = lanes.rows(block, &names, &states, payloads.len())?;
    Ok(Events::new(
        header.origin.clone(),
        header.from,
        header.anchors.clone(),
        Arc::new(names.dictionary),
        payloads,
        rows,
    ))
}

pub(super) fn payloads_of(block: &Block, states: &States) -> Result<Payloads, BlockError> {
    let table = states.table()?;
    let bytes = block.chunks(table.bytes())?.all()?;
    let mut payloads = table.payloads(bytes)?;
    let terms = block.column(TERM_BYTES)?;
    payloads::decode(&block.column(TERM_INDEX)?, &terms, &mut payloads)?;
    Ok(payloads)
}

/// Which lanes recorded the events.
pub(super) struct Lanes {
    pub(super) runs: Vec<Run>,
    pub(super) sections: Vec<Vec<Run>>,
    pub(super) sizes: Sizes,
}

impl Lanes {
    pub(super) fn of(block: &Block) -> Result<Self, BlockError> {
        let count = block.header().events() as usize;
        // A step of time takes at least one bit, so memory grows with the input, not with the count.
        if count > 8 * block.stored_len(TIMES) {
            return Err(BlockError::Content("times"));
        }
        let runs = sections::decode(&block.column(SECTIONS)?, count)?;
        let sections = Rows::sections_of(&runs);
        let sizes = Sizes::of(&sections);
        Ok(Self {
            runs,
            sections,
            sizes,
        })
    }

    pub(super) fn states(&self, block: &Block, names: &Named) -> Result<States, BlockError> {
        let names = (names.dictionary.pids.len(), names.dictionary.keys.len());
        let origin = block.header().min_stamp;
        States::get(&block.column(STATES)?, &self.sizes, names, origin)
    }

    fn rows(
        self,
        block: &Block,
        names: &Named,
        states: &States,
        payloads: usize,
    ) -> Result<Rows, BlockError> {
        let (sizes, dictionary) = (&self.sizes, &names.dictionary);
        let is_state = are_states(dictionary);
        let many = dictionary.pids.len();
        let pids = pids::decode(&block.column(PIDS)?, sizes, many)?;
        let keys = keys::decode(&block.column(KEYS)?, sizes, dictionary, &pids)?;
        names.check(&keys)?;
        let origin = block.header().min_stamp;
        let stamps = Steps::new(&block.column(TIMES)?)?.stamps(sizes, origin, &states.marks)?;
        if !block.header().is_of(&names.kinds(), &stamps) {
            return Err(BlockError::Content("header"));
        }
        let refs = Refs {
            keys: &keys,
            is_state: &is_state,
            states: states.payloads as usize,
        };
        let data = refs.decode(&block.column(DATA)?, sizes, payloads)?;
        let ids = block.column(CORRELATIONS)?;
        let correlations = metas::decode_correlations(&ids, sizes, (many, payloads), &pids)?;
        let metas = metas::decode(&block.column(METAS)?, sizes)?;
        let mut stored = Stored {
            stamps: Cow::Owned(stamps),
            keys: Cow::Owned(keys),
            pids: Cow::Owned(pids),
            data: Cow::Owned(data),
            correlations: Cow::Owned(correlations),
            metas: Cow::Owned(metas),
        };
        stored.take_states(states, &is_state)?;
        Ok(stored.rows(&self.sections, self.runs))
    }
}
