//! From bounded bytes of a block back to terms of the machine.

use crate::{atoms, symbols};
use rustler::{Atom, Encoder, Env, Term};
use scope_event::term::{Close, Shape};
use scope_event::{Foreign, Opaque, Pid, TermSink};
use std::sync::Arc;

/// Terms of the names of one dictionary, made once.
#[derive(Default)]
pub(crate) struct Names<'a> {
    atoms: Vec<Option<Term<'a>>>,
    pids: Vec<Option<Term<'a>>>,
}

impl<'a> Names<'a> {
    pub(crate) fn atom(&mut self, env: Env<'a>, index: u32, text: &str) -> Term<'a> {
        remember(&mut self.atoms, index, || symbols::atom(env, text))
    }

    pub(crate) fn pid(&mut self, env: Env<'a>, index: u32, pid: &Pid) -> Term<'a> {
        remember(&mut self.pids, index, || crate::event::pid(env, pid))
    }
}

fn remember<'a>(
    known: &mut Vec<Option<Term<'a>>>,
    index: u32,
    make: impl FnOnce() -> Term<'a>,
) -> Term<'a> {
    let index = index as usize;
    if known.len() <= index {
        known.resize(index + 1, None);
    }
    *known[index].get_or_insert_with(make)
}

/// Builds one term from the outside in.
pub(crate) struct Builder<'a, 'n> {
    env: Env<'a>,
    names: &'n mut Names<'a>,
    /// The containers that are open, outermost first, each with what it holds so far. The first is
    /// the place of the whole term.
    open: Vec<(Option<Shape>, Vec<Term<'a>>)>,
}

impl<'a, 'n> Builder<'a, 'n> {
    pub(crate) fn new(env: Env<'a>, names: &'n mut Names<'a>) -> Self {
        Self {
            env,
            names,
            open: vec![(None, Vec::new())],
        }
    }

    /// The term, if one was read whole.
    pub(crate) fn finish(mut self) -> Option<Term<'a>> {
        self.open.pop().and_then(|(_, mut terms)| terms.pop())
    }

    fn put(&mut self, term: Term<'a>) {
        if let Some((_, terms)) = self.open.last_mut() {
            terms.push(term);
        }
    }

    fn missing(&self, of: Atom, size: Option<u64>, kept: Option<Term<'a>>) -> Term<'a> {
        let nil = atoms::nil().encode(self.env);
        let fields = [
            (atoms::__struct__(), atoms::opaque().encode(self.env)),
            (atoms::r#type(), of.encode(self.env)),
            (
                atoms::size(),
                size.map_or(nil, |size| size.encode(self.env)),
            ),
            (atoms::kept(), kept.unwrap_or(nil)),
        ];
        structure(self.env, &fields)
    }

    /// A cut container ends in a mark that says how much is not there.
    fn mark(&self, shape: Shape, kept: usize) -> Term<'a> {
        let left = match shape {
            Shape::Tuple(full) | Shape::Map(full) => {
                Some(u64::from(full).saturating_sub(kept as u64))
            }
            Shape::List => None,
        };
        self.missing(atoms::cut(), left, None)
    }

    fn collect(&self, shape: Shape, mut terms: Vec<Term<'a>>, how: Close) -> Term<'a> {
        let pairs = terms.len() / 2;
        let cut = how == Close::Cut;
        match shape {
            Shape::Map(_) if cut => {
                terms.truncate(2 * pairs);
                terms.extend([self.mark(shape, pairs); 2]);
            }
            _ if cut => terms.push(self.mark(shape, terms.len())),
            _ => {}
        }
        match (shape, how) {
            (Shape::Tuple(_), _) => rustler::types::tuple::make_tuple(self.env, &terms),
            (Shape::Map(_), _) => map(self.env, &terms),
            (Shape::List, Close::Tail) => improper(self.env, terms),
            (Shape::List, _) => terms.encode(self.env),
        }
    }
}

impl TermSink for Builder<'_, '_> {
    fn atom(&mut self, index: u32, text: &Arc<str>) {
        let term = self.names.atom(self.env, index, text);
        self.put(term);
    }

    fn int(&mut self, value: i64) {
        self.put(value.encode(self.env));
    }

    fn float(&mut self, value: f64) {
        self.put(value.encode(self.env));
    }

    fn binary(&mut self, kept: &[u8], full: u64) {
        let mut binary = rustler::NewBinary::new(self.env, kept.len());
        binary.as_mut_slice().copy_from_slice(kept);
        let term = Term::from(binary);
        if full == kept.len() as u64 {
            self.put(term);
        } else {
            self.put(self.missing(atoms::binary(), Some(full), Some(term)));
        }
    }

    fn pid(&mut self, index: u32, pid: &Pid) {
        let term = self.names.pid(self.env, index, pid);
        self.put(term);
    }

    fn foreign(&mut self, of: Foreign, bytes: &[u8]) {
        let term = symbols::foreign(self.env, bytes);
        self.put(term.unwrap_or_else(|| self.missing(foreign(of), None, None)));
    }

    fn opaque(&mut self, of: Opaque, size: Option<u64>) {
        self.put(self.missing(opaque(of), size, None));
    }

    fn redacted(&mut self) {
        self.put(self.missing(atoms::redacted(), None, None));
    }

    fn open(&mut self, shape: Shape) {
        self.open.push((Some(shape), Vec::new()));
    }

    fn close(&mut self, how: Close) {
        if let Some((Some(shape), terms)) = self.open.pop() {
            let term = self.collect(shape, terms, how);
            self.put(term);
        }
    }
}

/// A map of fields that are known to differ.
pub(crate) fn structure<'a>(env: Env<'a>, fields: &[(Atom, Term<'a>)]) -> Term<'a> {
    let (keys, values): (Vec<_>, Vec<_>) = fields
        .iter()
        .map(|(key, value)| (key.encode(env), *value))
        .unzip();
    Term::map_from_term_arrays(env, &keys, &values).unwrap_or_else(|_| Term::map_new(env))
}

/// Keys can become equal on the way back, where a budget cut them alike: then the last one stays.
fn map<'a>(env: Env<'a>, terms: &[Term<'a>]) -> Term<'a> {
    terms.chunks_exact(2).fold(Term::map_new(env), |map, pair| {
        map.map_put(pair[0], pair[1]).unwrap_or(map)
    })
}

fn improper<'a>(env: Env<'a>, mut terms: Vec<Term<'a>>) -> Term<'a> {
    let tail = terms.pop().unwrap_or_else(|| atoms::nil().encode(env));
    terms
        .into_iter()
        .rev()
        .fold(tail, |tail, head| tail.list_prepend(head))
}

fn foreign(of: Foreign) -> Atom {
    match of {
        Foreign::Reference => atoms::reference(),
        Foreign::Port => atoms::port(),
        Foreign::Pid => atoms::pid(),
    }
}

fn opaque(of: Opaque) -> Atom {
    match of {
        Opaque::Unknown => atoms::unknown(),
        Opaque::Fun => atoms::fun(),
        Opaque::Integer => atoms::integer(),
        Opaque::Bitstring => atoms::bitstring(),
        Opaque::Record => atoms::record(),
        Opaque::Reference => atoms::reference(),
        Opaque::Port => atoms::port(),
        Opaque::Pid => atoms::pid(),
        Opaque::Tuple => atoms::tuple(),
        Opaque::Map => atoms::map(),
        Opaque::List => atoms::list(),
        Opaque::Binary => atoms::binary(),
        Opaque::Cut => atoms::cut(),
        Opaque::Damaged => atoms::damaged(),
    }
}
