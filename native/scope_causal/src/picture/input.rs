//! What a picture is made from: as much of an event as its causes depend on.

use scope_clock::Stamp;
use scope_event::{Kind, Origin, Pid, Seq};
use std::sync::Arc;

/// One event, borrowed from wherever it was found.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Who recorded it.
    pub origin: &'a Origin,
    /// Its number there.
    pub seq: Seq,
    /// When, by the clock of the node that recorded it.
    pub stamp: Stamp,
    /// When, by that node's monotonic clock.
    pub mono_ns: Option<i64>,
    /// What happened.
    pub kind: Kind,
    /// The process that did it.
    pub pid: Option<&'a Pid>,
    /// What it is about.
    pub about: Subject<'a>,
    /// Hash of the correlation id; equal ids have equal ones.
    pub correlation: Option<u64>,
    /// The recorder's bits.
    pub flags: u8,
    /// Of whose end it tells, if of any.
    pub end: Option<End<'a>>,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// Nothing that others could be part of.
    None,
    /// A function.
    Mfa {
        /// Its module.
        module: &'a Arc<str>,
        /// Its name.
        function: &'a Arc<str>,
        /// How many arguments it takes.
        arity: u8,
    },
    /// A process of any node: a peer, a child, who is linked.
    Pid(&'a Pid),
    /// Somebody on this node, such as behind a name or an alias.
    Node(&'a Arc<str>),
}

/// That a process ended, as it is seen by itself (an `:exit`) or by another one (a received exit signal
/// or `:DOWN`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End<'a> {
    /// Who ended.
    pub of: &'a Pid,
    /// Hash of the reason, where all of it is known: equal reasons have equal ones.
    pub reason: Option<u64>,
}

impl<'a> Input<'a> {
    /// An event of which nothing more is known.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_causal::Input;
    /// use scope_clock::Stamp;
    /// use scope_event::{Kind, Origin};
    ///
    /// let origin = Origin::new("a@host", 1);
    /// let input = Input { flags: 64, ..Input::new(&origin, 7, Stamp::from_ns(5), Kind::Mark) };
    /// assert_eq!((input.seq, input.pid), (7, None));
    /// ```
    #[must_use]
    pub fn new(origin: &'a Origin, seq: Seq, stamp: Stamp, kind: Kind) -> Self {
        Self {
            origin,
            seq,
            stamp,
            mono_ns: None,
            kind,
            pid: None,
            about: Subject::None,
            correlation: None,
            flags: 0,
            end: None,
        }
    }
}
