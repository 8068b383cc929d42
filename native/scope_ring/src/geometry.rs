//! From two numbers of the configuration to the layout of every lane.

use crate::{
    StartError,
    slot::{Head, Slot},
};

/// How large a table of lanes is. All lanes together never hold more than `ring_bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanesConfig {
    /// Threads that will record: schedulers, dirty CPU, dirty I/O and two more.
    pub lanes: usize,
    /// The bound on the memory of all lanes together.
    pub ring_bytes: usize,
    /// The longest payload; every lane keeps one of it as slack, so that a payload is contiguous.
    pub max_payload: usize,
}

impl LanesConfig {
    /// 64 MiB for all lanes together.
    pub const RING_BYTES: usize = 64 << 20;
    /// 64 KiB of a full capture, and 512 bytes for what stands beside it.
    pub const MAX_PAYLOAD: usize = (64 << 10) + 512;
    const MOST_LANES: usize = 4096;
    const MOST_PAYLOAD: usize = 1 << 20;

    /// The default size for this many threads.
    pub const fn for_lanes(lanes: usize) -> Self {
        Self {
            lanes,
            ring_bytes: Self::RING_BYTES,
            max_payload: Self::MAX_PAYLOAD,
        }
    }

    fn check(&self) -> Result<(), StartError> {
        if !(1..=Self::MOST_LANES).contains(&self.lanes) {
            return Err(StartError::Lanes(self.lanes));
        }
        if !(1..=Self::MOST_PAYLOAD).contains(&self.max_payload) {
            return Err(StartError::MaxPayload(self.max_payload));
        }
        Ok(())
    }
}

const _: () = assert!(LanesConfig::MOST_PAYLOAD <= Head::MAX_LEN);

/// The layout of one lane: slots, then payload, then one payload of slack.
///
/// Invariants: each area is whole pages; `payload >= max_payload` and `slack >= max_payload`, so a
/// payload that starts anywhere in the payload area ends inside the lane; `keep_slots <= slots`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) slots: usize,
    pub(crate) payload: usize,
    pub(crate) slack: usize,
    pub(crate) max_payload: usize,
    pub(crate) page: usize,
}

impl Geometry {
    /// Events with small arguments carry about two slots' worth of payload.
    const SLOT_SHARE: usize = 3;

    pub(crate) fn new(config: &LanesConfig, page: usize) -> Result<Self, StartError> {
        config.check()?;
        let slack = config.max_payload.next_multiple_of(page);
        let share = config.ring_bytes / config.lanes / page * page;
        if share < page + 2 * slack {
            let needed = (page + 2 * slack) * config.lanes;
            return Err(StartError::TooSmall {
                given: config.ring_bytes,
                needed,
            });
        }
        Ok(Self::split(share - slack, slack, config.max_payload, page))
    }

    fn split(rest: usize, slack: usize, max_payload: usize, page: usize) -> Self {
        let most = rest - slack;
        let slots = (rest / Self::SLOT_SHARE / page * page).clamp(page, most);
        Self {
            slots: slots / Slot::SIZE,
            payload: rest - slots,
            slack,
            max_payload,
            page,
        }
    }

    /// Bytes of slots; the payload area begins here.
    pub(crate) const fn payload_at(&self) -> usize {
        self.slots * Slot::SIZE
    }

    /// Bytes that one lane may ever touch.
    pub(crate) const fn bytes(&self) -> usize {
        self.payload_at() + self.payload + self.slack
    }

    /// Slots that stay usable while the pages of the others are given back: one page of them.
    pub(crate) const fn keep_slots(&self) -> usize {
        self.page / Slot::SIZE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_layout_keeps_its_invariants(lanes in 1usize..200, ring in 0usize..(1 << 28), max in 1usize..100_000) {
            let config = LanesConfig { lanes, ring_bytes: ring, max_payload: max };
            match Geometry::new(&config, 4096) {
                Err(StartError::TooSmall { given, needed }) => {
                    prop_assert!(given < needed);
                    let enough = LanesConfig { ring_bytes: needed, ..config };
                    prop_assert!(Geometry::new(&enough, 4096).is_ok());
                }
                Err(other) => prop_assert!(false, "{other}"),
                Ok(g) => {
                    prop_assert!(g.bytes() * lanes <= ring);
                    prop_assert!(g.payload >= max && g.slack >= max && g.slots >= g.keep_slots());
                    prop_assert_eq!((g.payload_at() % 4096, g.bytes() % 4096), (0, 0));
                }
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let none = LanesConfig::for_lanes(0);
        assert!(matches!(
            Geometry::new(&none, 4096),
            Err(StartError::Lanes(0))
        ));
        let huge = LanesConfig {
            max_payload: 2 << 20,
            ..LanesConfig::for_lanes(1)
        };
        assert!(matches!(
            Geometry::new(&huge, 4096),
            Err(StartError::MaxPayload(_))
        ));
    }

    #[test]
    fn the_default_gives_a_large_machine_thousands_of_events_a_lane() {
        let g = Geometry::new(&LanesConfig::for_lanes(138), 4096).unwrap();
        assert!(g.slots >= 4096, "{g:?}");
    }
}
