//! Making a delta.

use super::ops::{EDIT, EDIT_HEAD, Op, REPLACE, REST, SAME, SPLICE, put_op};
use super::units::{Unit, Units};
use crate::bytes::{put_bytes, put_varint, varint_len};
use std::collections::HashMap;

/// Appends to `out` what turns `a` into `b`, two terms of the same form and dictionary.
///
/// Never longer than `b` and six bytes; one byte when nothing changed.
pub fn delta(a: &[u8], b: &[u8], out: &mut Vec<u8>) {
    if a == b {
        return out.push(SAME);
    }
    let start = out.len();
    let worth = 1 + varint_len(b.len() as u64) + b.len();
    if !structural(a, b, out) {
        splice(a, b, out);
    }
    if out.len() - start >= worth {
        out.truncate(start);
        out.push(REPLACE);
        put_bytes(out, b);
    }
}

fn splice(a: &[u8], b: &[u8], out: &mut Vec<u8>) {
    let start = common(a.iter(), b.iter());
    let end = common(a[start..].iter().rev(), b[start..].iter().rev());
    out.push(SPLICE);
    put_varint(out, start as u64);
    put_varint(out, end as u64);
    put_bytes(out, &b[start..b.len() - end]);
}

fn common<T: PartialEq>(a: impl Iterator<Item = T>, b: impl Iterator<Item = T>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

/// A delta unit by unit, if both terms are containers of one sort.
fn structural(a: &[u8], b: &[u8], out: &mut Vec<u8>) -> bool {
    let (Ok(Some(a)), Ok(Some(b))) = (Units::of(a), Units::of(b)) else {
        return false;
    };
    if a.keyed != b.keyed {
        return false;
    }
    if a.head == b.head {
        out.push(EDIT);
    } else {
        out.push(EDIT_HEAD);
        put_bytes(out, b.head);
    }
    let mut edit = Edit { out, copied: 0 };
    edit.all(&a, &b);
    edit.out.push(REST);
    true
}

/// The place, not before `at`, of the pair with the key of `unit`. Mostly that is the next one; all
/// keys are looked at only when it is not.
fn found<'u>(
    old: &[Unit<'u>],
    unit: &Unit<'u>,
    at: usize,
    places: &mut Option<HashMap<&'u [u8], usize>>,
) -> Option<usize> {
    if old.get(at).is_some_and(|next| next.key() == unit.key()) {
        return Some(at);
    }
    let all = || old.iter().enumerate().map(|(i, u)| (u.key(), i)).collect();
    let places = places.get_or_insert_with(all);
    places.get(unit.key()).copied().filter(|i| *i >= at)
}

/// Writes operations; neighbouring copies become one, and the last ones need none.
struct Edit<'o> {
    out: &'o mut Vec<u8>,
    copied: usize,
}

impl Edit<'_> {
    fn all(&mut self, a: &Units<'_>, b: &Units<'_>) {
        let start = common(a.units.iter(), b.units.iter());
        let (old, new) = (&a.units[start..], &b.units[start..]);
        let end = common(old.iter().rev(), new.iter().rev());
        let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
        self.copied = start;
        if a.keyed {
            self.keyed(old, new);
        } else if old.len() == new.len() {
            self.run(old, new);
        } else {
            self.matched(old, new);
        }
    }

    /// Pairs of a map: each new one is found by its key.
    fn keyed(&mut self, old: &[Unit<'_>], new: &[Unit<'_>]) {
        let mut places = None;
        let mut at = 0;
        for unit in new {
            match found(old, unit, at, &mut places) {
                Some(i) => {
                    self.skip(i - at);
                    self.one(&old[i], unit);
                    at = i + 1;
                }
                None => self.insert(unit.bytes),
            }
        }
        self.skip(old.len() - at);
    }

    /// Elements: those whose content is found again part the rest into runs.
    fn matched(&mut self, old: &[Unit<'_>], new: &[Unit<'_>]) {
        let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
        old.iter()
            .enumerate()
            .for_each(|(i, u)| places.entry(u.bytes).or_default().push(i));
        let (mut at, mut done) = (0, 0);
        for (j, unit) in new.iter().enumerate() {
            let Some(found) = places.get(unit.bytes) else {
                continue;
            };
            let Some(&i) = found.get(found.partition_point(|i| *i < at)) else {
                continue;
            };
            self.run(&old[at..i], &new[done..j]);
            self.copied += 1;
            (at, done) = (i + 1, j + 1);
        }
        self.run(&old[at..], &new[done..]);
    }

    /// Units in place of units: patched one by one, then skipped or inserted.
    fn run(&mut self, old: &[Unit<'_>], new: &[Unit<'_>]) {
        let both = old.len().min(new.len());
        old.iter().zip(new).for_each(|(a, b)| self.one(a, b));
        self.skip(old.len() - both);
        new[both..].iter().for_each(|unit| self.insert(unit.bytes));
    }

    fn one(&mut self, old: &Unit<'_>, new: &Unit<'_>) {
        if old == new {
            self.copied += 1;
        } else if old.can_become(new) {
            self.op(Op::Patch, 1);
            delta(old.term(), new.term(), self.out);
        } else {
            self.skip(1);
            self.insert(new.bytes);
        }
    }

    fn skip(&mut self, count: usize) {
        if count > 0 {
            self.op(Op::Skip, count);
        }
    }

    fn insert(&mut self, bytes: &[u8]) {
        self.op(Op::Insert, bytes.len());
        self.out.extend_from_slice(bytes);
    }

    /// Writes the copies that are due, then `op`.
    fn op(&mut self, op: Op, count: usize) {
        if self.copied > 0 {
            put_op(self.out, Op::Copy, std::mem::take(&mut self.copied));
        }
        put_op(self.out, op, count);
    }
}
