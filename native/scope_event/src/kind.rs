//! What happened: the kinds of event and their families.

/// The groups that filters take wherever they take a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Family {
    /// Calls, returns and exceptions.
    Function = 0,
    /// Sends and receives.
    Message = 1,
    /// Lives of processes, links and names.
    Process = 2,
    /// States of servers after a callback.
    State = 3,
    /// Garbage collections and memory per function.
    Memory = 4,
    /// Processes scheduled in and out.
    Scheduling = 5,
    /// Sampled figures of a process or node.
    Vitals = 6,
    /// What the recorder itself has to say.
    System = 7,
    /// Recorded by hand.
    User = 8,
}

/// Declares the kinds once: variant, code and name stay together.
macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal;)*) => {
        /// What an event says happened.
        ///
        /// The discriminant is the code in rings and blocks: it never changes meaning. The upper
        /// bits of the code are the family, eight codes each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $variant = $code,)* }

        impl Kind {
            /// Every kind, in the order of the codes.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// The kind with this code, if this version knows it.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The name users type.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// A function was entered.
    Call = 0, "call";
    /// A function returned.
    Return = 1, "return";
    /// A function was left by an exception.
    Exception = 2, "exception";
    /// A message was sent.
    Send = 8, "send";
    /// A message arrived.
    Receive = 9, "receive";
    /// A process was started.
    Spawn = 16, "spawn";
    /// A process ended.
    Exit = 17, "exit";
    /// Two processes were linked.
    Link = 18, "link";
    /// A link was removed.
    Unlink = 19, "unlink";
    /// A process took a name.
    Register = 20, "register";
    /// A process gave a name back.
    Unregister = 21, "unregister";
    /// The state of a server after a callback.
    State = 24, "state";
    /// A garbage collection, with sizes before and after.
    Gc = 32, "gc";
    /// Memory allocated by a function.
    Memory = 33, "memory";
    /// A process was scheduled in.
    In = 40, "in";
    /// A process was scheduled out.
    Out = 41, "out";
    /// Figures of a process or node.
    Vitals = 48, "vitals";
    /// A node was seen.
    NodeUp = 56, "node_up";
    /// A node was lost.
    NodeDown = 57, "node_down";
    /// The cluster fell apart.
    Partition = 58, "partition";
    /// The cluster is whole again.
    Heal = 59, "heal";
    /// Events were lost here, with their number.
    Gap = 60, "gap";
    /// Something about the clock.
    Clock = 61, "clock";
    /// A trace began.
    TraceStarted = 62, "trace_started";
    /// A trace ended, with the reason.
    TraceStopped = 63, "trace_stopped";
    /// Recorded by the user.
    Mark = 64, "mark";
}

impl Kind {
    /// The code in rings and blocks.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The group that filters know this kind by.
    ///
    /// ```
    /// use scope_event::{Family, Kind};
    /// assert_eq!(Kind::Exception.family(), Family::Function);
    /// ```
    pub const fn family(self) -> Family {
        match self.code() >> 3 {
            0 => Family::Function,
            1 => Family::Message,
            2 => Family::Process,
            3 => Family::State,
            4 => Family::Memory,
            5 => Family::Scheduling,
            6 => Family::Vitals,
            7 => Family::System,
            _ => Family::User,
        }
    }
}

impl Family {
    /// The kinds of this family.
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::ALL
            .iter()
            .copied()
            .filter(move |kind| kind.family() == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_and_families_hold_their_kinds() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.code()), Some(*kind));
            assert!(kind.family().kinds().any(|k| k == *kind));
        }
        assert_eq!(
            (0..=255).filter_map(Kind::from_code).count(),
            Kind::ALL.len()
        );
    }
}
