//! A hash table that can be asked but not walked.
//!
//! The check must give the same result on every machine and every run. The order of a hash table's entries would
//! leak into results if anybody walked it; nobody can, because this type has no iterator. The hash itself has no
//! random key either. What is not here: protection against keys that are chosen to collide.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// From keys to numbers.
#[derive(Default)]
pub(super) struct Lookup<K> {
    map: HashMap<K, u32, BuildHasherDefault<Mix>>,
}

impl<K: Hash + Eq> Lookup<K> {
    /// A table with room for some entries.
    pub(super) fn with_capacity(entries: usize) -> Self {
        Lookup { map: HashMap::with_capacity_and_hasher(entries, BuildHasherDefault::default()) }
    }

    /// The number of a key.
    pub(super) fn get(&self, key: &K) -> Option<u32> {
        self.map.get(key).copied()
    }

    /// The number of a key, which becomes `new` if it had none.
    pub(super) fn get_or_insert(&mut self, key: K, new: u32) -> u32 {
        *self.map.entry(key).or_insert(new)
    }
}

/// Multiply and rotate, as rustc's own tables do.
#[derive(Default)]
pub(super) struct Mix {
    state: u64,
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.state = self.state.wrapping_add(n).wrapping_mul(0xf135_7aea_2e62_a9c5);
    }

    fn finish(&self) -> u64 {
        self.state.rotate_left(26)
    }
}
