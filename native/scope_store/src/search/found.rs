//! One event of an answer.

use crate::query::Cursor;
use scope_event::block::{Dictionary, Key, KeySubject};
use scope_event::page::{Copied, Page, PageBuilder, PageEvent, PageSource, Pushed};
use scope_event::{EventView, Events, Kind, Origin, Pid, Seq, SubjectView, TermError, TermSink};
use scope_event::{Value, read_term};
use std::borrow::Cow;
use std::sync::Arc;

/// The names that the terms of some matches point into.
#[derive(Debug)]
pub(crate) struct Source {
    origin: Origin,
    names: Arc<Dictionary>,
    received: Option<u64>,
    /// By whose clock, if not by the one here.
    by: Option<Arc<str>>,
}

impl Source {
    pub(crate) fn of(events: &Events, received: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            origin: events.origin().clone(),
            names: events.names().clone(),
            received,
            by: None,
        })
    }

    /// Those of a page that came from elsewhere.
    pub(crate) fn all_of(page: &Page) -> Vec<Arc<Self>> {
        let sources = page.sources().iter();
        sources.map(|source| Self::of_page(page, source)).collect()
    }

    fn of_page(page: &Page, source: &PageSource) -> Arc<Self> {
        let (received, by) = source.received().unzip();
        Arc::new(Self {
            origin: source.origin().clone(),
            names: page.names().clone(),
            received,
            by: by.cloned(),
        })
    }

    /// When its events came, if their own stamps are not believed.
    pub(crate) fn received(&self) -> Option<u64> {
        self.received
    }
}

/// An event that matched, with all it takes to read it: the block it came from may be gone.
#[derive(Clone, Debug)]
pub struct Match {
    source: Arc<Source>,
    seq: Seq,
    stamp: u64,
    mono_ns: Option<i64>,
    key: Key,
    pid: Option<Pid>,
    session: u16,
    flags: u8,
    /// The subject, where it is a term.
    subject: Option<Box<[u8]>>,
    correlation: Option<Box<[u8]>>,
    data: Option<Box<[u8]>>,
}

impl Match {
    /// A copy of `event`, whose names are in `source`.
    pub(crate) fn copy(source: &Arc<Source>, event: &EventView<'_>) -> Result<Self, TermError> {
        let subject = match event.subject()? {
            SubjectView::Term(term) => Some(term.into()),
            _ => None,
        };
        Ok(Self {
            source: source.clone(),
            seq: event.seq(),
            stamp: event.stamp(),
            mono_ns: event.mono_ns(),
            key: event.key(),
            pid: event.pid().cloned(),
            session: event.session(),
            flags: event.flags(),
            subject,
            correlation: event.correlation()?.map(Into::into),
            data: event.data()?.map(Into::into),
        })
    }

    /// The events of a page.
    pub fn of_page(page: &Page) -> impl Iterator<Item = Self> {
        let sources = Source::all_of(page);
        page.iter().map(move |event| Self::paged(&sources, &event))
    }

    pub(crate) fn paged(sources: &[Arc<Source>], event: &PageEvent<'_>) -> Self {
        Self {
            source: sources[event.source()].clone(),
            seq: event.seq(),
            stamp: event.stamp(),
            mono_ns: event.mono_ns(),
            key: event.key(),
            pid: event.pid().cloned(),
            session: event.session(),
            flags: event.flags(),
            subject: event.subject_term().map(Into::into),
            correlation: event.correlation().map(Into::into),
            data: event.data().map(Into::into),
        }
    }

    /// Adds it to a page, which does not say what its node's clock said.
    ///
    /// # Errors
    ///
    /// [`TermError`] when a term of it is damaged: it is not in the page then.
    pub fn put(&self, page: &mut PageBuilder, here: &Arc<str>) -> Result<Pushed, TermError> {
        let by = self.source.by.as_ref().unwrap_or(here);
        page.push_copy(&Copied {
            origin: &self.source.origin,
            names: &self.source.names,
            received: self.source.received.map(|received| (received, by)),
            seq: self.seq,
            stamp: self.stamp,
            key: self.key,
            pid: self.pid.as_ref(),
            session: self.session,
            flags: self.flags,
            subject: self.subject.as_deref(),
            correlation: self.correlation.as_deref(),
            data: self.data.as_deref(),
        })
    }

