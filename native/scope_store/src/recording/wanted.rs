//! Which events explain those that were chosen.
//!
//! What did not match is nobody's business: so of everything that a member has, these are taken alone. Of
//! a call it is only *that* it was, never its function or its arguments.

use crate::search::Match;
use scope_event::{Kind, Origin, Seq, SubjectView, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What somebody looked for to explain what was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Gaps: what was lost.
    Gaps,
    /// Marks that say which id of a user a key stands for.
    Names,
    /// Calls that began ids whose keys are wanted.
    Entries,
    /// Calls that began ids, of processes that are.
    Calls,
    /// The first one, whatever it is: the last that was heard of a call.
    Last,
    /// What says which traces a number stands for.
    Traces,
    /// Other halves of messages that were chosen: that they were, and whom they are of.
    Halves,
    /// What people wrote about events that were chosen: it is put among them.
    Notes,
}

/// A key of a correlation has 16 bytes, and stands as such a binary.
const KEY: usize = 16;
/// The first byte of a binary of that length.
const KEY_TAG: u8 = 0xc0 + KEY as u8;
/// What marks are about that say whose a key is.
const NAMING: &str = "correlation";

/// What marks are about that people write.
const NOTE: &str = "scope_note";

/// What the recorder's own numbers mean, which is not known here.
#[derive(Clone, Copy, Debug)]
pub struct Meanings {
    /// The bit of an event that began an id.
    pub entry: u8,
    /// Whether a session's number stands for a set of traces.
    pub is_set: fn(u16) -> bool,
}

/// What the chosen events leave to be explained.
#[derive(Debug)]
pub(super) struct Wanted {
    meanings: Meanings,
    /// Keys of correlations.
    keys: HashSet<[u8; KEY]>,
    /// Of these, those that no mark was seen of yet.
    unnamed: HashSet<[u8; KEY]>,
    /// Numbers that stand for sets of traces, of a node.
    sets: HashSet<(Arc<str>, u16)>,
    /// What is in the recording of the kinds that explain something.
    there: HashSet<(Origin, Seq)>,
    /// Other halves of messages, as far as they are known.
    halves: HashSet<(Origin, Seq)>,
    /// The numbers of all that was chosen.
    chosen: HashMap<Origin, Numbers>,
}

impl Wanted {
    pub(super) fn new(meanings: Meanings) -> Self {
        Self {
            meanings,
            keys: HashSet::new(),
            unnamed: HashSet::new(),
            sets: HashSet::new(),
            there: HashSet::new(),
            halves: HashSet::new(),
            chosen: HashMap::new(),
        }
    }

    /// An event was chosen.
    pub(super) fn chosen(&mut self, event: &Match) {
        match self.chosen.get_mut(event.origin()) {
            Some(numbers) => numbers.put(event.seq()),
            None => {
                let numbers = self.chosen.entry(event.origin().clone()).or_default();
                numbers.put(event.seq());
            }
        }
        if let Some(key) = key(event)
            && self.keys.insert(key)
        {
            self.unnamed.insert(key);
        }
        if (self.meanings.is_set)(event.session()) {
            let node = event.origin().node.clone();
            self.sets.insert((node, event.session()));
        }
        if self.explains(event) {
            self.note(event);
        }
    }

    /// Whether it belongs beside what was chosen; it is not asked twice then.
    pub(super) fn takes(&mut self, event: &Match, what: Beside) -> bool {
        let wanted = match what {
            Beside::Gaps => event.kind() == Kind::Gap,
            Beside::Names => is_naming(event) && self.is_key(event),
            Beside::Entries => self.is_entry(event) && self.is_key(event),
            // Whoever looked for these knows whose they are.
            Beside::Calls => self.is_entry(event),
            Beside::Last => true,
            Beside::Halves => self.halves.contains(&(event.origin().clone(), event.seq())),
            Beside::Notes => self.is_note_of_chosen(event),
            Beside::Traces => event.kind() == Kind::TraceStarted && self.is_set(event),
        };
        wanted && self.note(event)
    }

    /// Whether it is new.
    fn note(&mut self, event: &Match) -> bool {
        if let Some(key) = key(event).filter(|_| is_naming(event)) {
            self.unnamed.remove(&key);
        }
        self.there.insert((event.origin().clone(), event.seq()))
    }

