//! Uniform random walk over threads: a thread is picked with the number of steps that it still has ahead as its weight, which
//! makes all interleavings about equally likely.
//!
//! The numbers are those of the execution before: they change with the schedule, and an estimate that is never renewed can be
//! wrong by orders of magnitude.

use std::collections::BTreeMap;

use falken_harness::random::Stream;

use super::{Enabled, Sampler};

const LABEL: u64 = 121;

/// How many steps each thread has taken, in this execution and in the one before.
pub(super) struct Urw {
    stream: Stream,
    drawn: u64,
    before: BTreeMap<usize, u64>,
    now: BTreeMap<usize, u64>,
}

impl Default for Urw {
    fn default() -> Self {
        Self { stream: Stream::new(0, LABEL), drawn: 0, before: BTreeMap::new(), now: BTreeMap::new() }
    }
}

impl Sampler for Urw {
    fn begin(&mut self, seed: u64) {
        (self.stream, self.drawn) = (Stream::new(seed, LABEL), 0);
        self.before = std::mem::take(&mut self.now);
    }

    fn pick(&mut self, enabled: &[Enabled]) -> usize {
        let ahead = |one: &Enabled| {
            let of = |steps: &BTreeMap<usize, u64>| steps.get(&one.thread).copied().unwrap_or(0);
            of(&self.before).saturating_sub(of(&self.now)).max(1)
        };
        self.drawn += 1;
        let mut left = self.stream.below(self.drawn, enabled.iter().map(ahead).sum());
        let mut picked = 0;
        for (at, one) in enabled.iter().enumerate() {
            match left.checked_sub(ahead(one)) {
                None => {
                    picked = at;
                    break;
                }
                Some(rest) => left = rest,
            }
        }
        *self.now.entry(enabled[picked].thread).or_default() += 1;
        picked
    }
}
