//! The anomalies found so far: only those that refute the model, and only the first few of each kind in full.

use super::anomaly::{Anomaly, Kind};
use super::model::Model;

/// How many anomalies of one kind are kept with their evidence; a broken run has thousands that say the same.
pub const EVIDENCE_MAX: usize = 8;

/// A collection of anomalies.
pub(super) struct Findings {
    model: Model,
    kept: Vec<Anomaly>,
    /// How many there were of each kind that occurred.
    counts: Vec<(Kind, u64)>,
}

impl Findings {
    pub(super) fn new(model: Model) -> Self {
        Findings { model, kept: Vec::new(), counts: Vec::new() }
    }

    /// Takes an anomaly, if it is one for the model. The evidence is made only if it is kept.
    pub(super) fn push(&mut self, kind: Kind, anomaly: impl FnOnce() -> Anomaly) {
        if !self.model.refuted_by(kind) {
            return;
        }
        let place = self.counts.iter().position(|(k, _)| *k == kind).unwrap_or_else(|| {
            self.counts.push((kind, 0));
            self.counts.len() - 1
        });
        self.counts[place].1 += 1;
        if self.counts[place].1 <= EVIDENCE_MAX as u64 {
            self.kept.push(anomaly());
        }
    }

    /// The anomalies, the worst kind first, and how many more there were than are kept.
    pub(super) fn finish(mut self) -> (Vec<Anomaly>, u64) {
        let all: u64 = self.counts.iter().map(|(_, n)| n).sum();
        self.kept.sort_by_key(|a| a.kind);
        let kept = self.kept.len() as u64;
        (self.kept, all - kept)
    }
}
