//! Passes: each takes one kind of thing away. A pass is one file and one line in [`TABLE`].
//!
//! A pass numbers its candidates. After a candidate was accepted the same number is asked for again, for the case is
//! another one; after the last one it gives `None`. It must not matter to a pass what others have done.

mod arguments;
mod connections;
mod numbers;
mod orders;
pub mod settings;
mod statements;

use super::Failing;
use crate::case::Case;

/// One pass.
pub struct Pass {
    /// Its name.
    pub name: &'static str,
    /// What it takes away.
    pub about: &'static str,
    /// The candidate of this number, made from the best case so far.
    pub candidate: fn(&Failing, usize) -> Option<Case>,
}

/// Every pass, what saves most first.
pub const TABLE: &[Pass] = &[
    Pass { name: "connections", about: "a whole connection", candidate: connections::candidate },
    Pass { name: "statements", about: "statements, many at once first", candidate: statements::candidate },
    Pass { name: "orders", about: "orders, faults, and switches between connections", candidate: orders::candidate },
    Pass { name: "settings", about: "settings of the scenario, back to the simplest", candidate: settings::candidate },
    Pass { name: "numbers", about: "survivors and other numbers on the tape", candidate: numbers::candidate },
    Pass { name: "arguments", about: "keys, values and modes of statements", candidate: arguments::candidate },
];

/// The pieces of a list of this length, as positions: halves, quarters and so on down to single elements.
fn chunks(len: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let sizes = std::iter::successors(Some(len.div_ceil(2)), |size| (*size > 1).then(|| size.div_ceil(2)));
    // The last pieces first: what came long before the failure is often needed to get there.
    sizes.filter(|size| *size > 0).flat_map(move |size| (0..len).step_by(size).map(move |at| at..(at + size).min(len)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_get_smaller_and_cover_everything_each_time() {
        assert_eq!(chunks(5).collect::<Vec<_>>(), [0..3, 3..5, 0..2, 2..4, 4..5, 0..1, 1..2, 2..3, 3..4, 4..5]);
        assert_eq!(chunks(0).count(), 0);
        assert!(chunks(1).eq(std::iter::once(0..1)));
    }
}
