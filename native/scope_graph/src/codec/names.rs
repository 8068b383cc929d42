//! Sorted names, each without what it shares with the one before.

use std::sync::Arc;

use super::number::{Reader, put};
use crate::DecodeError;
use crate::names::{LIMIT, Names};

/// How many shared bytes one byte of a name may stand for.
const GAIN: usize = 15;

pub(super) fn write(bytes: &mut Vec<u8>, names: &Names, sorted: &[u32]) {
    put(bytes, sorted.len() as u64);
    let mut before = "";
    for name in sorted.iter().filter_map(|id| names.text(*id)) {
        let shared = shared(before, name);
        put(bytes, shared as u64);
        put(bytes, (name.len() - shared) as u64);
        bytes.extend_from_slice(&name.as_bytes()[shared..]);
        before = name;
    }
}

/// How many bytes of `name` are taken from the one before.
fn shared(before: &str, name: &str) -> usize {
    let common = before
        .bytes()
        .zip(name.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    common.min(name.len() * GAIN / (GAIN + 1))
}

/// Reads names; their numbers are their positions.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Names, DecodeError> {
    let count = reader.count()?;
    if count > LIMIT as usize {
        return Err(DecodeError::Range);
    }
    // A name takes two bytes at least, but only the first may be that short.
    let mut names = Names::with_capacity(count.min(reader.left() / 2));
    let mut before: Option<Arc<str>> = None;
    for _ in 0..count {
        let name = read_one(reader, before.as_deref())?;
        names.add(name.clone());
        before = Some(name);
    }
    Ok(names)
}

fn read_one(reader: &mut Reader<'_>, before: Option<&str>) -> Result<Arc<str>, DecodeError> {
    let shared = usize::try_from(reader.number()?).map_err(|_| DecodeError::Range)?;
    let own = reader.count()?;
    let own = reader.bytes(own)?;
    let name = join(before.unwrap_or_default(), shared, own)?;
    in_order(before, &name, shared)?;
    Ok(name.into())
}

fn join(before: &str, shared: usize, own: &[u8]) -> Result<String, DecodeError> {
    if shared > own.len().saturating_mul(GAIN) {
        return Err(DecodeError::Range);
    }
    let prefix = before.as_bytes().get(..shared).ok_or(DecodeError::Range)?;
    String::from_utf8([prefix, own].concat()).map_err(|_| DecodeError::Text)
}

fn in_order(before: Option<&str>, name: &str, taken: usize) -> Result<(), DecodeError> {
    let ascends = before.is_none_or(|before| before < name);
    let canonical = ascends && shared(before.unwrap_or_default(), name) == taken;
    canonical.then_some(()).ok_or(DecodeError::NotCanonical)
}
