//! Trying again, ever more rarely.

/// So often the time doubles.
const MAX_DOUBLINGS: u32 = 12;

/// When something is tried again. The first wait begins when it is first asked.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    at_ns: Option<u64>,
    doublings: u32,
}

impl Backoff {
    /// True when it is time; the next wait is twice as long.
    pub(super) fn is_due(&mut self, now_ns: u64, first_ns: u64) -> bool {
        let wait = first_ns.saturating_mul(1 << self.doublings);
        let is_due = *self.at_ns.get_or_insert(now_ns.saturating_add(wait)) <= now_ns;
        if is_due {
            let doublings = (self.doublings + 1).min(MAX_DOUBLINGS);
            *self = Self {
                at_ns: None,
                doublings,
            };
        }
        is_due
    }
}
