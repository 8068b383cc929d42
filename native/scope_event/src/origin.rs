//! Who recorded an event.

use std::fmt;
use std::sync::Arc;

/// Position of an event in its origin's stream. The first event of an origin has 1.
pub type Seq = u64;

/// One life of one node: the stream of events that it recorded.
///
/// Origins order by node name, then incarnation, which is the tie-break of the total order.
///
/// # Examples
///
/// ```
/// use scope_event::Origin;
/// let first = Origin::new("a@host", 1);
/// assert!(first < Origin::new("a@host", 2));
/// assert_eq!(first.to_string(), "a@host#1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The node's name.
    pub node: Arc<str>,
    /// Which life of that node.
    pub incarnation: u64,
}

impl Origin {
    /// The `incarnation`-th life of `node`.
    pub fn new(node: impl Into<Arc<str>>, incarnation: u64) -> Self {
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