    /// With what its node's clock said, if that is known from elsewhere.
    #[must_use]
    pub fn with_mono_ns(self, mono_ns: Option<i64>) -> Self {
        Self { mono_ns, ..self }
    }

    /// Bytes of its terms.
    pub(crate) fn bytes(&self) -> usize {
        let terms = [&self.subject, &self.correlation, &self.data];
        terms
            .iter()
            .map(|term| term.as_ref().map_or(0, |term| term.len()))
            .sum()
    }

    /// Whose event it is.
    pub fn origin(&self) -> &Origin {
        &self.source.origin
    }

    /// Its number in the origin's stream.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// NTP64 bits of its stamp.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// NTP64 bits of when it came to where it was read, if the recording node's clock could not be
    /// believed then.
    pub fn received(&self) -> Option<u64> {
        self.source.received
    }

    /// The node whose clock [`received`](Self::received) is of, if it is another one.
    pub fn received_by(&self) -> Option<&Arc<str>> {
        self.source.by.as_ref()
    }

    /// The monotonic time of the recording node, where it was stated.
    pub fn mono_ns(&self) -> Option<i64> {
        self.mono_ns
    }

    /// Where it stands in stamp order.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            stamp: self.stamp,
            origin: self.source.origin.clone(),
            seq: self.seq,
        }
    }

    /// What happened.
    pub fn kind(&self) -> Kind {
        self.key.kind
    }

    /// The trace session that asked for it; 0 when none did.
    pub fn session(&self) -> u16 {
        self.session
    }

    /// The recorder's bits.
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// The names that its terms point into.
    pub fn names(&self) -> &Dictionary {
        &self.source.names
    }

    /// The process, if one did it.
    pub fn pid(&self) -> Option<&Pid> {
        self.pid.as_ref()
    }

    /// What it is about.
    pub fn subject(&self) -> SubjectView<'_> {
        let names = self.names();
        match self.key.subject {
            KeySubject::None => SubjectView::None,
            KeySubject::Mfa {
                module,
                function,
                arity,
            } => SubjectView::Mfa {
                module: &names.atoms()[module as usize],
                function: &names.atoms()[function as usize],
                arity,
            },
            KeySubject::Pid(pid) => SubjectView::Pid(&names.pids()[pid as usize]),
            KeySubject::Name(atom) => SubjectView::Name(&names.atoms()[atom as usize]),
            KeySubject::Term(_) => self.subject_term(),
        }
    }

    fn subject_term(&self) -> SubjectView<'_> {
        let term = self.subject.as_deref();
        term.map_or(SubjectView::None, |term| {
            SubjectView::Term(Cow::Borrowed(term))
        })
    }

    /// Its correlation id, a term over [`names`](Self::names).
    pub fn correlation(&self) -> Option<&[u8]> {
        self.correlation.as_deref()
    }

    /// Its arguments, message, return or state, a term over [`names`](Self::names).
    pub fn data(&self) -> Option<&[u8]> {
        self.data.as_deref()
    }

    /// Reads its data into `sink`; answers whether there was any.
    ///
    /// # Errors
    ///
    /// [`TermError`] when the term is damaged.
    pub fn read_data(&self, sink: &mut impl TermSink) -> Result<bool, TermError> {
        self.read(self.data(), sink)
    }

    /// Reads its correlation id into `sink`; answers whether there was one.
    ///
    /// # Errors
    ///
    /// [`TermError`] when the term is damaged.
    pub fn read_correlation(&self, sink: &mut impl TermSink) -> Result<bool, TermError> {
        self.read(self.correlation(), sink)
    }

    /// Its data as a tree.
    ///
    /// # Errors
    ///
    /// [`TermError`] when the term is damaged.
    pub fn data_value(&self) -> Result<Option<Value>, TermError> {
        self.data()
            .map(|term| Value::read(term, self.names()))
            .transpose()
    }

    /// Its correlation id as a tree.
    ///
    /// # Errors
    ///
    /// [`TermError`] when the term is damaged.
    pub fn correlation_value(&self) -> Result<Option<Value>, TermError> {
        self.correlation()
            .map(|term| Value::read(term, self.names()))
            .transpose()
    }

    fn read(&self, term: Option<&[u8]>, sink: &mut impl TermSink) -> Result<bool, TermError> {
        match term {
            Some(term) => read_term(term, self.names(), sink).map(|()| true),
            None => Ok(false),
        }
    }
}
