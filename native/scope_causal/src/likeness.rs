//! What two looks at one message have in common, though each was cut and ordered in its own way.
//!
//! The sender's node and the receiver's record the same message differently. Maps iterate in
//! another order, so the hash of a map adds over its pairs. A pid is a number at home and twenty
//! bytes and more elsewhere, so that a budget of bytes cuts the two in different places: of a message
//! that was cut only the *outline* counts, which is as much of its beginning as no budget cuts on
//! either side.

mod outline;

use crate::identity::{Identity, Named};
use outline::{BINARY, Outline};
use scope_event::{Close, Foreign, Names, Opaque, Pid, Shape, TermError, TermSink, read_term};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// References of a message that are looked at; one with more has none.
pub const REFERENCES: usize = 8;

/// The content of a message, as far as it can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// Hash of the beginning, which no budget cuts.
    pub(crate) outline: u64,
    /// Hash of all of it, where nothing was cut.
    pub(crate) whole: Option<u64>,
    /// At most [`REFERENCES`], in order and each once.
    pub(crate) references: Box<[Reference]>,
}

/// A reference in a message, and where it stands, and in what: a request and its reply hold the same one in
/// different places. Both in 128 bits of hash, so that no two are taken for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(u128);

impl Likeness {
    /// Looks at a message in block form.
    ///
    /// # Errors
    ///
    /// [`TermError`] when it is damaged.
    ///
    /// An example is at [`pair`](crate::pair()).
    pub fn read(message: &[u8], names: &impl Names) -> Result<Self, TermError> {
        let mut look = Look::default();
        read_term(message, names, &mut look)?;
        Ok(look.finish())
    }

    /// Whether both can be one message.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        alike((self.outline, self.whole), (other.outline, other.whole))
    }
}

/// Whether what is known of two contents, by their beginnings and by all of it, can be of one.
pub(crate) fn alike(one: (u64, Option<u64>), other: (u64, Option<u64>)) -> bool {
    let same = |(one, other)| one == other;
    one.0 == other.0 && one.1.zip(other.1).is_none_or(same)
}

