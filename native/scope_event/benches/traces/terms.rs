//! The terms of a recorded trace, written again under the budgets of the recorder.
//!
//! A term is a byte and what it says: 0 atom (number), 1 integer (zigzag), 2 float (8 bytes), 3
//! binary (full size, sized bytes of its beginning), 4 tuple (arity, terms), 5 list (terms up to 6,
//! or up to 7 and the tail), 8 map (pairs, keys and values in turn), 9 process (number), 10
//! reference (sized external format), 11 what is not encoded (code of its type), 12 the empty list.
//! The file bounds them a little above the budgets, so a term may end in the middle.

use super::reader::{Input, Names};
use scope_event::{Budget, Foreign, Opaque, Step, TermWriter};

/// Appends one term to the arena.
pub(super) fn put(bytes: &[u8], names: &Names<'_>, budget: Budget, arena: &mut Vec<u8>) {
    let mut room = [0; 1024];
    let mut to = TermWriter::new(&mut room, budget);
    // Wherever the walk stops, the writer closes what is open.
    let _ = walk(&mut Input(bytes), names, &mut to);
    arena.extend_from_slice(to.finish());
}

fn walk(from: &mut Input<'_>, names: &Names<'_>, to: &mut TermWriter<'_>) -> Option<Step> {
    let step = match from.byte()? {
        0 => to.atom(names.atom(from.varint()?)?),
        1 => {
            let n = from.varint()?;
            to.int((n >> 1) as i64 ^ -((n & 1) as i64))
        }
        2 => to.float(f64::from_le_bytes(from.take(8)?.try_into().ok()?)),
        3 => {
            let full = from.varint()?;
            to.binary(from.sized()?, full)
        }
        4 => {
            let arity = from.varint()?;
            let entered = to.tuple(arity as u32);
            return all(entered, arity, from, names, to);
        }
        5 => return list(from, names, to),
        8 => {
            let pairs = from.varint()?;
            let entered = to.map(pairs as u32, None);
            return all(entered, 2 * pairs, from, names, to);
        }
        9 => to.pid(names.pid(from.varint()?)),
        10 => to.foreign(Foreign::Reference, from.sized()?),
        11 => to.opaque(Opaque::from_code(from.byte()?)?, None),
        12 => to.nil(),
        _ => return None,
    };
    going_on(step)
}

fn going_on(step: Step) -> Option<Step> {
    (step != Step::Stop).then_some(step)
}

fn all(
    entered: Step,
    terms: u64,
    from: &mut Input<'_>,
    names: &Names<'_>,
    to: &mut TermWriter<'_>,
) -> Option<Step> {
    match entered {
        Step::Enter => (0..terms).try_fold(Step::Next, |_, _| walk(from, names, to)),
        step => going_on(step),
    }
}

fn list(from: &mut Input<'_>, names: &Names<'_>, to: &mut TermWriter<'_>) -> Option<Step> {
    let _ = going_on(to.list())?;
    loop {
        match from.0.first()? {
            6 => {
                from.byte()?;
                return going_on(to.end());
            }
            7 => {
                from.byte()?;
                let _ = going_on(to.tail())?;
                return walk(from, names, to);
            }
            _ => _ = walk(from, names, to)?,
        }
    }
}
