//! What events have in common.

use scope_event::block::{Dictionary, KeySubject};
use scope_event::{EventView, Kind, Pid, SubjectView};
use std::sync::Arc;

/// A group of events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
