//! From `%ElixirScope.Distributed.Event{}` to what a picture is made from.

use crate::pair::name;
use crate::{atoms, clock, etf, payload};
use rustler::{NifResult, Term};
use scope_causal::{Confidence, End, Id, Input, PictureBuilder, Subject};
use scope_event::{Kind, Origin, Pid, Seq};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Adds events; answers the first that is none.
pub(super) fn give<'a>(
    builder: &mut PictureBuilder,
    events: &[Term<'a>],
) -> NifResult<Option<Term<'a>>> {
    for event in events {
        if give_one(builder, *event).is_err() {
            return Ok(Some(*event));
        }
    }
    Ok(None)
}

fn give_one(builder: &mut PictureBuilder, event: Term<'_>) -> NifResult<()> {
    let get = |field: rustler::Atom| event.map_get(field);
    let (origin, seq) = id(get(atoms::id())?)?;
    let (logical, physical_ns, _node): (u64, u64, Term<'_>) = get(atoms::at())?.decode()?;
    let kind = kind(get(atoms::kind())?)?;
    let pid = pid(get(atoms::pid())?);
    let about = About::of(get(atoms::subject())?, kind);
    let (correlation, data) = (get(atoms::correlation_id())?, get(atoms::data())?);
    let meta = get(atoms::meta())?;
    if !meta.is_map() {
        return Err(rustler::Error::BadArg);
    }
    let flags = flags(meta);
    let end = end(kind, pid.as_ref(), data, flags);
    let input = Input {
        mono_ns: get(atoms::mono_ns())?.decode()?,
        pid: pid.as_ref(),
        about: about.subject(&origin),
        correlation: (!is_nil(correlation)).then(|| hash(correlation)),
        flags,
        end: end.as_ref().map(|(of, reason)| End {
            of,
            reason: *reason,
        }),
        ..Input::new(&origin, seq, clock::stamp(logical, physical_ns), kind)
    };
    builder.push(input).map_err(|_| rustler::Error::BadArg)?;
    for (other, sure) in halves(meta)? {
        builder.pair((origin.clone(), seq), other, sure);
    }
    Ok(())
}

pub(super) fn id(term: Term<'_>) -> NifResult<Id> {
    let ((node, incarnation), seq): ((Term<'_>, u64), Seq) = term.decode()?;
    Ok((Origin::new(name(node)?, incarnation), seq))
}

fn kind(term: Term<'_>) -> NifResult<Kind> {
    let text = name(term)?;
    let mut all = Kind::ALL.iter();
    let found = all.find(|kind| kind.name() == &*text);
    found.copied().ok_or(rustler::Error::BadArg)
}

/// What its meta says that is a bit of the recorder.
fn flags(meta: Term<'_>) -> u8 {
    let has = |key: rustler::Atom| meta.map_get(key).is_ok();
    let truncated = if has(atoms::truncated()) {
        payload::TRUNCATED
    } else {
        0
    };
    let inherited = if has(atoms::attribution()) {
        payload::INHERITED
    } else {
        0
    };
    let likely = if has(atoms::confidence()) {
        payload::LIKELY
    } else {
        0
    };
    let entry = if has(atoms::entry()) {
        payload::ENTRY
    } else {
        0
    };
    truncated | inherited | likely | entry
}

/// The other halves of a message.
fn halves(meta: Term<'_>) -> NifResult<Vec<(Id, Confidence)>> {
    let (Ok(pairing), Ok(pair)) = (meta.map_get(atoms::pairing()), meta.map_get(atoms::pair()))
    else {
        return Ok(Vec::new());
    };
    let sure = pairing.decode::<rustler::Atom>()?;
    if sure == atoms::ambiguous() {
        let ids = pair.decode::<Vec<Term<'_>>>()?.into_iter();
        return ids
            .map(|one| Ok((id(one)?, Confidence::Ambiguous)))
            .collect();
    }
    let sure = if sure == atoms::exact() {
        Confidence::Exact
    } else {
        Confidence::Likely
    };
    Ok(vec![(id(pair)?, sure)])
}

fn is_nil(term: Term<'_>) -> bool {
    term.decode::<rustler::Atom>()
        .is_ok_and(|atom| atom == atoms::nil())
}

/// A pid, or its text where this machine has no word for its node.
fn pid(term: Term<'_>) -> Option<Pid> {
    if term.is_pid() {
        return etf::pid(term.to_binary().as_slice());
    }
    let text = term.decode::<&str>().ok()?;
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    let (rest, serial) = inner.rsplit_once('.')?;
    let (node, id) = rest.rsplit_once('.')?;
    Some(Pid {
        node: node.into(),
        id: id.parse().ok()?,
        serial: serial.parse().ok()?,
        creation: 0,
    })
}

enum About {
    Nothing,
    Mfa(Arc<str>, Arc<str>, u8),
    Pid(Pid),
    Node(Arc<str>),
    Here,
}

impl About {
    fn of(subject: Term<'_>, kind: Kind) -> Self {
        if let Some(pid) = pid(subject) {
            return Self::Pid(pid);
        }
        if let Ok((module, function, arity)) = subject.decode::<(Term<'_>, Term<'_>, u8)>() {
            let both = name(module).and_then(|module| Ok((module, name(function)?)));
            return both.map_or(Self::Nothing, |(m, f)| Self::Mfa(m, f, arity));
        }
        if let Ok((_, node)) = subject.decode::<(rustler::Atom, Term<'_>)>() {
            return name(node).map_or(Self::Nothing, Self::Node);
        }
        match (kind, subject.is_atom() && !is_nil(subject)) {
            (Kind::Receive, true) => name(subject).map_or(Self::Nothing, Self::Node),
            (Kind::Send, true) => Self::Here,
            _ => Self::Nothing,
        }
    }

    fn subject<'a>(&'a self, origin: &'a Origin) -> Subject<'a> {
        match self {
            Self::Nothing => Subject::None,
            Self::Mfa(module, function, arity) => Subject::Mfa {
                module,
                function,
                arity: *arity,
            },
            Self::Pid(pid) => Subject::Pid(pid),
            Self::Node(node) => Subject::Node(node),
            Self::Here => Subject::Node(&origin.node),
        }
    }
}

/// Whose end an event tells of, and the hash of the reason if all of it is there.
fn end(kind: Kind, of: Option<&Pid>, data: Term<'_>, flags: u8) -> Option<(Pid, Option<u64>)> {
    let reason = |reason| (flags & payload::TRUNCATED == 0).then(|| hash(reason));
    if kind == Kind::Exit {
        return Some((of?.clone(), reason(data)));
    }
    if kind != Kind::Receive {
        return None;
    }
    let items = rustler::types::tuple::get_tuple(data).ok()?;
    let is = |tag: Term<'_>, text| tag.is_atom() && name(tag).is_ok_and(|tag| &*tag == text);
    match items.as_slice() {
        [tag, of, why] if is(*tag, "EXIT") => Some((pid(*of)?, reason(*why))),
        [tag, _, _, of, why] if is(*tag, "DOWN") => Some((pid(*of)?, reason(*why))),
        _ => None,
    }
}

pub(super) fn hash(term: Term<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    term.to_binary().as_slice().hash(&mut hasher);
    hasher.finish()
}
