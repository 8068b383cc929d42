//! Two trees, from the top.

use super::align::{Pair, align};
use super::tree::{Item, NONE, Tree};
use super::{Change, Difference};

/// A difference, and where it stands in the first execution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The place of the event, or of the last one before it that both have; then how they were found.
    pub(super) order: (u32, usize),
    pub(super) difference: Difference,
}

struct Comparing<'a, 'b> {
    one: &'a Tree<'b>,
    other: &'a Tree<'b>,
    found: Vec<Found>,
}

pub(super) fn compare(one: &Tree<'_>, other: &Tree<'_>) -> Vec<Found> {
    let mut comparing = Comparing {
        one,
        other,
        found: Vec::new(),
    };
    let mut left = vec![(NONE, NONE)];
    while let Some((of_one, of_other)) = left.pop() {
        let pairs = align(one, other, one.below(of_one), other.below(of_other));
        comparing.pairs(of_one, &pairs, &mut left);
    }
    comparing.found
}

impl Comparing<'_, '_> {
    /// `left` gets the pairs below which there is something to compare.
    fn pairs(&mut self, above: u32, pairs: &[Pair], left: &mut Vec<Pair>) {
        let mut place = self.place_of(above);
        let mut rest = pairs;
        while let Some((&(one, other), later)) = rest.split_first() {
            rest = later;
            match (one, other) {
                (NONE, other) => {
                    let taken = self.replaced(rest, other, false);
                    rest = &rest[usize::from(taken.is_some())..];
                    place = self.one_sided(above, taken, Some(other), place);
                }
                (one, NONE) => {
                    let taken = self.replaced(rest, one, true);
                    rest = &rest[usize::from(taken.is_some())..];
                    place = self.one_sided(above, Some(one), taken, place);
                }
                both => place = self.both(above, both, left),
            }
        }
    }

    /// The one on the other side that comes next, if that has no partner either and is of the same kind.
    fn replaced(&self, rest: &[Pair], item: u32, of_one: bool) -> Option<u32> {
        let (item, next, found) = match (*rest.first()?, of_one) {
            ((NONE, next), true) => (
                &self.one.items[item as usize],
                &self.other.items[next as usize],
                next,
            ),
            ((next, NONE), false) => (
                &self.other.items[item as usize],
                &self.one.items[next as usize],
                next,
            ),
            _ => return None,
        };
        let trees = if of_one {
            (self.one, self.other)
        } else {
            (self.other, self.one)
        };
        let kind = |tree: &Tree<'_>, item: &Item| tree.picture.kind(item.at);
        (kind(trees.0, item) == kind(trees.1, next)).then_some(found)
    }

    fn one_sided(&mut self, above: u32, one: Option<u32>, other: Option<u32>, place: u32) -> u32 {
        let left = one.map(|item| self.one.items[item as usize].at);
        let right = other.map(|item| self.other.items[item as usize].at);
        let change = match (left, right) {
            (Some(_), Some(_)) => Change::Replaced,
            (Some(_), None) => Change::Missing,
            _ => Change::Added,
        };
        let loose = other.is_some_and(|item| self.other.items[item as usize].loose);
        let place = match left {
            Some(at) => self.one.picture.place(at),
            None if loose => self.end_of(above),
            None => place,
        };
        self.tell(change, left, right, above, place);
        place
    }

    fn both(&mut self, above: u32, (one, other): Pair, left: &mut Vec<Pair>) -> u32 {
        let (first, second) = (
            self.one.items[one as usize],
            self.other.items[other as usize],
        );
        let place = self.one.picture.place(first.at);
        if first.content != second.content {
            self.tell(
                Change::Content,
                Some(first.at),
                Some(second.at),
                above,
                place,
            );
        }
        if first.received != second.received {
            self.tell(
                Change::Reception,
                Some(first.at),
                Some(second.at),
                above,
                place,
            );
        }
        let mut last = place;
        if first.result != second.result {
            last = self.result(&first, &second, above);
        }
        if first.whole != second.whole {
            left.push((one, other));
        }
        last
    }

    fn result(&mut self, first: &Item, second: &Item, above: u32) -> u32 {
        let known = |at: u32| (at != NONE).then_some(at);
        let kind = |tree: &Tree<'_>, item: &Item| known(item.end).map(|end| tree.picture.kind(end));
        let ends_alike = kind(self.one, first) == kind(self.other, second);
        let change = if ends_alike {
            Change::Result
        } else {
            Change::Ending
        };
        // One that is not seen to end differs behind everything in it.
        let place = known(first.end).map_or(u32::MAX - 1, |end| self.one.picture.place(end));
        let left = known(first.end).or(Some(first.at));
        let right = known(second.end).or(Some(second.at));
        self.tell(change, left, right, above, place);
        place
    }

    /// What has no place among others is told behind them.
    fn end_of(&self, item: u32) -> u32 {
        let item = self.one.items.get(item as usize);
        let end = item.map(|item| item.end).filter(|&end| end != NONE);
        end.map_or(u32::MAX - 1, |end| self.one.picture.place(end))
    }

    fn place_of(&self, item: u32) -> u32 {
        let item = self.one.items.get(item as usize);
        item.map_or(0, |item| self.one.picture.place(item.at))
    }

    fn tell(
        &mut self,
        change: Change,
        left: Option<u32>,
        right: Option<u32>,
        above: u32,
        place: u32,
    ) {
        let within = self.one.items.get(above as usize).map(|item| item.at);
        let order = (place, self.found.len());
        self.found.push(Found {
            order,
            difference: Difference {
                change,
                left,
                right,
                within,
            },
        });
    }
}
