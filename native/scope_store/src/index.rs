//! What is known of a block without looking into it: filters over its pids, functions and
//! correlations, built once when it is stored.

mod filter;
pub(crate) mod hash;
mod lost;
pub(crate) mod term;

pub(crate) use filter::Filter;
pub(crate) use lost::lost_in;

use scope_event::block::KeySubject;
use scope_event::{Events, Kind, TermError};

/// The filters of a block, and what else is asked of blocks that are not looked into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    /// Hashes of the processes that something happened in.
    pub(crate) pids: Filter,
    /// Hashes of the processes that have states; `None` where nearly all of `pids` have.
    pub(crate) states: Option<Filter>,
    /// Hashes of the functions that events are about, and of their modules.
    pub(crate) functions: Filter,
    /// Hashes of the correlation ids.
    pub(crate) correlations: Filter,
    /// How many events its gaps say were lost.
    pub(crate) lost: u64,
    /// Whether its content decodes. If not, it is kept and shipped, and left out of answers.
    pub(crate) readable: bool,
}

impl Index {
    /// The index of a block whose content is known.
    ///
    /// # Errors
    ///
    /// [`TermError`] when a correlation id or a gap is damaged.
    pub(crate) fn of(events: &Events) -> Result<Self, TermError> {
        Ok(Self {
            pids: Filter::new(acting(events, |_| true)),
            states: states(events),
            functions: Filter::new(functions(events)),
            correlations: Filter::new(correlations(events)?),
            lost: lost_in(events, |_| true)?,
            readable: true,
        })
    }

    /// The index of a block that does not decode.
    pub(crate) fn unreadable() -> Self {
        Self::default()
    }

    /// False only when there is no state of the process with this hash, in a block that has states.
    pub(crate) fn may_hold_state(&self, pid: u64) -> bool {
        self.states.as_ref().unwrap_or(&self.pids).may_hold(pid)
    }

    /// Bytes that the filters keep in memory.
    pub(crate) fn bytes(&self) -> usize {
        let states = self.states.as_ref().map_or(0, Filter::bytes);
        states + self.pids.bytes() + self.functions.bytes() + self.correlations.bytes()
    }
}

/// The filter of processes with states, unless nearly all have some: then that of all does as well.
fn states(events: &Events) -> Option<Filter> {
    let keys = events.dictionary().keys();
    let is_state: Vec<bool> = keys.iter().map(|key| key.kind == Kind::State).collect();
    if !is_state.contains(&true) {
        return None;
    }
    let stated = acting(events, |key| is_state[key as usize]);
    let stated: Vec<u64> = stated.collect();
    let all = acting(events, |_| true).count();
    (stated.len() < all - all / 8).then(|| Filter::new(stated))
}

/// Hashes of the processes with an event of such a key.
fn acting(events: &Events, takes: impl Fn(u32) -> bool) -> impl Iterator<Item = u64> {
    let all = events.dictionary().pids();
    let mut acts = vec![false; all.len() + 1];
    for (pid, key) in events.pids().iter().zip(events.keys()) {
        acts[*pid as usize] |= takes(*key);
    }
    all.iter()
        .zip(acts.into_iter().skip(1))
        .filter(|(_, acts)| *acts)
        .map(|(pid, _)| hash::pid(pid))
}

fn functions(events: &Events) -> Vec<u64> {
    let names = events.dictionary();
    let mut hashes = Vec::with_capacity(names.keys().len());
    for key in names.keys() {
        if let KeySubject::Mfa {
            module,
            function,
            arity,
        } = key.subject
        {
            let module = &names.atoms()[module as usize];
            hashes.push(hash::module(module));
            hashes.push(hash::function(
                module,
                &names.atoms()[function as usize],
                arity,
            ));
        }
    }
    hashes
}

fn correlations(events: &Events) -> Result<Vec<u64>, TermError> {
    let (mut seen, mut first) = (Vec::new(), Vec::new());
    for (place, id) in events.correlation_ids().iter().enumerate() {
        let id = *id as usize;
        if seen.len() <= id {
            seen.resize(id + 1, false);
        }
        if id != 0 && !std::mem::replace(&mut seen[id], true) {
            first.push(place);
        }
    }
    first
        .into_iter()
        .filter_map(|place| events.get(place))
        .filter_map(|event| event.correlation_value().transpose())
        .map(|value| value.map(|value| term::hash(&value)))
        .collect()
}

/// Whether the block of `events` holds a gap.
pub(crate) fn has_gap(events: &Events) -> bool {
    events
        .dictionary()
        .keys()
        .iter()
        .any(|key| key.kind == Kind::Gap)
}
