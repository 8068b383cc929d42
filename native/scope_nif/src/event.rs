//! From a stored event to `%ElixirScope.Distributed.Event{}`.

use crate::terms::{Builder, Names, structure};
use crate::{atoms, clock, payload, symbols};
use rustler::{Encoder, Env, Term};
use scope_clock::Stamp;
use scope_event::block::Dictionary;
use scope_event::{Pid, SubjectView, TermError, read_term};
use scope_store::Match;
use scope_trace::Sets;
use std::collections::HashMap;

/// Turns matches into terms; what a dictionary names is made once.
pub(crate) struct Reader<'a> {
    env: Env<'a>,
    /// The node that reads.
    here: Term<'a>,
    /// By the address of the dictionary, which the matches keep in its place.
    names: HashMap<*const Dictionary, Names<'a>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(env: Env<'a>, here: &str) -> Self {
        Self {
            env,
            here: symbols::atom(env, here),
            names: HashMap::new(),
        }
    }

    /// The structs of all of `matches`. One whose terms are damaged is left out.
    pub(crate) fn all(mut self, matches: &[Match]) -> Vec<Term<'a>> {
        matches
            .iter()
            .filter_map(|event| self.event(event).ok())
            .collect()
    }

    /// The struct of each; nothing for one that is not there, or whose terms are damaged.
    pub(crate) fn each(mut self, matches: &[Option<Match>]) -> Vec<Option<Term<'a>>> {
        let event = |event: &Option<Match>| self.event(event.as_ref()?).ok();
        matches.iter().map(event).collect()
    }

    fn event(&mut self, event: &Match) -> Result<Term<'a>, TermError> {
        let env = self.env;
        let node = symbols::atom(env, &event.origin().node);
        let origin = (node, event.origin().incarnation);
        let fields = [
            (atoms::__struct__(), atoms::event().encode(env)),
            (atoms::id(), (origin, event.seq()).encode(env)),
            (atoms::at(), at(env, event.stamp(), node)),
            (atoms::mono_ns(), event.mono_ns().encode(env)),
            (atoms::node(), node),
            (
                atoms::pid(),
                event.pid().map_or_else(|| self.nil(), |of| pid(env, of)),
            ),
            (atoms::kind(), symbols::atom(env, event.kind().name())),
            (atoms::subject(), self.subject(event)?),
            (
                atoms::correlation_id(),
                self.term(event.names(), event.correlation())?,
            ),
            (atoms::data(), self.term(event.names(), event.data())?),
            (atoms::meta(), self.meta(event)),
        ];
        Ok(structure(env, &fields))
    }

    fn nil(&self) -> Term<'a> {
        atoms::nil().encode(self.env)
    }

    fn subject(&mut self, event: &Match) -> Result<Term<'a>, TermError> {
        let env = self.env;
        Ok(match event.subject() {
            SubjectView::None => self.nil(),
            SubjectView::Mfa {
                module,
                function,
                arity,
            } => (
                symbols::atom(env, module),
                symbols::atom(env, function),
                arity,
            )
                .encode(env),
            SubjectView::Pid(of) => pid(env, of),
            SubjectView::Name(name) => symbols::atom(env, name),
            SubjectView::Term(term) => self.term(event.names(), Some(&term))?,
        })
    }

    fn term(&mut self, names: &Dictionary, bytes: Option<&[u8]>) -> Result<Term<'a>, TermError> {
        let Some(bytes) = bytes else {
            return Ok(self.nil());
        };
        let known = self.names.entry(std::ptr::from_ref(names)).or_default();
        let mut builder = Builder::new(self.env, known);
        read_term(bytes, names, &mut builder)?;
        Ok(builder
            .finish()
            .unwrap_or_else(|| atoms::nil().encode(self.env)))
    }

    fn meta(&self, event: &Match) -> Term<'a> {
        let flags = event.flags();
        let mut meta = Term::map_new(self.env);
        if flags & payload::TRUNCATED != 0 {
            meta = meta.map_put(atoms::truncated(), true).unwrap_or(meta);
        }
        if flags & payload::INHERITED != 0 {
            let with = meta.map_put(atoms::attribution(), atoms::inherited());
            meta = with.unwrap_or(meta);
        }
        if flags & payload::LIKELY != 0 {
            let with = meta.map_put(atoms::confidence(), atoms::likely());
            meta = with.unwrap_or(meta);
        }
        if flags & payload::ENTRY != 0 {
            meta = meta.map_put(atoms::entry(), true).unwrap_or(meta);
        }
        if let Some(stamp) = event.received() {
            let by = event.received_by();
            let by = by.map_or(self.here, |by| symbols::atom(self.env, by));
            let with = meta.map_put(atoms::received_at(), at(self.env, stamp, by));
            meta = with.unwrap_or(meta);
        }
        match event.session() {
            0 => meta,
            number => meta
                .map_put(atoms::traces(), self.traces(number))
                .unwrap_or(meta),
        }
    }

    /// The number of the trace, or of a set of traces: which those are, an event of the same origin
    /// says.
    fn traces(&self, number: u16) -> Term<'a> {
        if Sets::is_set(number) {
            (atoms::joined(), number).encode(self.env)
        } else {
            vec![number].encode(self.env)
        }
    }
}

/// A pid as this machine writes it, or in text where it has no word for the node.
pub(crate) fn pid<'a>(env: Env<'a>, pid: &Pid) -> Term<'a> {
    symbols::pid(env, pid).unwrap_or_else(|| pid.to_string().encode(env))
}

fn at<'a>(env: Env<'a>, stamp: u64, node: Term<'a>) -> Term<'a> {
    let (logical, physical_ns) = clock::parts(Stamp::from_bits(stamp));
    (logical, physical_ns, node).encode(env)
}
