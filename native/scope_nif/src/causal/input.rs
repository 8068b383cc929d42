//! From a stored event to what a picture is made from.

use crate::{etf, payload};
use scope_causal::{CausalError, End, Input, PictureBuilder, Subject};
use scope_clock::Stamp;
use scope_event::block::Dictionary;
use scope_event::{Foreign, Kind, Pid, SubjectView, Value};
use scope_store::Match;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What was read of terms that come again, while the matches are held that have them.
#[derive(Default)]
pub(super) struct Known {
    /// By dictionary and bytes.
    correlations: HashMap<(*const Dictionary, Box<[u8]>), Option<u64>>,
    /// Whether a message over a dictionary can tell of an end.
    telling: HashMap<*const Dictionary, bool>,
}

pub(super) fn push(
    builder: &mut PictureBuilder,
    event: &Match,
    known: &mut Known,
) -> Result<(), CausalError> {
    let about = About::of(event);
    let end = known.end(event);
    let end = end.as_ref().map(|(of, reason)| End {
        of,
        reason: *reason,
    });
    builder.push(Input {
        mono_ns: event.mono_ns(),
        pid: event.pid(),
        about: about.subject(event),
        correlation: known.correlation(event),
        flags: event.flags(),
        end,
        ..Input::new(
            event.origin(),
            event.seq(),
            Stamp::from_bits(event.stamp()),
            event.kind(),
        )
    })
}

/// A subject that had to be read.
enum About {
    AsItIs,
    Pid(Pid),
    Node(Arc<str>),
}

impl About {
    fn of(event: &Match) -> Self {
        let SubjectView::Term(term) = event.subject() else {
            return Self::AsItIs;
        };
        let value = Value::read(&term, event.names());
        match value.ok() {
            Some(Value::Foreign(Foreign::Pid, bytes)) => {
                etf::pid(&bytes).map_or(Self::AsItIs, Self::Pid)
            }
            Some(Value::Tuple { items, .. }) => match items.as_slice() {
                [Value::Atom(_), Value::Atom(node)] => Self::Node(Arc::clone(node)),
                _ => Self::AsItIs,
            },
            _ => Self::AsItIs,
        }
    }

    fn subject<'a>(&'a self, event: &'a Match) -> Subject<'a> {
        match (self, event.subject(), event.kind()) {
            (Self::Pid(pid), ..) => Subject::Pid(pid),
            (Self::Node(node), ..) => Subject::Node(node),
            (_, SubjectView::Pid(pid), _) => Subject::Pid(pid),
            (
                _,
                SubjectView::Mfa {
                    module,
                    function,
                    arity,
                },
                _,
            ) => Subject::Mfa {
                module,
                function,
                arity,
            },
            // Of a process elsewhere its node is known alone.
            (_, SubjectView::Name(node), Kind::Receive) => Subject::Node(node),
            (_, SubjectView::Name(_), Kind::Send) => Subject::Node(&event.origin().node),
            _ => Subject::None,
        }
    }
}

impl Known {
    fn correlation(&mut self, event: &Match) -> Option<u64> {
        let bytes = event.correlation()?;
        let key = (std::ptr::from_ref(event.names()), Box::from(bytes));
        let read = || hash(&event.correlation_value().ok()??).into();
        *self.correlations.entry(key).or_insert_with(read)
    }

    /// Whose end it tells of, and the hash of the reason if all of it is there.
    fn end(&mut self, event: &Match) -> Option<(Pid, Option<u64>)> {
        let whole = event.flags() & payload::TRUNCATED == 0;
        match event.kind() {
            Kind::Exit => {
                let reason = event.data_value().ok().flatten();
                let reason = reason.filter(|_| whole).map(|reason| hash(&reason));
                Some((event.pid()?.clone(), reason))
            }
            Kind::Receive if self.tells(event.names()) => {
                let (of, reason) = told(event.data_value().ok()??)?;
                Some((of, reason.filter(|_| whole)))
            }
            _ => None,
        }
    }

    fn tells(&mut self, names: &Dictionary) -> bool {
        let tells = || {
            let mut atoms = names.atoms().iter();
            atoms.any(|atom| matches!(&**atom, "EXIT" | "DOWN"))
        };
        *self
            .telling
            .entry(std::ptr::from_ref(names))
            .or_insert_with(tells)
    }
}

/// Of `{:EXIT, pid, reason}` and `{:DOWN, reference, :process, pid, reason}`.
fn told(message: Value) -> Option<(Pid, Option<u64>)> {
    let Value::Tuple { items, .. } = message else {
        return None;
    };
    match items.as_slice() {
        [Value::Atom(tag), pid, reason] if &**tag == "EXIT" => {
            Some((process(pid)?, Some(hash(reason))))
        }
        [Value::Atom(tag), _, Value::Atom(_), pid, reason] if &**tag == "DOWN" => {
            Some((process(pid)?, Some(hash(reason))))
        }
        _ => None,
    }
}

fn process(term: &Value) -> Option<Pid> {
    match term {
        Value::Pid(pid) => Some(pid.clone()),
        Value::Foreign(Foreign::Pid, bytes) => etf::pid(bytes),
        _ => None,
    }
}

/// Equal terms have equal hashes, whichever names they are written over.
pub(super) fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{value:?}").hash(&mut hasher);
    hasher.finish()
}
