//! Events that were copied out of the block or page that they came from.

use super::builder::{PageBuilder, Pushed, Row};
use super::links::{Links, Renamed};
use crate::block::{Dictionary, Key, KeySubject};
use crate::bytes::put_varint;
use crate::origin::{Origin, Seq};
use crate::pid::Pid;
use crate::term::TermError;
use std::sync::Arc;

/// An event by itself, over the names of where it was.
#[derive(Clone, Copy, Debug)]
pub struct Copied<'a> {
    /// Whose event it is.
    pub origin: &'a Origin,
    /// The names that key and terms point into.
    pub names: &'a Arc<Dictionary>,
    /// When it came and by whose clock, if its own stamp cannot be believed.
    pub received: Option<(u64, &'a Arc<str>)>,
    /// Its number in the origin's stream.
    pub seq: Seq,
    /// NTP64 bits of its stamp.
    pub stamp: u64,
    /// What happened to what.
    pub key: Key,
    /// The process, if one did it.
    pub pid: Option<&'a Pid>,
    /// The trace session that asked for it.
    pub session: u16,
    /// The recorder's bits.
    pub flags: u8,
    /// The subject, where it is a term.
    pub subject: Option<&'a [u8]>,
    /// Its correlation id.
    pub correlation: Option<&'a [u8]>,
    /// Its arguments, message, return or state.
    pub data: Option<&'a [u8]>,
}

impl PageBuilder {
    /// Adds the next event in the page's order, as [`push`](Self::push) does. What its clock said is
    /// not in the page: a copy knows its own time and not how it is told.
    ///
    /// # Errors
    ///
    /// [`TermError`] when a term of the event is damaged: it is not in the page then.
    pub fn push_copy(&mut self, event: &Copied<'_>) -> Result<Pushed, TermError> {
        let len = |term: Option<&[u8]>| term.map_or(0, <[u8]>::len);
        if !self.has_room(len(event.correlation) + len(event.data) + len(event.subject)) {
            return Ok(Pushed::Full);
        }
        let source = self.source_of(event);
        let correlation = self.repeated(source, event.correlation)?;
        let data = self.term(source, event.data)?;
        let key = self.key_of(source, event)?;
        let pid = event.pid.map_or(0, |pid| self.names.pid(pid) + 1);
        let row = Row {
            stamp: event.stamp,
            seq: event.seq,
            session: event.session,
            flags: event.flags,
        };
        self.put(source, row, key, pid, [correlation, data]);
        Ok(Pushed::In)
    }

    /// A dictionary may be of several origins, as pages have one for all. The last source is most often
    /// the one.
    fn source_of(&mut self, event: &Copied<'_>) -> usize {
        let is_it = |links: &Links| {
            let by = |(stamp, by): &(u64, Arc<str>)| (*stamp, Arc::clone(by));
            Arc::ptr_eq(&links.dictionary, event.names)
                && links.origin == *event.origin
                && links.received.as_ref().map(by)
                    == event.received.map(|(stamp, by)| (stamp, Arc::clone(by)))
        };
        if let Some(found) = self.sources.iter().rposition(is_it) {
            return found;
        }
        self.sources.push(Links::new(
            Arc::clone(event.names),
            event.origin.clone(),
            Vec::new(),
            0,
            event.received.map(|(stamp, by)| (stamp, Arc::clone(by))),
        ));
        self.sources.len() - 1
    }

    fn key_of(&mut self, source: usize, event: &Copied<'_>) -> Result<u32, TermError> {
        let term = match event.key.subject {
            KeySubject::Term(_) => self.repeated(source, event.subject)?,
            _ => 0,
        };
        if matches!(event.key.subject, KeySubject::Term(_)) && term == 0 {
            return Err(TermError::Name);
        }
        let key = self.renamed(source, event.key, term.saturating_sub(1))?;
        Ok(self.names.key(key))
    }

    /// One more than the page's number of a term that many events have.
    fn repeated(&mut self, source: usize, term: Option<&[u8]>) -> Result<u32, TermError> {
        let Some(bytes) = term else { return Ok(0) };
        let known = (source, Box::from(bytes));
        if let Some(&known) = self.again.get(&known) {
            return Ok(known);
        }
        let number = self.term(source, term)?;
        self.again.insert(known, number);
        Ok(number)
    }

    /// One more than the page's number of a term.
    fn term(&mut self, source: usize, term: Option<&[u8]>) -> Result<u32, TermError> {
        let Some(term) = term else { return Ok(0) };
        let Self {
            sources,
            names,
            rewriter,
            ..
        } = self;
        let links = &mut sources[source];
        let (term, _) = rewriter.rewrite(term, &mut Renamed { links, names })?;
        put_varint(&mut self.columns.lengths, term.len() as u64);
        self.terms.extend_from_slice(term);
        self.payloads += 1;
        Ok(self.payloads)
    }
}
