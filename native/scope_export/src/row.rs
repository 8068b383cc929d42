//! An event, ready to be written.

use scope_clock::Stamp;
use scope_event::{Kind, Names, Origin, Pid, Seq, SubjectView, TermError, Value};

/// An event with its terms decoded.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// Whose event it is.
    pub origin: &'a Origin,
    /// Its number in the origin's stream. 0 is no event that was recorded: who reads says by it what is
    /// missing (see [`Row::missing`]).
    pub seq: Seq,
    /// When it happened, as the cluster orders it.
    pub stamp: Stamp,
    /// When it happened by the monotonic clock of its node, where that is known.
    pub mono_ns: Option<i64>,
    /// The process, if one did it.
    pub pid: Option<&'a Pid>,
    /// What happened.
    pub kind: Kind,
    /// What it is about.
    pub about: About<'a>,
    /// What ties it to other events.
    pub correlation: Option<Value>,
    /// Arguments, message, return or state.
    pub data: Option<Value>,
    /// Whether a budget cut something.
    pub truncated: bool,
    /// Whether the correlation came with a message, and is not that of the process's own extent.
    pub inherited: bool,
    /// Whether that correlation is only likely the one that was meant.
    pub likely: bool,
    /// Whether it is a call that began its correlation.
    pub entry: bool,
    /// Of a send or receive the other half, where one is known.
    pub pairing: Option<Pairing<'a>>,
    /// When it came and by whose clock, where its own stamp is not believed.
    pub received: Option<(Stamp, &'a str)>,
}

impl<'a> Row<'a> {
    /// What is missing, as a reader knows it: a `gap` that nobody recorded, as the last row.
    pub fn missing(origin: &'a Origin, stamp: Stamp, data: Value) -> Self {
        Self {
            origin,
            seq: 0,
            stamp,
            mono_ns: None,
            pid: None,
            kind: Kind::Gap,
            about: About::Nothing,
            correlation: None,
            data: Some(data),
            truncated: false,
            inherited: false,
            likely: false,
            entry: false,
            pairing: None,
            received: None,
        }
    }
}

/// The event that is the other half of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pairing<'a> {
    /// It is this one.
    Exact((&'a Origin, Seq)),
    /// It is this one, or one that says the same.
    Likely((&'a Origin, Seq)),
    /// It is one of these, or none of them.
    Ambiguous(Vec<(&'a Origin, Seq)>),
}

impl Pairing<'_> {
    /// How sure it is, in the word that users know.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exact(_) => "exact",
            Self::Likely(_) => "likely",
            Self::Ambiguous(_) => "ambiguous",
        }
    }
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq)]
pub enum About<'a> {
    /// Nothing beyond the process itself.
    Nothing,
    /// A function.
    Function {
        /// The module.
        module: &'a str,
        /// The function.
        function: &'a str,
        /// Number of arguments.
        arity: u8,
    },
    /// A process.
    Pid(&'a Pid),
    /// A registered name.
    Name(&'a str),
    /// Anything else.
    Term(Value),
}

impl<'a> About<'a> {
    /// The subject of an event whose terms point into `names`.
    ///
    /// # Errors
    ///
    /// [`TermError`] when the term is damaged.
    pub fn read(subject: SubjectView<'a>, names: &impl Names) -> Result<Self, TermError> {
        Ok(match subject {
            SubjectView::None => Self::Nothing,
            SubjectView::Mfa {
                module,
                function,
                arity,
            } => Self::Function {
                module,
                function,
                arity,
            },
            SubjectView::Pid(pid) => Self::Pid(pid),
            SubjectView::Name(name) => Self::Name(name),
            SubjectView::Term(term) => Self::Term(Value::read(&term, names)?),
        })
    }
}
