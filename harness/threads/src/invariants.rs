//! Which invariant a failing execution has broken.

use falken_harness::invariant;

/// Invariants that only threads can break: nobody but another thread can look between two steps of a delivery.
const OF_THREADS: &[(&str, &str)] = &[
    ("IO-2", "whoever sees the end of an operation sees everything that its callback did"),
    ("IO-7", "a callback runs while its thread holds no lock that another callback may take"),
];

/// What loom and shuttle say in words of their own.
const OWN_WORDS: &[(&str, &str)] = &[
    ("eadlock", "LIVE-2"),
    ("maximum number of branches", "LIVE-1"),
    ("max_steps", "LIVE-1"),
    ("exceeded", "LIVE-1"),
    ("leaked", "IO-1"),
];

fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
    let online = invariant::TABLE.iter().map(|entry| (entry.id, entry.rule));
    let judged = invariant::JUDGED_BY_THE_LOOP.iter().map(|(id, _, rule)| (*id, *rule));
    online.chain(judged).chain(OF_THREADS.iter().copied())
}

/// The invariant that a panic's message tells of. A panic that names none is one like any other in an engine.
pub fn invariant_of(text: &str) -> &'static str {
    let named = text.split_once(':').map(|(id, _)| id);
    let named = known().map(|(id, _)| id).find(|id| Some(*id) == named);
    let meant = || OWN_WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, id)| *id);
    named.or_else(meant).unwrap_or("LIVE-3")
}

/// The rule of an invariant in words.
pub fn rule(id: &str) -> &'static str {
    known().find(|(known, _)| *known == id).map_or("unknown invariant", |(_, rule)| rule)
}

/// Whether two messages tell of the same failure: one invariant, and behind its id the same words up to the first figure.
pub(crate) fn same_cause(one: &str, other: &str) -> bool {
    fn words(text: &str) -> Option<&str> {
        let (_, behind) = text.split_once(':').unwrap_or(("", text));
        behind.split(|c: char| c.is_ascii_digit()).next()
    }
    invariant_of(one) == invariant_of(other) && words(one) == words(other)
}

#[cfg(test)]
mod tests {
    use super::same_cause;

    #[test]
    fn a_shorter_schedule_must_fail_for_the_same_reason() {
        assert!(same_cause("TX-5: an append to row 1 was lost", "TX-5: an append to row 2 was lost"));
        assert!(!same_cause("IO-2: finished too early", "IO-3: a member's end was lost"));
        assert!(!same_cause("IO-1: a callback was kept", "IO-1: the callback runs exactly once"));
    }
}
