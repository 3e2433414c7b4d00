//! Partial order sampling over threads: the strategy of the simulator's `pos`, with objects announced instead of guessed.
//!
//! Every pending operation has a random priority; the highest one that is enabled happens, and those that race with it are
//! drawn again. So what does not race keeps its order, and samples spread over partial orders instead of interleavings.

use std::collections::BTreeMap;

use falken_harness::random::Stream;

use super::{Enabled, Sampler};

const LABEL: u64 = 111;

/// The priorities of pending operations.
pub(super) struct Pos {
    stream: Stream,
    drawn: u64,
    priorities: BTreeMap<usize, u64>,
}

impl Default for Pos {
    fn default() -> Self {
        Self { stream: Stream::new(0, LABEL), drawn: 0, priorities: BTreeMap::new() }
    }
}

/// Whether the order of two operations can matter. Who has announced nothing is about to end, to park or to start another
/// thread: that may matter to anybody.
fn race(one: &Enabled, other: &Enabled) -> bool {
    match (one.pending, other.pending) {
        (Some(one), Some(other)) => one.object == other.object && (one.writes || other.writes),
        (None, _) | (_, None) => true,
    }
}

impl Sampler for Pos {
    fn begin(&mut self, seed: u64) {
        *self = Self { stream: Stream::new(seed, LABEL), ..Self::default() };
    }

    fn pick(&mut self, enabled: &[Enabled]) -> usize {
        for one in enabled {
            let (stream, drawn) = (self.stream, &mut self.drawn);
            self.priorities.entry(one.thread).or_insert_with(|| {
                *drawn += 1;
                stream.draw(*drawn)
            });
        }
        let ranked = enabled.iter().enumerate();
        let at = ranked.max_by_key(|(_, one)| self.priorities[&one.thread]).map_or(0, |(at, _)| at);
        for other in enabled.iter().filter(|other| race(&enabled[at], other)) {
            self.priorities.remove(&other.thread);
        }
        self.priorities.remove(&enabled[at].thread);
        at
    }
}
