//! Whose events: one life of one node, and how nodes are named.

use std::fmt;
use std::sync::Arc;

/// The position of an event in its origin's stream. The first event of an origin has 1.
pub type Seq = u64;

/// The name of a node, as the transport knows it.
pub type NodeName = Arc<str>;

/// The longest name of a node or a scope that a peer may tell: no longer than an atom.
const MAX_NAME: usize = 255;

/// Whether a peer may call anything so.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME
}

/// One life of one node: the stream that every [`Seq`] counts in.
///
/// A node that starts again is a new origin, so a log that was lost can never clash with the one
/// that peers still hold.
///
/// # Examples
///
/// ```
/// use scope_sync::Origin;
///
/// let origin = Origin::new("shop@web", 3);
/// assert_eq!(origin.to_string(), "shop@web#3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The node's name.
    pub node: NodeName,
    /// Which life of that node.
    pub incarnation: u64,
}

impl Origin {
    /// The `incarnation`-th life of `node`.
    pub fn new(node: impl Into<NodeName>, incarnation: u64) -> Self {
        Self {
            node: node.into(),
            incarnation,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.node, self.incarnation)
    }
}