/// Order counts.
fn mix(state: u64, word: u64) -> u64 {
    let wide =
        u128::from(state.rotate_left(23) ^ word ^ 0x5851_f42d_4c95_7f2d) * 0x9e37_79b9_7f4a_7c15;
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// What kind of term a hash begins with.
#[derive(Clone, Copy)]
enum Sort {
    Atom = 1,
    Int,
    Float,
    Binary,
    Named,
    Damaged,
    Opaque,
    Redacted,
    Tuple,
    Map,
    List,
    End,
    Tail,
}

fn begin(sort: Sort) -> u64 {
    mix(0, sort as u64)
}

/// A container that is open.
struct Frame {
    shape: Shape,
    /// Of a map the sum of its pairs, else the sequence of its items.
    hash: u64,
    /// Items so far.
    at: u64,
    /// Of a map, the key whose value comes next.
    key: Option<u64>,
    /// Where this container stands in the message.
    path: u64,
}

#[derive(Default)]
struct Look {
    open: Vec<Frame>,
    root: u64,
    /// The first element, if the message is a tuple that begins with an atom.
    head: u64,
    cut: bool,
    references: Vec<Reference>,
    outline: Outline,
}

impl Look {
    fn finish(mut self) -> Likeness {
        self.references.sort_unstable();
        self.references.dedup();
        if self.references.len() > REFERENCES {
            self.references.clear();
        }
        Likeness {
            outline: self.outline.hash,
            whole: (!self.cut).then_some(self.root),
            references: self.references.into(),
        }
    }

    fn leaf(&mut self, hash: u64, bytes: u32) {
        self.outline.pay(bytes, self.open.len());
        self.outline.add(hash);
        self.put(hash);
    }

    /// A whole term, into what holds it.
    fn put(&mut self, hash: u64) {
        let Some(frame) = self.open.last_mut() else {
            self.root = hash;
            return;
        };
        match (frame.shape, frame.key.take()) {
            (Shape::Map(_), None) => frame.key = Some(hash),
            (Shape::Map(_), Some(key)) => {
                frame.hash = frame.hash.wrapping_add(mix(mix(0, key), hash));
            }
            _ => frame.hash = mix(frame.hash, hash),
        }
        frame.at += 1;
    }

    fn missing(&mut self) {
        self.cut = true;
        self.outline.over = true;
        self.put(begin(Sort::Opaque));
    }

    /// Where the next term stands: in a list or tuple its number, in a map its key.
    fn path(&self) -> u64 {
        let Some(frame) = self.open.last() else {
            return 0;
        };
        let (sort, step) = match (frame.shape, frame.key) {
            (Shape::Tuple(arity), _) => (mix(begin(Sort::Tuple), arity.into()), frame.at),
            (Shape::List, _) => (begin(Sort::List), frame.at),
            (Shape::Map(_), Some(key)) => (begin(Sort::Map), key),
            (Shape::Map(_), None) => (begin(Sort::Map), 0),
        };
        mix(mix(frame.path, sort), step)
    }

    fn named(&mut self, named: Named) {
        self.leaf(mix(begin(Sort::Named), named.identity.low()), named.cost);
    }

    fn reference(&mut self, identity: Identity) {
        // One more than counts, to know that there are too many; more of them is nothing new.
        if self.references.len() <= 2 * REFERENCES {
            let shape = mix(self.head, self.path());
            self.references.push(Reference(identity.within(shape)));
        }
    }
}

impl TermSink for Look {
    fn atom(&mut self, _index: u32, text: &Arc<str>) {
        let hash = mix(begin(Sort::Atom), xxh3_64(text.as_bytes()));
        if let [Frame { shape, at: 0, .. }] = self.open[..]
            && matches!(shape, Shape::Tuple(_))
        {
            self.head = hash;
        }
        self.leaf(hash, 9);
    }

    fn int(&mut self, value: i64) {
        self.leaf(mix(begin(Sort::Int), value as u64), 11);
    }

    fn float(&mut self, value: f64) {
        self.leaf(mix(begin(Sort::Float), value.to_bits()), 9);
    }

    fn binary(&mut self, kept: &[u8], full: u64) {
        let sure = full.min(BINARY);
        self.outline.pay(sure as u32 + 8, self.open.len());
        // A map is hashed with all that was kept, and of a long binary not everybody keeps the same.
        self.outline.over |= self.outline.maps > 0 && full > sure;
        match kept.get(..sure as usize) {
            Some(start) => self
                .outline
                .add(mix(mix(begin(Sort::Binary), full), xxh3_64(start))),
            None => self.outline.over = true,
        }
        self.cut |= (kept.len() as u64) < full;
        self.put(mix(mix(begin(Sort::Binary), full), xxh3_64(kept)));
    }

    fn pid(&mut self, _index: u32, pid: &Pid) {
        self.named(Named::pid(pid));
    }

    fn foreign(&mut self, of: Foreign, bytes: &[u8]) {
        match Named::read(bytes) {
            Some(named) => {
                if of == Foreign::Reference {
                    self.reference(named.identity);
                }
                self.named(named);
            }
            None => self.leaf(
                mix(begin(Sort::Damaged), xxh3_64(bytes)),
                bytes.len() as u32,
            ),
        }
    }

    fn opaque(&mut self, of: Opaque, size: Option<u64>) {
        match of {
            // These are what they are, on whichever node.
            Opaque::Unknown
            | Opaque::Fun
            | Opaque::Integer
            | Opaque::Bitstring
            | Opaque::Record => {
                let hash = mix(begin(Sort::Opaque), of as u64);
                self.leaf(mix(hash, size.unwrap_or(0)), 12);
            }
            _ => self.missing(),
        }
    }

    fn redacted(&mut self) {
        self.leaf(begin(Sort::Redacted), 4);
    }

    fn open(&mut self, shape: Shape) {
        let path = self.path();
        let sort = match shape {
            Shape::Tuple(arity) => mix(begin(Sort::Tuple), arity.into()),
            Shape::Map(size) => mix(begin(Sort::Map), size.into()),
            Shape::List => begin(Sort::List),
        };
        self.outline.pay(8, self.open.len());
        self.outline.add(sort);
        self.outline.maps += u32::from(matches!(shape, Shape::Map(_)));
        self.open.push(Frame {
            shape,
            hash: sort,
            at: 0,
            key: None,
            path,
        });
    }

    fn close(&mut self, how: Close) {
        let Some(frame) = self.open.pop() else { return };
        let end = match how {
            Close::Whole => begin(Sort::End),
            Close::Tail => begin(Sort::Tail),
            Close::Cut => {
                self.cut = true;
                self.outline.over = true;
                begin(Sort::End)
            }
        };
        let hash = mix(frame.hash, end);
        if matches!(frame.shape, Shape::Map(_)) {
            self.outline.maps -= 1;
            self.outline.add(hash);
        } else {
            self.outline.add(end);
        }
        self.put(hash);
    }
}

#[cfg(test)]
#[path = "likeness/tests.rs"]
mod tests;
