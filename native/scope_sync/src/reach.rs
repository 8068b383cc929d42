//! What an exchange on demand asks for beyond what a replica keeps anyway.

use std::collections::BTreeSet;

use crate::origin::{NodeName, Origin};

/// For the sake of a question: origins of these nodes, back to a stamp, whatever the interest of the
/// replica and wherever it began. Its age limit holds all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Whose events; of all nodes when it is empty.
    pub nodes: BTreeSet<NodeName>,
    /// Blocks that are older are not asked for.
    pub since: u64,
    /// So many bytes of blocks may come for it, and what is on its way then: what is kept here must
    /// not have to make room for a question.
    pub max_bytes: u64,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            nodes: BTreeSet::new(),
            since: 0,
            max_bytes: u64::MAX,
        }
    }
}

impl Reach {
    /// True when `origin` is within reach.
    pub fn holds(&self, origin: &Origin) -> bool {
        self.nodes.is_empty() || self.nodes.contains(&origin.node)
    }

    /// Both in one.
    pub(crate) fn join(&mut self, other: Self) {
        if self.nodes.is_empty() || other.nodes.is_empty() {
            self.nodes.clear();
        } else {
            self.nodes.extend(other.nodes);
        }
        self.since = self.since.min(other.since);
        self.max_bytes = self.max_bytes.max(other.max_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(nodes: &[&str], since: u64) -> Reach {
        let nodes = nodes.iter().map(|node| NodeName::from(*node)).collect();
        Reach {
            nodes,
            since,
            ..Reach::default()
        }
    }

    #[test]
    fn both_in_one_hold_what_either_holds() {
        let mut both = reach(&["a"], 7);
        both.join(reach(&["b"], 5));
        assert_eq!(both, reach(&["a", "b"], 5));
        assert!(both.holds(&Origin::new("b", 1)) && !both.holds(&Origin::new("c", 1)));
        both.join(reach(&[], 9));
        assert_eq!(both, reach(&[], 5));
        assert!(both.holds(&Origin::new("c", 1)));
    }
}
