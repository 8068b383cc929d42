//! Forgetting: origins of which everything expired, and indexes that nobody speaks of.
//!
//! What expired is forgotten only once the age rule alone would keep it from coming back, however
//! early it expired. The store remembers the stamp, so that a node that restarts every day forgets
//! as well; where it does not know one, the time since this replica noticed counts.

use std::collections::BTreeMap;

use super::Peer;
use super::core::Core;
use crate::holdings::Holdings;
use crate::knowledge::Knowledge;
use crate::origin::{NodeName, Origin};
use crate::settings::{Now, ns};

/// Since when nothing is held of an origin.
#[derive(Debug, Default)]
pub(super) struct Forget {
    empty_since: BTreeMap<Origin, u64>,
    next_ns: u64,
}

impl Forget {
    /// Looks through all origins, at most sixteen times within the time of forgetting.
    pub(super) fn run(
        &mut self,
        core: &mut Core,
        peers: &BTreeMap<NodeName, Peer>,
        holdings: &mut dyn Holdings,
        now: Now,
    ) {
        let after = ns(core.settings.forget_after);
        if now.mono_ns < self.next_ns {
            return;
        }
        self.next_ns = now.mono_ns.saturating_add((after / 16).min(60_000_000_000));
        let origins: Vec<(u32, Origin)> = core.table.iter().map(|(i, o)| (i, o.clone())).collect();
        for (index, origin) in origins {
            self.consider(core, holdings, index, &origin, now, after);
            if core.vector.is_blank(index) && !is_spoken_of(peers, index) && origin != core.own {
                core.aged.forget(index);
                core.table.release(index);
            }
        }
    }

    fn consider(
        &mut self,
        core: &mut Core,
        holdings: &mut dyn Holdings,
        index: u32,
        origin: &Origin,
        now: Now,
        after: u64,
    ) {
        let known = core.vector.get(index);
        if !known.is_empty() || known == Knowledge::default() || *origin == core.own {
            self.empty_since.remove(origin);
            return;
        }
        let due = match holdings.newest_expired(origin) {
            Some(newest) => {
                newest < now.stamp_before(core.settings.max_age + core.settings.forget_after)
            }
            None => {
                let since = *self
                    .empty_since
                    .entry(origin.clone())
                    .or_insert(now.mono_ns);
                now.mono_ns.saturating_sub(since) >= after
            }
        };
        if due {
            self.empty_since.remove(origin);
            core.while_current(holdings, |_, holdings| holdings.forget(origin));
            core.learn(index, Knowledge::default());
        }
    }
}

fn is_spoken_of(peers: &BTreeMap<NodeName, Peer>, index: u32) -> bool {
    peers
        .values()
        .filter_map(|peer| peer.link.as_ref())
        .any(|link| link.speaks_of(index))
}
