//! An event as it leaves a ring: words of the virtual machine and bytes of bounded terms.

use crate::kind::Kind;

/// What an event is about, in words of the virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Subject<'a> {
    /// Nothing beyond the process itself.
    #[default]
    None,
    /// A function.
    Mfa {
        /// Word of the module's atom.
        module: u64,
        /// Word of the function's atom.
        function: u64,
        /// Number of arguments.
        arity: u8,
    },
    /// A local process.
    Pid(u64),
    /// A registered name.
    Name(u64),
    /// Anything else, as a term: a remote pid, a `{name, node}`, a reference, a port.
    Term(&'a [u8]),
}

/// An event as captured. Terms are in ring form (see [`crate::term`]).
///
/// # Examples
///
/// ```
/// use scope_event::{Kind, RawEvent, Subject};
/// let event = RawEvent::new(Kind::Exit, 1 << 32, 0x1f3).about(Subject::Name(0x2cb));
/// assert!(event.data.is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawEvent<'a> {
    /// What happened.
    pub kind: Kind,
    /// NTP64 bits of the clock's stamp.
    pub stamp: u64,
    /// Word of the process; 0 when there is none.
    pub pid: u64,
    /// What it is about.
    pub subject: Subject<'a>,
    /// The correlation id as a term.
    pub correlation: Option<&'a [u8]>,
    /// Arguments, message, return or state as a term; empty when there is none.
    pub data: &'a [u8],
    /// The trace session that asked for it; 0 when none did.
    pub session: u16,
    /// Bits for pairing and attribution, given by the recorder and kept as they are.
    pub flags: u8,
}

impl<'a> RawEvent<'a> {
    /// An event of `pid` at `stamp` with nothing else to say.
    pub fn new(kind: Kind, stamp: u64, pid: u64) -> Self {
        Self {
            kind,
            stamp,
            pid,
            subject: Subject::None,
            correlation: None,
            data: &[],
            session: 0,
            flags: 0,
        }
    }

    /// With what it is about.
    pub fn about(self, subject: Subject<'a>) -> Self {
        Self { subject, ..self }
    }

    /// With its arguments, message, return or state.
    pub fn with_data(self, data: &'a [u8]) -> Self {
        Self { data, ..self }
    }

    /// With the correlation id it belongs to.
    pub fn correlated(self, correlation: &'a [u8]) -> Self {
        Self {
            correlation: Some(correlation),
            ..self
        }
    }

    /// With the session that asked for it.
    pub fn in_session(self, session: u16) -> Self {
        Self { session, ..self }
    }

    /// With the recorder's bits.
    pub fn flagged(self, flags: u8) -> Self {
        Self { flags, ..self }
    }
}
