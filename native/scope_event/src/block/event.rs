//! One event of a block.

use super::dictionary::{Key, KeySubject};
use super::events::Events;
use super::header::mono_ns;
use crate::kind::Kind;
use crate::origin::{Origin, Seq};
use crate::pid::Pid;
use crate::term::{TermError, TermSink, Value, read_term};
use std::borrow::Cow;
use std::sync::Arc;

/// An event, borrowed from the decoded block.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    events: &'a Events,
    at: usize,
}

/// What an event is about, with names in text.
#[derive(Clone, Debug, PartialEq)]
pub enum SubjectView<'a> {
    /// Nothing beyond the process itself.
    None,
    /// A function.
    Mfa {
        /// The module.
        module: &'a Arc<str>,
        /// The function.
        function: &'a Arc<str>,
        /// Number of arguments.
        arity: u8,
    },
    /// A local process.
    Pid(&'a Pid),
    /// A registered name.
    Name(&'a Arc<str>),
    /// Anything else, as a term in block form.
    Term(Cow<'a, [u8]>),
}

impl<'a> EventView<'a> {
    pub(super) fn new(events: &'a Events, at: usize) -> Self {
        Self { events, at }
    }

    /// The events that this is one of.
    pub(crate) fn among(&self) -> &'a Events {
        self.events
    }

    /// Whose event it is.
    pub fn origin(&self) -> &'a Origin {
        &self.events.origin
    }

    /// Its number in the origin's stream.
    pub fn seq(&self) -> Seq {
        self.events.seq(self.at)
    }

    /// Its place among the events, from 0.
    pub fn place(&self) -> usize {
        self.at
    }

    /// NTP64 bits of its stamp.
    pub fn stamp(&self) -> u64 {
        self.events.rows.stamps[self.at]
    }

    /// What happened.
    pub fn kind(&self) -> Kind {
        self.key().kind
    }

    /// What happened to what, over the dictionary.
    pub fn key(&self) -> Key {
        self.events.dictionary.keys[self.events.rows.keys[self.at] as usize]
    }

    /// The process, if one did it.
    pub fn pid(&self) -> Option<&'a Pid> {
        let index = self.events.rows.pids[self.at].checked_sub(1)?;
        self.events.dictionary.pids.get(index as usize)
    }

    /// The monotonic time of the recording node, where it was stated.
    pub fn mono_ns(&self) -> Option<i64> {
        mono_ns(&self.events.anchors, self.stamp())
    }

    /// What it is about.
    ///
    /// # Errors
    ///
    /// [`TermError`] when a term in the block is damaged.
    pub fn subject(&self) -> Result<SubjectView<'a>, TermError> {
        let names = &self.events.dictionary;
        Ok(match self.key().subject {
            KeySubject::None => SubjectView::None,
            KeySubject::Mfa {
                module,
                function,
                arity,
            } => SubjectView::Mfa {
                module: &names.atoms[module as usize],
                function: &names.atoms[function as usize],
                arity,
            },
            KeySubject::Pid(pid) => SubjectView::Pid(&names.pids[pid as usize]),
            KeySubject::Name(atom) => SubjectView::Name(&names.atoms[atom as usize]),
            KeySubject::Term(payload) => SubjectView::Term(self.events.payloads.term(payload)?),
        })
    }

    /// Its correlation id, a term in block form.
    ///
    /// # Errors
    ///
    /// [`TermError`] when a term in the block is damaged.
    pub fn correlation(&self) -> Result<Option<Cow<'a, [u8]>>, TermError> {
        self.payload(self.events.rows.correlations[self.at])
    }

    /// Its arguments, message, return or state, a term in block form. States are rebuilt.
    ///
    /// # Errors
    ///
    /// [`TermError`] when a term in the block is damaged.
    pub fn data(&self) -> Result<Option<Cow<'a, [u8]>>, TermError> {
        self.payload(self.events.rows.data[self.at])
    }

    /// The trace session that asked for it; 0 when none did.
    pub fn session(&self) -> u16 {
        self.events.rows.metas[self.at].session
    }

    /// The recorder's bits.
    pub fn flags(&self) -> u8 {
        self.events.rows.metas[self.at].flags
    }

    /// Reads its data into `sink`. Returns whether there was any.
    ///
    /// # Errors
    ///
    /// As [`read_term`].
    pub fn read_data(&self, sink: &mut impl TermSink) -> Result<bool, TermError> {
        self.read(self.data()?, sink)
    }

    /// Reads its correlation id into `sink`. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// As [`read_term`].
    pub fn read_correlation(&self, sink: &mut impl TermSink) -> Result<bool, TermError> {
        self.read(self.correlation()?, sink)
    }

    /// Its data as a tree.
    ///
    /// # Errors
    ///
    /// As [`read_term`].
    pub fn data_value(&self) -> Result<Option<Value>, TermError> {
        self.value(self.data()?)
    }

    /// Its correlation id as a tree.
    ///
    /// # Errors
    ///
    /// As [`read_term`].
    pub fn correlation_value(&self) -> Result<Option<Value>, TermError> {
        self.value(self.correlation()?)
    }

    fn value(&self, term: Option<Cow<'a, [u8]>>) -> Result<Option<Value>, TermError> {
        term.map(|term| Value::read(&term, &*self.events.dictionary))
            .transpose()
    }

    fn read(
        &self,
        term: Option<Cow<'a, [u8]>>,
        sink: &mut impl TermSink,
    ) -> Result<bool, TermError> {
        match term {
            Some(term) => read_term(&term, &*self.events.dictionary, sink).map(|()| true),
            None => Ok(false),
        }
    }

    fn payload(&self, one_more: u32) -> Result<Option<Cow<'a, [u8]>>, TermError> {
        let events = self.events;
        one_more
            .checked_sub(1)
            .map(|payload| events.payloads.term(payload))
            .transpose()
    }
}