    fn is_entry(&self, event: &Match) -> bool {
        event.kind() == Kind::Call && event.flags() & self.meanings.entry != 0
    }

    /// A message belongs to this one.
    pub(super) fn half(&mut self, id: &(Origin, Seq)) {
        self.halves.insert(id.clone());
    }

    /// The other halves that were not chosen, so many at most.
    pub(super) fn missing_halves(&mut self, most: usize) -> Vec<(Origin, Seq)> {
        let Self { halves, chosen, .. } = self;
        halves.retain(|(origin, seq)| {
            !chosen
                .get_mut(origin)
                .is_some_and(|numbers| numbers.contains(*seq))
        });
        let mut missing: Vec<_> = halves.iter().take(most).cloned().collect();
        missing.sort_unstable();
        missing
    }

    fn is_note_of_chosen(&mut self, event: &Match) -> bool {
        let of = Some(event)
            .filter(|event| is_about(event, NOTE))
            .and_then(noted);
        let Some((origin, seq)) = of else {
            return false;
        };
        let numbers = self.chosen.get_mut(&origin);
        numbers.is_some_and(|numbers| numbers.contains(seq))
    }

    fn is_key(&self, event: &Match) -> bool {
        key(event).is_some_and(|key| self.keys.contains(&key))
    }

    fn is_set(&self, event: &Match) -> bool {
        let Ok(Some(Value::Map { pairs, .. })) = event.data_value() else {
            return false;
        };
        let mut numbers = pairs.iter().filter_map(|(key, value)| match (key, value) {
            (Value::Atom(name), Value::Int(number)) if &**name == "joined" => {
                u16::try_from(*number).ok()
            }
            _ => None,
        });
        let node = &event.origin().node;
        numbers.any(|number| self.sets.contains(&(node.clone(), number)))
    }

    /// What is in the recording of these need not be put beside it.
    fn explains(&self, event: &Match) -> bool {
        match event.kind() {
            Kind::Gap | Kind::TraceStarted => true,
            Kind::Mark => is_naming(event) || is_about(event, NOTE),
            _ => event.flags() & self.meanings.entry != 0,
        }
    }

    /// The keys that marks do not explain: of calls, or of other tools.
    pub(super) fn unnamed(&self) -> impl Iterator<Item = &[u8; KEY]> {
        self.unnamed.iter()
    }

    /// Whether there are sets of traces.
    pub(super) fn has_sets(&self) -> bool {
        !self.sets.is_empty()
    }
}

fn is_naming(event: &Match) -> bool {
    is_about(event, NAMING)
}

/// Whether it is a mark of that name.
fn is_about(event: &Match, wanted: &str) -> bool {
    let named = matches!(event.subject(), SubjectView::Name(name) if &**name == wanted);
    event.kind() == Kind::Mark && named
}

/// Which event a note is about: a node in text, an incarnation, a number.
fn noted(note: &Match) -> Option<(Origin, Seq)> {
    let Ok(Some(Value::Map { pairs, .. })) = note.data_value() else {
        return None;
    };
    let of = pairs.into_iter().find_map(|(key, value)| match key {
        Value::Atom(name) if &*name == "of" => Some(value),
        _ => None,
    });
    let Some(Value::Tuple { items, .. }) = of else {
        return None;
    };
    let [
        Value::Binary { kept, .. },
        Value::Int(incarnation),
        Value::Int(seq),
    ] = &items[..]
    else {
        return None;
    };
    let node = std::str::from_utf8(kept).ok()?;
    let origin = Origin::new(node, u64::try_from(*incarnation).ok()?);
    Some((origin, u64::try_from(*seq).ok()?))
}

/// Numbers as they come, which are nearly in order, and are asked for when all are there.
#[derive(Debug, Default)]
struct Numbers {
    all: Vec<Seq>,
    sorted: usize,
}

impl Numbers {
    fn put(&mut self, seq: Seq) {
        self.all.push(seq);
    }

    fn contains(&mut self, seq: Seq) -> bool {
        if self.sorted < self.all.len() {
            self.all.sort_unstable();
            self.sorted = self.all.len();
        }
        self.all.binary_search(&seq).is_ok()
    }
}

fn key(event: &Match) -> Option<[u8; KEY]> {
    let (tag, key) = event.correlation()?.split_first()?;
    (*tag == KEY_TAG).then(|| key.try_into().ok()).flatten()
}
