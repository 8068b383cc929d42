//! What events have in common.

use scope_event::block::{Dictionary, KeySubject};
use scope_event::{EventView, Kind, Pid, SubjectView};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A group of events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Of this kind.
    Kind(Kind),
    /// Of this kind, about this.
    Key(Kind, About),
    /// In this process; `None` for events of none.
    Pid(Option<Pid>),
    /// In this second since 1970.
    Second(u64),
}

/// As derived, but for a process: there are many of these, and a hasher takes one number for the price
/// of any.
impl Hash for Group {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Kind(kind) => (0u8, kind).hash(state),
            Self::Key(kind, about) => (1u8, kind, about).hash(state),
            Self::Pid(None) => 2u8.hash(state),
            Self::Pid(Some(pid)) => hash_pid(pid, state),
            Self::Second(second) => (3u8, second).hash(state),
        }
    }
}

fn hash_pid(pid: &Pid, state: &mut impl Hasher) {
    let parts = [pid.id, pid.serial, pid.creation, 4];
    let parts = parts
        .iter()
        .fold(0, |all, part| all << 32 | u128::from(*part));
    state.write(pid.node.as_bytes());
    state.write_u128(parts);
}

/// What the events of a group are about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// Nothing, or a term of its own each.
    Other,
    /// A function.
    Function(Arc<str>, Arc<str>, u8),
    /// A process.
    Pid(Pid),
    /// A registered name.
    Name(Arc<str>),
}

impl About {
    /// What a key is about, over its dictionary.
    pub(crate) fn key(subject: KeySubject, names: &Dictionary) -> Self {
        let atom = |index: u32| names.atoms()[index as usize].clone();
        match subject {
            KeySubject::Mfa {
                module,
                function,
                arity,
            } => Self::Function(atom(module), atom(function), arity),
            KeySubject::Pid(pid) => Self::Pid(names.pids()[pid as usize].clone()),
            KeySubject::Name(name) => Self::Name(atom(name)),
            KeySubject::None | KeySubject::Term(_) => Self::Other,
        }
    }

    pub(crate) fn of(event: &EventView<'_>) -> Self {
        match event.subject() {
            Ok(SubjectView::Mfa {
                module,
                function,
                arity,
            }) => Self::Function(module.clone(), function.clone(), arity),
            Ok(SubjectView::Pid(pid)) => Self::Pid(pid.clone()),
            Ok(SubjectView::Name(name)) => Self::Name(name.clone()),
            _ => Self::Other,
        }
    }
}
