//! From the filters of a query, as the Erlang side checked them, to the store's.

use crate::scopes::NAMES;
use crate::{atoms, etf, payload, walk};
use rustler::{Atom, Decoder, Error, NifResult, Term};
use scope_clock::Stamp;
use scope_event::{BlockBuilder, Kind, Origin, Pid, RawEvent, Value};
use scope_store::{Correlated, Function, Kinds, Order, Query};
use std::sync::Arc;

/// A form of the correlation id that counts between two stamps only.
type Span<'a> = (Term<'a>, Term<'a>, Term<'a>);

/// Every form of the correlation id, and what stands for it in some spans of time.
fn correlations(filters: Term<'_>) -> NifResult<Vec<Correlated>> {
    let forms = filters.map_get(atoms::correlation_id())?;
    let forms = each(forms, |form| correlation(form).map(Correlated::by))?;
    if forms.is_empty() {
        return Ok(forms);
    }
    let spans = each(filters.map_get(atoms::spans())?, within)?;
    Ok(forms.into_iter().chain(spans).collect())
}

fn within(span: Term<'_>) -> NifResult<Correlated> {
    let (form, from, to): Span<'_> = span.decode()?;
    Ok(Correlated {
        id: correlation(form)?,
        stamps: first_stamp(from)?..=last_stamp(to)?,
    })
}

/// The query of a map with every filter in it.
pub(crate) fn query(filters: Term<'_>) -> NifResult<Query> {
    let get = |key: Atom| filters.map_get(key);
    Ok(Query {
        nodes: each(get(atoms::nodes())?, name)?,
        kinds: each(get(atoms::kinds())?, kind)?
            .into_iter()
            .collect::<Kinds>(),
        pids: each(get(atoms::pids())?, pid)?,
        modules: each(get(atoms::modules())?, name)?,
        mfa: given(get(atoms::mfa())?, function)?,
        correlations: correlations(filters)?,
        from: given(get(atoms::from())?, first_stamp)?,
        to: given(get(atoms::to())?, last_stamp)?,
        contains: given(get(atoms::contains())?, text)?,
        limit: get(atoms::limit())?.decode()?,
        order: order(get(atoms::order())?)?,
        ..Query::default()
    })
}

fn given<T>(term: Term<'_>, read: impl Fn(Term<'_>) -> NifResult<T>) -> NifResult<Option<T>> {
    if term.is_atom() && Atom::decode(term)? == atoms::nil() {
        return Ok(None);
    }
    read(term).map(Some)
}

fn each<T>(term: Term<'_>, read: impl Fn(Term<'_>) -> NifResult<T>) -> NifResult<Vec<T>> {
    Vec::<Term<'_>>::decode(term)?
        .into_iter()
        .map(read)
        .collect()
}

/// The text of an atom.
fn name(term: Term<'_>) -> NifResult<Arc<str>> {
    etf::atom_text(term.to_binary().as_slice()).ok_or(Error::BadArg)
}

fn text(term: Term<'_>) -> NifResult<Arc<str>> {
    term.decode::<&str>().map(Arc::from)
}

pub(crate) fn kind(term: Term<'_>) -> NifResult<Kind> {
    let name = name(term)?;
    Kind::ALL
        .iter()
        .copied()
        .find(|kind| kind.name() == &*name)
        .ok_or(Error::BadArg)
}

fn pid(term: Term<'_>) -> NifResult<Pid> {
    etf::pid(term.to_binary().as_slice()).ok_or(Error::BadArg)
}

/// `:_` stands for any.
fn function(term: Term<'_>) -> NifResult<Function> {
    let (module, function, arity): (Term<'_>, Term<'_>, Term<'_>) = term.decode()?;
    let named = |term| name(term).map(|name| (&*name != "_").then_some(name));
    Ok(Function {
        module: named(module)?,
        function: named(function)?,
        arity: if arity.is_atom() {
            None
        } else {
            Some(arity.decode()?)
        },
    })
}

/// A correlation id is compared as it is recorded: cut alike, if it is long.
pub(crate) fn correlation(term: Term<'_>) -> NifResult<Value> {
    let mut room = [0; payload::KEY.bytes as usize];
    // SAFETY: the term belongs to the running call's environment.
    let seen = unsafe { crate::erl::Env::new(term.get_env().as_c_arg()).term(term.as_c_arg()) };
    let (used, _) = walk::encode(seen, &mut room, payload::KEY);
    let mut block = BlockBuilder::new(Origin::new("", 1), 1, Arc::clone(&NAMES));
    let event = RawEvent::new(Kind::Mark, 1, 0).correlated(&room[..used]);
    block.push(0, &event).map_err(|_| Error::BadArg)?;
    let events = block.view();
    let value = events
        .get(0)
        .and_then(|event| event.correlation_value().ok())
        .flatten();
    value.ok_or(Error::BadArg)
}

fn first_stamp(term: Term<'_>) -> NifResult<u64> {
    let (logical, physical_ns): (u8, u64) = term.decode()?;
    let stamp = Stamp::from_parts(physical_ns, logical);
    Ok(stamp.unwrap_or(Stamp::from_ns(physical_ns)).bits())
}

/// A logical part that no stamp has means the last stamp of that nanosecond.
fn last_stamp(term: Term<'_>) -> NifResult<u64> {
    let (logical, physical_ns): (u8, u64) = term.decode()?;
    let last = || {
        Stamp::from_ns(physical_ns.saturating_add(1))
            .bits()
            .saturating_sub(1)
    };
    Ok(Stamp::from_parts(physical_ns, logical).map_or_else(last, Stamp::bits))
}

fn order(term: Term<'_>) -> NifResult<Order> {
    let desc = Atom::decode(term)? == atoms::desc();
    Ok(if desc { Order::Desc } else { Order::Asc })
}
