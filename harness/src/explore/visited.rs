//! A set of state hashes: open addressing, eight bytes a state, nothing ever removed.

/// The share of slots that may be full: beyond it chains of probes grow long.
const FILL_MAX: (usize, usize) = (7, 10);

/// A set of 64-bit hashes.
#[derive(Clone, Debug)]
pub struct Visited {
    /// 0 marks a free slot; the hash 0 itself has its own flag.
    slots: Vec<u64>,
    len: usize,
    has_zero: bool,
}

impl Default for Visited {
    fn default() -> Self {
        Self { slots: vec![0; 1 << 10], len: 0, has_zero: false }
    }
}

impl Visited {
    /// How many hashes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a hash; returns whether it is new.
    #[inline]
    pub fn insert(&mut self, hash: u64) -> bool {
        if hash == 0 {
            let is_new = !std::mem::replace(&mut self.has_zero, true);
            self.len += usize::from(is_new);
            return is_new;
        }
        if self.len * FILL_MAX.1 >= self.slots.len() * FILL_MAX.0 {
            self.grow();
        }
        let at = find(&self.slots, hash);
        if self.slots[at] == hash {
            return false;
        }
        self.slots[at] = hash;
        self.len += 1;
        true
    }

    fn grow(&mut self) {
        let mut slots = vec![0; self.slots.len() * 2];
        for &hash in self.slots.iter().filter(|hash| **hash != 0) {
            let at = find(&slots, hash);
            slots[at] = hash;
        }
        self.slots = slots;
    }
}

/// The slot of a hash, or the free one where it belongs.
#[inline]
fn find(slots: &[u64], hash: u64) -> usize {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    while slots[at] != 0 && slots[at] != hash {
        at = (at + 1) & mask;
    }
    at
}

/// How likely it is that two of so many states share a 64-bit hash, so that one of them was taken for the other: at most
/// n² / 2^65, the birthday bound.
pub fn collision_probability(states: u64) -> f64 {
    (states as f64).powi(2) / 2_f64.powi(65)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn a_hash_is_new_once_also_zero_and_across_growth() {
        let stream = Stream::new(1, 1);
        let hashes = || (0..10_000).map(|key| stream.draw(key)).chain([0, u64::MAX, 1 << 63]);
        let mut visited = Visited::default();
        assert!(hashes().all(|hash| visited.insert(hash)));
        assert!(!hashes().any(|hash| visited.insert(hash)));
        assert_eq!(visited.len(), 10_003);
    }

    #[test]
    fn the_collision_bound_is_that_of_birthdays() {
        assert!((collision_probability(1 << 32) - 0.5).abs() < 1e-9);
    }
}
