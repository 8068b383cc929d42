//! What goes wrong, and what any node does by itself while it does.

use crate::plan::{MS, SECOND};
use crate::world::{Event, World};

impl World {
    /// One second's worth of bad luck.
    pub(crate) fn mischief(&mut self) {
        if !self.chaos {
            return;
        }
        self.at(SECOND, Event::Mischief);
        let faults = self.plan.faults;
        if self.rng.chance(faults.partitions) {
            self.partition();
        } else if self.rng.chance(30) {
            self.cuts.clear();
        }
        for i in 0..self.nodes.len() {
            if self.rng.chance(faults.crashes) && self.nodes[i].up {
                self.crash(i);
            } else if self.rng.chance(40) && !self.nodes[i].up {
                self.restart(i);
            }
            self.live(i);
        }
        if self.rng.chance(faults.jumps) {
            let i = self.rng.index(self.nodes.len());
            self.nodes[i].skew_s = self.rng.within(0, 20) as i64 - 10;
            self.counts.jumps += 1;
        }
    }

    /// Consolidation and retention go on whatever happens.
    fn live(&mut self, i: usize) {
        if self.plan.consolidation && self.rng.chance(20) && self.nodes[i].up {
            let count = self.rng.within(2, 8) as usize;
            self.nodes[i].consolidate(count);
        }
        if self.plan.retention && self.rng.chance(20) {
            let by_bytes = self.rng.chance(15);
            let (time, rng) = (self.time, &mut self.rng);
            self.nodes[i].retain(time, by_bytes.then_some(rng));
        }
    }

    /// Cuts the cluster in two, one direction between two nodes, or one pair.
    fn partition(&mut self) {
        self.counts.partitions += 1;
        let n = self.nodes.len();
        let (a, b) = (self.rng.index(n), self.rng.index(n));
        match self.rng.index(3) {
            0 => {
                let side: Vec<bool> = (0..n).map(|_| self.rng.chance(50)).collect();
                let pairs = (0..n).flat_map(|x| (0..n).map(move |y| (x, y)));
                self.cuts
                    .extend(pairs.filter(|(x, y)| side[*x] != side[*y]));
            }
            1 => drop(self.cuts.insert((a, b))),
            _ => self.cuts.extend([(a, b), (b, a)]),
        }
        if self.rng.chance(50) {
            self.notice_cuts();
        }
    }

    /// Some see that others are gone; they see them again when the cut is over, or at the end.
    fn notice_cuts(&mut self) {
        for (a, b) in self.cuts.clone() {
            let (down, up) = (
                self.rng.within(0, 3 * SECOND),
                self.rng.within(4, 12) * SECOND,
            );
            self.at(
                down,
                Event::Hear {
                    at: a,
                    peer: b,
                    up: false,
                },
            );
            self.at(
                up,
                Event::Hear {
                    at: a,
                    peer: b,
                    up: true,
                },
            );
        }
    }

    fn crash(&mut self, i: usize) {
        self.counts.crashes += 1;
        self.nodes[i].crash();
        for at in 0..self.nodes.len() {
            if at != i && self.rng.chance(70) {
                let delay = self.rng.within(10 * MS, 4 * SECOND);
                self.at(
                    delay,
                    Event::Hear {
                        at,
                        peer: i,
                        up: false,
                    },
                );
            }
        }
    }

    pub(crate) fn restart(&mut self, i: usize) {
        let (seed, lost) = (self.rng.next(), self.rng.index(3));
        let keeps_disk = !self.rng.chance(self.plan.faults.disk_losses);
        self.counts.disks_lost += u64::from(!keeps_disk);
        self.nodes[i].restart(seed, keeps_disk, lost);
        self.introduce(i);
        for at in 0..self.nodes.len() {
            if at != i && self.rng.chance(80) {
                let delay = self.rng.within(MS, 2 * SECOND);
                self.at(
                    delay,
                    Event::Hear {
                        at,
                        peer: i,
                        up: true,
                    },
                );
            }
        }
    }

    /// The end of all trouble: everybody who is to live is up, reachable, and knows it.
    pub(crate) fn heal(&mut self) {
        self.chaos = false;
        self.cuts.clear();
        for i in 0..self.nodes.len() {
            self.nodes[i].skew_s = 0;
            if !self.nodes[i].up && self.rng.chance(70) {
                self.restart(i);
            }
        }
        self.at(13 * SECOND, Event::Healed);
    }

    /// Who is wrong about a peer hears of it; a link that only lost messages has to mend itself.
    pub(crate) fn correct(&mut self) {
        for at in 0..self.nodes.len() {
            for peer in (0..self.nodes.len()).filter(|peer| *peer != at) {
                let (name, up) = (&self.nodes[peer].name, self.nodes[peer].up);
                if self.nodes[at].replica.is_up(name) != up {
                    self.at(0, Event::Hear { at, peer, up });
                }
            }
        }
    }
}
