//! What an event says, without what is different in any two runs.
//!
//! Processes, ports, references and functions are all alike, and so are the names of nodes. A number that is
//! the time of the event, or the monotonic time of a runtime, is a time and no other one.

use crate::likeness::mix;
use scope_clock::Stamp;
use scope_event::{Close, Foreign, Names, Opaque, Pid, Shape, TermError, TermSink, read_term};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// A number is a time if it is so near to that of the event.
const NEAR_NS: i128 = 60 * 60 * 1_000_000_000;

/// Where the monotonic time of a runtime begins, in nanoseconds.
const MONOTONIC: i128 = -(1 << 59);

/// No runtime is older: a year.
const LONGEST_LIFE_NS: i128 = 365 * 24 * NEAR_NS;

/// Hash of a term in block form. `now` is the stamp of the event that it belongs to: terms that
/// differ only in what differs between runs have the same hash.
///
/// # Errors
///
/// [`TermError`] when the term is damaged.
///
/// # Examples
///
/// ```
/// use scope_causal::content;
/// use scope_clock::Stamp;
/// use scope_event::{Pid, SymbolTable};
/// # struct NoNames;
/// # impl scope_event::Names for NoNames {
/// #     fn atom(&self, _: u32) -> Option<&std::sync::Arc<str>> { None }
/// #     fn pid(&self, _: u32) -> Option<&Pid> { None }
/// # }
/// assert_eq!(content(&[7], &NoNames, Stamp::ZERO), content(&[7], &NoNames, Stamp::ZERO));
/// assert_ne!(content(&[7], &NoNames, Stamp::ZERO), content(&[8], &NoNames, Stamp::ZERO));
/// ```
pub fn content(term: &[u8], names: &impl Names, now: Stamp) -> Result<u64, TermError> {
    let mut look = Look {
        open: Vec::new(),
        root: 0,
        now,
    };
    read_term(term, names, &mut look)?;
    Ok(look.root)
}

/// Whether a number is what a clock shows at that time, in any unit in which time is told: the time of day,
/// or the monotonic time of the Erlang runtime, which counts up from -2^59 ns where a runtime begins.
fn is_time(value: i64, now: Stamp) -> bool {
    let now = i128::from(now.physical_ns());
    let told_in = |unit: i128| {
        let ns = i128::from(value) * unit;
        let monotonic = MONOTONIC..MONOTONIC + LONGEST_LIFE_NS;
        now > 0 && (ns - now).abs() < NEAR_NS || monotonic.contains(&(ns + unit))
    };
    [1, 1_000, 1_000_000, 1_000_000_000]
        .into_iter()
        .any(told_in)
}

/// What kind of term a hash begins with.
#[derive(Clone, Copy)]
enum Sort {
    Atom = 1,
    Int,
    Time,
    Float,
    Binary,
    Process,
    Reference,
    Port,
    Opaque,
    Redacted,
    Tuple,
    Map,
    List,
    End,
    Tail,
    Cut,
    Node,
}

fn begin(sort: Sort) -> u64 {
    mix(0, sort as u64)
}

/// A container that is open.
struct Open {
    map: bool,
    /// Of a map the sum of its pairs, else the sequence of its items.
    hash: u64,
    /// Of a map, the key whose value comes next.
    key: Option<u64>,
}

struct Look {
    open: Vec<Open>,
    root: u64,
    now: Stamp,
}

impl Look {
    fn put(&mut self, hash: u64) {
        let Some(open) = self.open.last_mut() else {
            self.root = hash;
            return;
        };
        if !open.map {
            open.hash = mix(open.hash, hash);
        } else if let Some(key) = open.key.take() {
            open.hash = open.hash.wrapping_add(mix(key, hash));
        } else {
            open.key = Some(hash);
        }
    }
}

impl TermSink for Look {
    fn atom(&mut self, _index: u32, text: &Arc<str>) {
        // Only the name of a node has a host.
        self.put(if text.contains('@') {
            begin(Sort::Node)
        } else {
            mix(begin(Sort::Atom), xxh3_64(text.as_bytes()))
        });
    }

    fn int(&mut self, value: i64) {
        self.put(if is_time(value, self.now) {
            begin(Sort::Time)
        } else {
            mix(begin(Sort::Int), value as u64)
        });
    }

    fn float(&mut self, value: f64) {
        self.put(mix(begin(Sort::Float), value.to_bits()));
    }

    fn binary(&mut self, kept: &[u8], full: u64) {
        self.put(mix(mix(begin(Sort::Binary), full), xxh3_64(kept)));
    }

    fn pid(&mut self, _index: u32, _pid: &Pid) {
        self.put(begin(Sort::Process));
    }

    fn foreign(&mut self, of: Foreign, _bytes: &[u8]) {
        self.put(begin(match of {
            Foreign::Reference => Sort::Reference,
            Foreign::Port => Sort::Port,
            _ => Sort::Process,
        }));
    }

    fn opaque(&mut self, of: Opaque, size: Option<u64>) {
        // A process of another node, where it is not written out, is one like any other.
        self.put(match of {
            Opaque::Pid => begin(Sort::Process),
            Opaque::Reference => begin(Sort::Reference),
            Opaque::Port => begin(Sort::Port),
            _ => mix(mix(begin(Sort::Opaque), of as u64), size.unwrap_or(0)),
        });
    }

    fn redacted(&mut self) {
        self.put(begin(Sort::Redacted));
    }

    fn open(&mut self, shape: Shape) {
        let (map, hash) = match shape {
            Shape::Tuple(arity) => (false, mix(begin(Sort::Tuple), arity.into())),
            Shape::Map(size) => (true, mix(begin(Sort::Map), size.into())),
            Shape::List => (false, begin(Sort::List)),
        };
        self.open.push(Open {
            map,
            hash,
            key: None,
        });
    }

    fn close(&mut self, how: Close) {
        let Some(open) = self.open.pop() else { return };
        self.put(mix(
            open.hash,
            begin(match how {
                Close::Whole => Sort::End,
                Close::Tail => Sort::Tail,
                Close::Cut => Sort::Cut,
            }),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clock_shows_is_a_time_in_any_unit_and_other_numbers_are_none() {
        let now = Stamp::from_ns(1_763_690_000_000_000_000);
        for time in [
            1_763_690_000_000_000_777,
            1_763_690_001_000_000,
            1_763_690_000_123,
            1_763_690_000,
        ] {
            assert!(is_time(time, now), "{time}");
        }
        for monotonic in [
            -576_460_750_025_081_465,
            -576_460_750_025_081,
            -576_460_750_025,
            -576_460_750,
        ] {
            assert!(is_time(monotonic, now), "{monotonic}");
        }
        for other in [
            0,
            1,
            -1,
            86_400,
            1_763_690,
            -576_460,
            i64::MIN,
            i64::MAX,
            1 << 59,
        ] {
            assert!(!is_time(other, now), "{other}");
        }
    }
}
