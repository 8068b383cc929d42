//! What comes with the events that were found.

use super::{Found, Selection};
use crate::block::BlockError;
use crate::block::columns::decode::payloads_of;
use crate::block::columns::order::Sizes;
use crate::block::columns::refs::Refs;
use crate::block::columns::{CORRELATIONS, DATA, METAS, are_states, metas};
use crate::block::dictionary::KeySubject;
use crate::block::payloads::Payloads;
use crate::block::rows::Meta;

/// The columns that no question is decided by, up to the last event that was found.
pub(super) struct Rest {
    pub(super) payloads: Payloads,
    pub(super) data: Vec<u32>,
    pub(super) correlations: Vec<u32>,
    pub(super) metas: Vec<Meta>,
}

impl Rest {
    pub(super) fn of(
        from: &Selection<'_>,
        sizes: &Sizes,
        found: &Found,
    ) -> Result<Self, BlockError> {
        let block = from.block;
        let dictionary = &from.names.dictionary;
        let (refs, ids) = (block.column(DATA)?, block.column(CORRELATIONS)?);
        let is_state = are_states(dictionary);
        let has_term = |at: &usize| {
            let key = found.keys[*at] as usize;
            is_state[key] || matches!(dictionary.keys[key].subject, KeySubject::Term(_))
        };
        let any = !(refs.is_empty() && ids.is_empty()) || found.positions.iter().any(has_term);
        let payloads = match any {
            true => payloads_of(block, from.states)?,
            false => Payloads::default(),
        };
        let many = (dictionary.pids.len(), payloads.len());
        if any {
            dictionary.check_terms(payloads.len())?;
        }
        let here = Refs {
            keys: &found.keys,
            is_state: &is_state,
            states: from.states.payloads as usize,
        };
        let mut rest = Self {
            data: here.decode(&refs, sizes, payloads.len())?,
            correlations: metas::decode_correlations(&ids, sizes, many, from.pids)?,
            metas: metas::decode(&block.column(METAS)?, sizes)?,
            payloads,
        };
        rest.take_states(from, sizes.events());
        Ok(rest)
    }

    fn take_states(&mut self, from: &Selection<'_>, end: usize) {
        let pids = from.names.dictionary.pids.len();
        let entries = from.states.entries(pids);
        for entry in entries.take_while(|entry| (entry.position as usize) < end) {
            self.data[entry.position as usize] = entry.data;
        }
    }
}
