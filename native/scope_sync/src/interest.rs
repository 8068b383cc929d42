//! Which origins a replica keeps. Interest is by origin, never by event.
//!
//! Source of the choice of collectors: rendezvous hashing (Thaler and Ravishankar, "Using
//! name-based mappings to increase hit rates", 1998). A node that leaves moves only what it kept.

use std::collections::BTreeSet;

use crate::hash;
use crate::origin::{NodeName, Origin};

/// Which origins a replica pulls. Its own events it keeps in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Interest {
    /// All of them.
    #[default]
    Everything,
    /// None: what is not here is fetched by queries.
    QueryOnly,
    /// Those for which this node is among the `n` first members by rendezvous hashing.
    Collectors(usize),
    /// All on the named nodes, none elsewhere.
    Named(BTreeSet<NodeName>),
}

impl Interest {
    /// True when `me` pulls `origin`. A node's own earlier incarnations are always pulled, except
    /// by a node that only queries.
    pub fn wants(&self, me: &str, origin: &Origin, members: &BTreeSet<NodeName>) -> bool {
        match self {
            Self::Everything => true,
            Self::QueryOnly => false,
            _ if *origin.node == *me => true,
            Self::Collectors(n) => collects(me, &origin.node, *n, members),
            Self::Named(nodes) => nodes.contains(me),
        }
    }

    /// True when `me` and `peer` have something to tell each other in a cluster that is too large
    /// for everybody to talk to everybody.
    pub(crate) fn relates(&self, me: &str, peer: &str, members: &BTreeSet<NodeName>) -> bool {
        match self {
            Self::Collectors(n) => {
                collects(me, peer, *n, members) || collects(peer, me, *n, members)
            }
            Self::Named(nodes) => nodes.contains(me) || nodes.contains(peer),
            Self::Everything | Self::QueryOnly => true,
        }
    }
}

/// True when fewer than `n` other members rank before `me` for `node`.
fn collects(me: &str, node: &str, n: usize, members: &BTreeSet<NodeName>) -> bool {
    let key = hash::of(node);
    let rank = |name: &str| hash::pair(key, hash::of(name));
    let mine = rank(me);
    members
        .iter()
        .filter(|m| ***m != *node && ***m != *me && rank(m) > mine)
        .take(n)
        .count()
        < n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(n: usize) -> BTreeSet<NodeName> {
        (0..n).map(|i| NodeName::from(format!("n{i}"))).collect()
    }

    fn collectors(node: &str, n: usize, members: &BTreeSet<NodeName>) -> BTreeSet<NodeName> {
        let origin = Origin::new(node, 1);
        let wants =
            |m: &&NodeName| ***m != *node && Interest::Collectors(n).wants(m, &origin, members);
        members.iter().filter(wants).cloned().collect()
    }

    #[test]
    fn exactly_n_collectors_per_origin() {
        let all = members(40);
        for node in &all {
            assert_eq!(collectors(node, 3, &all).len(), 3);
        }
    }

    #[test]
    fn a_leaving_member_moves_only_what_it_kept() {
        let all = members(40);
        let mut fewer = all.clone();
        fewer.remove("n7");
        for node in &fewer {
            let (before, after) = (collectors(node, 3, &all), collectors(node, 3, &fewer));
            assert!(before.contains("n7") || before == after);
        }
    }

    #[test]
    fn own_earlier_incarnations_are_pulled_unless_query_only() {
        let all = members(40);
        let earlier = Origin::new("n1", 1);
        assert!(Interest::Collectors(0).wants("n1", &earlier, &all));
        assert!(!Interest::QueryOnly.wants("n1", &earlier, &all));
    }
}
