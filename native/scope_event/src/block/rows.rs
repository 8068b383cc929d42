//! Events as numbers: one vector per field, in the order of the sequence.

/// All events of a block over its dictionary and payloads.
///
/// Invariant: the vectors but `runs` are equally long, and `runs` adds up to that length.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rows {
    pub(crate) stamps: Vec<u64>,
    pub(crate) keys: Vec<u32>,
    /// Index of the pid plus one; 0 for none.
    pub(crate) pids: Vec<u32>,
    /// Number of the payload plus one; 0 for none.
    pub(crate) data: Vec<u32>,
    /// Number of the payload plus one; 0 for none.
    pub(crate) correlations: Vec<u32>,
    pub(crate) metas: Vec<Meta>,
    /// Which lane recorded what, as runs over the sequence.
    pub(crate) runs: Vec<Run>,
}

/// Session and flags of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) session: u16,
    pub(crate) flags: u8,
}

/// Consecutive events of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) lane: u16,
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// One event over the dictionary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) stamp: u64,
    pub(crate) key: u32,
    pub(crate) pid: u32,
    pub(crate) data: u32,
    pub(crate) correlation: u32,
    pub(crate) meta: Meta,
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.stamps.len()
    }

    /// One event.
    pub(crate) fn one(row: Row) -> Self {
        let mut rows = Self::default();
        rows.push(0, row);
        rows
    }

    #[inline]
    pub(crate) fn push(&mut self, lane: u16, row: Row) {
        self.extend_run(lane);
        self.stamps.push(row.stamp);
        self.keys.push(row.key);
        self.pids.push(row.pid);
        self.data.push(row.data);
        self.correlations.push(row.correlation);
        self.metas.push(row.meta);
    }

    fn extend_run(&mut self, lane: u16) {
        let start = self.len() as u32;
        match self.runs.last_mut().filter(|run| run.lane == lane) {
            Some(run) => run.len += 1,
            None => self.runs.push(Run {
                lane,
                start,
                len: 1,
            }),
        }
    }

    /// The runs of each lane together, lanes in the order of their first event.
    pub(crate) fn sections(&self) -> Vec<Vec<Run>> {
        Self::sections_of(&self.runs)
    }

    pub(crate) fn sections_of(runs: &[Run]) -> Vec<Vec<Run>> {
        let mut sections: Vec<Vec<Run>> = Vec::new();
        for run in runs {
            match sections
                .iter_mut()
                .find(|section| section[0].lane == run.lane)
            {
                Some(section) => section.push(*run),
                None => sections.push(vec![*run]),
            }
        }
        sections
    }

    /// The rows, with room for as many in their place.
    pub(crate) fn taken(&mut self) -> Self {
        let room = self.len();
        let empty = Self {
            stamps: Vec::with_capacity(room),
            keys: Vec::with_capacity(room),
            pids: Vec::with_capacity(room),
            data: Vec::with_capacity(room),
            correlations: Vec::with_capacity(room),
            metas: Vec::with_capacity(room),
            runs: Vec::new(),
        };
        std::mem::replace(self, empty)
    }

    pub(crate) fn clear(&mut self) {
        self.stamps.clear();
        self.keys.clear();
        self.pids.clear();
        self.data.clear();
        self.correlations.clear();
        self.metas.clear();
        self.runs.clear();
    }
}
