//! A set of numbers that is nearly everything from 0 on: which runs have been made.

use serde::{Deserialize, Serialize};

/// Disjoint ranges, ascending, the end excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Whether a number is in the set.
    pub fn has(&self, number: u64) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= number);
        after.checked_sub(1).is_some_and(|at| number < self.0[at].1)
    }

    /// Takes a number in; returns whether it is new.
    pub fn insert(&mut self, number: u64) -> bool {
        if self.has(number) {
            return false;
        }
        let after = self.0.partition_point(|(from, _)| *from <= number);
        let joins_before = after > 0 && self.0[after - 1].1 == number;
        let joins_after = self.0.get(after).is_some_and(|(from, _)| *from == number + 1);
        match (joins_before, joins_after) {
            (true, true) => self.0[after - 1].1 = self.0.remove(after).1,
            (true, false) => self.0[after - 1].1 += 1,
            (false, true) => self.0[after].0 = number,
            (false, false) => self.0.insert(after, (number, number + 1)),
        }
        true
    }

    /// The highest number.
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|(_, to)| to - 1)
    }

    /// Every number, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|(from, to)| *from..*to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_order_end_as_one_range() {
        let mut ranges = Ranges::default();
        let order = [7, 0, 3, 1, 2, 9, 8, 5, 4, 6];
        for (so_far, number) in order.into_iter().enumerate() {
            assert!(ranges.insert(number) && !ranges.insert(number));
            assert_eq!(ranges.iter().count(), so_far + 1);
            (0..12).for_each(|n| assert_eq!(ranges.has(n), order[..=so_far].contains(&n), "{n} in {ranges:?}"));
        }
        assert_eq!(ranges, Ranges(vec![(0, 10)]));
    }
}
