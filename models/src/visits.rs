//! Which states the machines have been in: what a run never came to, it has not tested.
//!
//! The states of a machine are the variants of its enum, so nobody keeps a list of them. A machine says where it is at the
//! top of each turn (`Session::enter`), and is a line in the table of its directory;
//! one that is not in a table does not compile.

use std::hash::{Hash, Hasher};
use std::mem::discriminant;

/// A machine and its states.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Its name, dotted like a site's.
    pub name: &'static str,
    /// The names of its states, in the order of their enum.
    pub states: &'static [&'static str],
}

/// The table of a directory: machines by name, with the enums of their states.
macro_rules! machines {
    ($($name:literal => $states:ty,)*) => {
        /// The machines of this directory.
        pub(crate) const MACHINES: &[$crate::visits::Machine] = &[
            $($crate::visits::Machine { name: $name, states: <$states as strum::VariantNames>::VARIANTS },)*
        ];
    };
}

const TABLES: &[&[Machine]] = &[
    crate::connection::MACHINES,
    crate::table::MACHINES,
    crate::pager::MACHINES,
    crate::wal::MACHINES,
    crate::wal::CHECKPOINT_MACHINES,
];

/// Every machine.
pub fn machines() -> impl Iterator<Item = Machine> {
    TABLES.iter().flat_map(|table| table.iter().copied())
}

/// The number of a machine's first state: states are numbered through all machines.
///
/// # Panics
/// At compile time, if the machine is in no table.
pub(crate) const fn first_state(machine: &str) -> usize {
    match count_states(machine) {
        (first, true) => first,
        (_, false) => panic!("a machine is missing in the table of its directory"),
    }
}

/// How many states come before this machine, and whether there is such a machine.
const fn count_states(machine: &str) -> (usize, bool) {
    let (mut states, mut table) = (0, 0);
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            if is_same(TABLES[table][at].name, machine) {
                return (states, true);
            }
            states += TABLES[table][at].states.len();
            at += 1;
        }
        table += 1;
    }
    (states, false)
}

const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// How many states there are in all.
pub const STATES: usize = count_states("").0;

/// How many turns were taken in each state, in the order of [`machines()`].
#[derive(Clone, Debug)]
pub struct Visits([u32; STATES]);

impl Default for Visits {
    fn default() -> Self {
        Self([0; STATES])
    }
}

impl Visits {
    /// Counts a turn in a state of the machine whose states begin at `first`.
    #[inline]
    pub(crate) fn note<T>(&mut self, first: usize, state: &T) {
        let mut place = Place(0);
        // Without explicit numbers, discriminants count from 0.
        discriminant(state).hash(&mut place);
        self.0[first + place.0] += 1;
    }

    /// The counts.
    pub fn counts(&self) -> &[u32; STATES] {
        &self.0
    }
}

/// Takes a discriminant for what it is: the place of a variant in its enum.
struct Place(usize);

impl Hasher for Place {
    fn finish(&self) -> u64 {
        self.0 as u64
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("a discriminant is a number");
    }

    #[inline]
    fn write_isize(&mut self, discriminant: isize) {
        self.0 = discriminant.cast_unsigned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_numbered_through_all_machines_and_names_are_unique() {
        let mut names: Vec<&str> = machines().map(|machine| machine.name).collect();
        let firsts: Vec<usize> = names.iter().map(|name| first_state(name)).collect();
        let sums = machines().scan(0, |sum, machine| Some(std::mem::replace(sum, *sum + machine.states.len())));
        assert_eq!(firsts, sums.collect::<Vec<_>>());
        assert_eq!(machines().map(|machine| machine.states.len()).sum::<usize>(), STATES);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), firsts.len());
    }

    #[test]
    fn a_turn_is_counted_where_it_is_taken() {
        enum State {
            One((), ()),
            #[allow(dead_code, reason = "only the place of the variant counts")]
            Two(Box<()>),
            Three,
        }
        let mut visits = Visits::default();
        visits.note(5, &State::Three);
        visits.note(5, &State::Two(Box::default()));
        visits.note(5, &State::Two(Box::default()));
        visits.note(4, &State::One((), ()));
        assert_eq!(visits.counts()[4..8], [1, 0, 2, 1]);
    }
}
