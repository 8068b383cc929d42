//! Sessions, flags and correlation ids: whatever it was last time.

use super::exceptions::{Exceptions, Predicted};
use super::fresh::Fresh;
use super::order::Sizes;
use crate::block::BlockError;
use crate::block::dictionary::below;
use crate::block::rows::Meta;
use crate::bytes::{Cursor, put_varint};

/// Session and flags, predicted to be those of the event before.
pub(super) fn encode(column: &[Meta], sizes: &Sizes, out: &mut Vec<u8>) {
    let mut out = Exceptions::new(out);
    for section in sizes.ranges() {
        let mut last = Meta::default();
        for meta in &column[section] {
            if *meta == last {
                out.hold();
                continue;
            }
            last = *meta;
            meta.put(out.fail());
        }
    }
}

pub(super) fn decode(bytes: &[u8], sizes: &Sizes) -> Result<Vec<Meta>, BlockError> {
    let mut column = Predicted::new(bytes)?;
    let mut metas = Vec::with_capacity(sizes.events());
    for section in sizes.ranges() {
        let mut last = Meta::default();
        while metas.len() < section.end {
            metas.resize(metas.len() + column.hold(section.end - metas.len()), last);
            if metas.len() < section.end {
                last = column.surprise(Meta::get)?;
                metas.push(last);
            }
        }
    }
    column.finish(sizes.are_all())?;
    Ok(metas)
}

impl Meta {
    pub(super) fn put(self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.session));
        out.push(self.flags);
    }

    pub(super) fn get(at: &mut Cursor<'_>) -> Result<Self, BlockError> {
        let session = u16::try_from(at.varint()?).map_err(|_| BlockError::Content("session"))?;
        Ok(Self {
            session,
            flags: at.u8()?,
        })
    }
}

/// Correlation ids, predicted to be that of the process's last event.
pub(super) fn encode_correlations(
    (column, by): (&[u32], &[u32]),
    sizes: &Sizes,
    pids: usize,
    out: &mut Vec<u8>,
) {
    if column.iter().all(|payload| *payload == 0) {
        return;
    }
    let mut out = Exceptions::new(out);
    let mut last = Fresh::<u32>::new(pids + 1);
    for section in sizes.ranges() {
        last.next_section();
        for (payload, pid) in column[section.clone()].iter().zip(&by[section]) {
            let seen = last.of(*pid);
            if seen == payload {
                out.hold();
                continue;
            }
            *seen = *payload;
            put_varint(out.fail(), u64::from(*payload));
        }
    }
}

pub(super) fn decode_correlations(
    bytes: &[u8],
    sizes: &Sizes,
    (pids, payloads): (usize, usize),
    by: &[u32],
) -> Result<Vec<u32>, BlockError> {
    // No exception: everything is as it starts.
    if bytes.is_empty() {
        return Ok(vec![0; sizes.events()]);
    }
    let mut column = Predicted::new(bytes)?;
    let mut last = Fresh::<u32>::new(pids + 1);
    let mut ids = Vec::with_capacity(sizes.events());
    for section in sizes.ranges() {
        last.next_section();
        for pid in &by[section] {
            let other = column.next(|at| below(at.varint32()?, payloads + 1, "payload"))?;
            let seen = last.of(*pid);
            *seen = other.unwrap_or(*seen);
            ids.push(*seen);
        }
    }
    column.finish(sizes.are_all())?;
    Ok(ids)
}
