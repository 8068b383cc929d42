//! A process identifier that means the same on every node.

use std::fmt;
use std::sync::Arc;

/// A process of a named node. It prints as `<node.id.serial>`.
///
/// # Examples
///
/// ```
/// use scope_event::Pid;
/// let pid = Pid { node: "a@host".into(), id: 101, serial: 0, creation: 3 };
/// assert_eq!(pid.to_string(), "<a@host.101.0>");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid {
    /// The node that the process lives on.
    pub node: Arc<str>,
    /// The first number of the printed form.
    pub id: u32,
    /// The second number of the printed form.
    pub serial: u32,
    /// Tells lives of a node with the same name apart.
    pub creation: u32,
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}.{}>", self.node, self.id, self.serial)
    }
}
