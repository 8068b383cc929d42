//! What the events of a picture say, without what differs in any two runs.

use crate::causal::Drawn;
use rustler::{ListIterator, NifResult, Term};
use scope_causal::{At, content};
use scope_clock::Stamp;
use scope_event::SubjectView;
use scope_store::Match;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Events that are decoded at once.
const PART: u32 = 1_024;

/// Hashes of contents, of what is asked for and what lies beside it.
pub(super) struct Contents<'a> {
    drawn: &'a Drawn,
    /// By part: a hash for each of its events.
    known: HashMap<u32, Vec<u64>>,
    /// Of events that Erlang has: by the order in which they were given.
    given: Option<Vec<u64>>,
}

impl<'a> Contents<'a> {
    /// `given` are the hashes of what Erlang has, or `nil`.
    pub(super) fn new(drawn: &'a Drawn, given: Term<'_>) -> NifResult<Self> {
        let given = if given.is_atom() {
            None
        } else {
            let hashes = given
                .decode::<ListIterator<'_>>()?
                .map(|hash| hash.decode());
            Some(hashes.collect::<NifResult<Vec<u64>>>()?)
        };
        Ok(Self {
            drawn,
            known: HashMap::new(),
            given,
        })
    }

    pub(super) fn of(&mut self, at: At) -> u64 {
        if let Some(given) = &self.given {
            let index = self.drawn.picture.given(at);
            return index.map_or(0, |index| given.get(index as usize).copied().unwrap_or(0));
        }
        let drawn = self.drawn;
        let part = self
            .known
            .entry(at / PART)
            .or_insert_with(|| read(drawn, at / PART));
        part.get((at % PART) as usize).copied().unwrap_or(0)
    }
}

fn read(drawn: &Drawn, part: u32) -> Vec<u64> {
    let Some(kept) = &drawn.kept else {
        return Vec::new();
    };
    let size = drawn.picture.len() as u32;
    let ats: Vec<At> = (part * PART..(part * PART + PART).min(size)).collect();
    let events = kept.matches(&drawn.picture, &ats);
    events
        .iter()
        .map(|event| event.as_ref().map_or(0, hash))
        .collect()
}

/// What is damaged says nothing.
fn hash(event: &Match) -> u64 {
    let now = Stamp::from_bits(event.stamp());
    let term = |bytes: Option<&[u8]>| {
        bytes.map_or(0, |bytes| content(bytes, event.names(), now).unwrap_or(0))
    };
    let subject = match event.subject() {
        SubjectView::Name(name) if !name.contains('@') => {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            hasher.finish()
        }
        SubjectView::Term(bytes) => term(Some(&bytes)),
        _ => 0,
    };
    subject.rotate_left(1) ^ term(event.data())
}
