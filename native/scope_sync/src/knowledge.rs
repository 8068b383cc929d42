//! What one replica knows of one origin.

use crate::intervals::Intervals;
use crate::origin::Seq;

/// What a replica has of one origin, had, and knows to be the end.
///
/// Held is `floor + 1 ..= prefix` and every run of `beyond`. What is not above `floor` expired
/// here: it is neither wanted nor served. Missing between held runs are the [gaps](Self::gaps).
///
/// # Examples
///
/// ```
/// use scope_sync::Knowledge;
///
/// let mut mine = Knowledge::default();
/// mine.learn(1, 10);
/// mine.learn(21, 30);
/// assert_eq!(mine.prefix, 10);
/// assert_eq!(mine.gaps().runs(), &[(11, 20)]);
/// mine.learn(11, 20);
/// assert_eq!(mine.prefix, 30);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// The highest sequence number that expired here; 0 when none did. Invariant: `<= prefix`.
    pub floor: Seq,
    /// The end of the dense run that starts above `floor`; equal to `floor` when there is none.
    pub prefix: Seq,
    /// Held runs beyond the prefix. Invariant: all of them start above `prefix + 1`.
    pub beyond: Intervals,
    /// The last sequence number of an incarnation that is over, as far as anyone knows.
    pub last: Option<Seq>,
}

impl Knowledge {
    /// The knowledge that follows from what is held and what expired.
    pub fn from_held(floor: Seq, held: Intervals, last: Option<Seq>) -> Self {
        let mut known = Self {
            floor,
            prefix: floor,
            beyond: held,
            last,
        };
        known.settle();
        known
    }

    /// The highest sequence number that was ever here.
    pub fn top(&self) -> Seq {
        self.beyond.last().unwrap_or(self.prefix)
    }

    /// All that is held.
    pub fn held(&self) -> Intervals {
        let mut held = self.beyond.clone();
        held.insert(self.floor.saturating_add(1), self.prefix);
        held
    }

    /// True when nothing is held.
    pub fn is_empty(&self) -> bool {
        self.prefix == self.floor && self.beyond.is_empty()
    }

    /// True when all of `from..=to` is here or expired here.
    pub fn covers(&self, from: Seq, to: Seq) -> bool {
        to <= self.prefix
            || self
                .beyond
                .covers(from.max(self.prefix.saturating_add(1)), to)
    }

    /// What is missing between the prefix and the highest held.
    pub fn gaps(&self) -> Intervals {
        let mut gaps = Intervals::of(self.prefix.saturating_add(1), self.top());
        gaps.subtract(&self.beyond);
        gaps
    }

    /// True when the incarnation is over and all of it up to its end is or was here.
    pub fn is_complete(&self) -> bool {
        self.last.is_some_and(|last| self.prefix >= last)
    }

    /// `from..=to` is now held.
    pub fn learn(&mut self, from: Seq, to: Seq) {
        self.beyond.insert(from, to);
        self.settle();
    }

    /// Everything up to `seq` expired.
    pub fn raise_floor(&mut self, seq: Seq) {
        self.floor = self.floor.max(seq);
        self.settle();
    }

    /// The origin is over, and `last` is the highest number that somebody saw.
    pub fn note_last(&mut self, last: Seq) {
        self.last = Some(self.last.unwrap_or(0).max(last));
    }

    /// What `theirs` holds above my floor that I lack.
    pub fn lacks(&self, theirs: &Self) -> Intervals {
        let mut wants = theirs.beyond.clone();
        wants.insert(theirs.floor.saturating_add(1), theirs.prefix);
        wants.remove(0, self.prefix);
        wants.subtract(&self.beyond);
        wants
    }

    /// Restores the invariants after `floor` rose or `beyond` grew.
    fn settle(&mut self) {
        self.prefix = self.prefix.max(self.floor);
        self.beyond.remove(0, self.prefix);
        while let Some(&(from, to)) = self.beyond.runs().first() {
            if from > self.prefix.saturating_add(1) {
                return;
            }
            self.prefix = self.prefix.max(to);
            self.beyond.remove(0, to);
        }
    }
}
