//! Which events hold a text. Each key and each payload is looked at once.

use super::text::{TextSink, holds};
use scope_event::block::Dictionary;
use scope_event::{EventView, Events, SubjectView, TermError, read_term};

/// Keeps the places of events whose subject, correlation or data hold `text`.
///
/// # Errors
///
/// [`TermError`] when a term that had to be looked at is damaged.
pub(super) fn keep_with_text(
    events: &Events,
    text: &str,
    places: &mut Vec<u32>,
) -> Result<(), TermError> {
    let mut known = Texts::default();
    let mut kept = Vec::new();
    for at in places.iter().copied() {
        let event = events.get(at as usize);
        if event.map_or(Ok(false), |event| known.holds(events, &event, text))? {
            kept.push(at);
        }
    }
    *places = kept;
    Ok(())
}

/// What was found of each key and payload so far.
#[derive(Debug, Default)]
struct Texts {
    keys: Vec<Option<bool>>,
    payloads: Vec<Option<bool>>,
}

impl Texts {
    fn holds(
        &mut self,
        events: &Events,
        event: &EventView<'_>,
        text: &str,
    ) -> Result<bool, TermError> {
        let at = event.place();
        let (data, correlation) = (events.data_ids()[at], events.correlation_ids()[at]);
        let names = events.dictionary();
        Ok(known(&mut self.keys, events.keys()[at], || {
            subject_holds(event, names, text)
        })? || known(&mut self.payloads, data, || {
            in_term(event.data()?.as_deref(), names, text)
        })? || known(&mut self.payloads, correlation, || {
            in_term(event.correlation()?.as_deref(), names, text)
        })?)
    }
}

fn known(
    table: &mut Vec<Option<bool>>,
    id: u32,
    look: impl FnOnce() -> Result<bool, TermError>,
) -> Result<bool, TermError> {
    let at = id as usize;
    if table.len() <= at {
        table.resize(at + 1, None);
    }
    match table[at] {
        Some(known) => Ok(known),
        None => Ok(*table[at].insert(look()?)),
    }
}

fn subject_holds(event: &EventView<'_>, names: &Dictionary, text: &str) -> Result<bool, TermError> {
    let has = |atom: &str| holds(atom.as_bytes(), text.as_bytes());
    Ok(match event.subject()? {
        SubjectView::Mfa {
            module, function, ..
        } => has(module) || has(function),
        SubjectView::Name(name) => has(name),
        SubjectView::Term(term) => in_term(Some(&term), names, text)?,
        SubjectView::None | SubjectView::Pid(_) => false,
    })
}

fn in_term(term: Option<&[u8]>, names: &Dictionary, text: &str) -> Result<bool, TermError> {
    let Some(term) = term else { return Ok(false) };
    let mut sink = TextSink::new(text);
    read_term(term, names, &mut sink)?;
    Ok(sink.found)
}
