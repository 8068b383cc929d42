//! Who gossips with whom in a cluster that is too large for a full mesh.
//!
//! Source: random-like bounded-degree overlays (HyParView, Leitão et al. 2007), made deterministic
//! by symmetric rendezvous weights: both ends compute the same weight for their edge, so that no
//! message is needed to agree on it. Two places are the ring over hashed names, which connects
//! everybody; the others go to edges that rank high at both ends. A member that dies changes only
//! the edges next to it.

use crate::hash;
use crate::origin::NodeName;

/// The smallest fan-out that makes sense: the ring alone.
const RING: usize = 2;

/// The neighbours of `me` among `members` (which include `me`): at most `fanout`, and `b` is in
/// `neighbours(a)` exactly when `a` is in `neighbours(b)`.
///
/// # Examples
///
/// ```
/// use scope_sync::neighbours;
///
/// let members: Vec<_> = (0..100).map(|i| format!("n{i}").into()).collect();
/// assert!(neighbours("n7", &members, 12).len() <= 12);
/// ```
pub fn neighbours(me: &str, members: &[NodeName], fanout: usize) -> Vec<NodeName> {
    let mut keys: Vec<(u64, usize)> = hashed(members);
    keys.sort_unstable();
    let Some(at) = keys.iter().position(|&(_, i)| *members[i] == *me) else {
        return Vec::new();
    };
    if members.len() <= fanout + 1 {
        return members.iter().filter(|m| ***m != *me).cloned().collect();
    }
    let mut chosen = vec![(at + 1) % keys.len(), (at + keys.len() - 1) % keys.len()];
    let places = fanout.saturating_sub(RING);
    chosen.extend(
        nearest(&keys, at, places)
            .into_iter()
            .filter(|&(weight, peer)| {
                keys.iter()
                    .enumerate()
                    .filter(|&(i, k)| i != peer && edge(k.0, keys[peer].0) < weight)
                    .count()
                    < places
            })
            .map(|(_, peer)| peer),
    );
    chosen.sort_unstable();
    chosen.dedup();
    chosen
        .into_iter()
        .map(|i| members[keys[i].1].clone())
        .collect()
}

fn hashed(members: &[NodeName]) -> Vec<(u64, usize)> {
    members
        .iter()
        .enumerate()
        .map(|(i, m)| (hash::of(m), i))
        .collect()
}

/// The weight of an edge, the same from both ends.
const fn edge(a: u64, b: u64) -> u64 {
    if a < b {
        hash::pair(a, b)
    } else {
        hash::pair(b, a)
    }
}

/// The `places` lightest edges of the member at `at`.
fn nearest(keys: &[(u64, usize)], at: usize, places: usize) -> Vec<(u64, usize)> {
    let others = keys.iter().enumerate().filter(|&(i, _)| i != at);
    let mut edges: Vec<(u64, usize)> = others.map(|(i, k)| (edge(keys[at].0, k.0), i)).collect();
    edges.sort_unstable();
    edges.truncate(places);
    edges
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, VecDeque};

    use super::*;

    fn graph(members: &[NodeName]) -> BTreeMap<NodeName, Vec<NodeName>> {
        members
            .iter()
            .map(|m| (m.clone(), neighbours(m, members, 12)))
            .collect()
    }

    fn reached(graph: &BTreeMap<NodeName, Vec<NodeName>>, from: &NodeName) -> usize {
        let (mut seen, mut queue) = (
            BTreeSet::from([from.clone()]),
            VecDeque::from([from.clone()]),
        );
        while let Some(node) = queue.pop_front() {
            queue.extend(
                graph[&node]
                    .iter()
                    .filter(|n| seen.insert((*n).clone()))
                    .cloned(),
            );
        }
        seen.len()
    }

    #[test]
    fn bounded_symmetric_and_connected_at_every_size() {
        for n in [1, 2, 5, 13, 14, 40, 300] {
            let members: Vec<NodeName> = (0..n).map(|i| format!("n{i}").into()).collect();
            let graph = graph(&members);
            for (node, links) in &graph {
                assert!(links.len() <= 12 && !links.contains(node));
                assert!(links.iter().all(|peer| graph[peer].contains(node)));
            }
            assert_eq!(reached(&graph, &members[0]), n);
        }
    }

    #[test]
    fn a_death_changes_only_edges_next_to_it() {
        let members: Vec<NodeName> = (0..200).map(|i| format!("n{i}").into()).collect();
        let fewer: Vec<NodeName> = members[1..].to_vec();
        let (before, after) = (graph(&members), graph(&fewer));
        let kept = |node: &NodeName| {
            before[node]
                .iter()
                .filter(|p| after[node].contains(p))
                .count()
        };
        let changed: usize = fewer.iter().map(|n| before[n].len() - kept(n)).sum();
        assert!(changed <= 12 + 2, "{changed} ends of edges changed");
    }
}
