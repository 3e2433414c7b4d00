//! Damage that no protocol survives: what it explains, and what became of runs in which it happened.
//!
//! Bit rot, lost and misdirected writes change bytes behind the engine's back; from then on any invariant that compares
//! contents may break, and breaking it is how the damage is noticed. Everything that is not about contents is owed as
//! ever: locks are balanced, callbacks run once, nothing panics or hangs, and a recovery finds what another one finds
//! (DUR-3). What an fsync did not cover is explained commit by commit and page by page: see the ledger's doubts.

use std::collections::BTreeMap;

use super::{Class, Fault};
use crate::run::RunReport;

/// Invariants that compare contents.
const ABOUT_CONTENTS: &[&str] =
    &["PG-1", "PG-5", "TX-3", "TX-6", "RE-1", "WAL-2", "WAL-3", "WAL-6", "CK-2", "CK-4", "DUR-1", "DUR-2", "ORACLE"];

impl Fault {
    /// Whether such damage, once done, explains that an invariant does not hold.
    pub fn explains(self, invariant: &str) -> bool {
        let changes_contents = matches!(self, Self::BitRot | Self::LostWrite | Self::MisdirectedWrite);
        changes_contents && ABOUT_CONTENTS.contains(&invariant)
    }
}

/// What became of the damaged runs of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Runs in which a detect-only fault happened, by the first of them.
    pub runs: BTreeMap<Fault, u64>,
    /// How many runs ended because damage was noticed, by the fault that explains it and the invariant that noticed.
    pub detected: BTreeMap<(Fault, &'static str), u64>,
}

impl Damage {
    /// What became of one run.
    pub fn of(report: &RunReport) -> Self {
        let mut damage = Self::default();
        damage.note(report);
        damage
    }

    /// Counts a run.
    pub fn note(&mut self, report: &RunReport) {
        if let Some(fault) = report.damage {
            *self.runs.entry(fault).or_default() += 1;
        }
        if let Some(by) = report.verdict.detected() {
            *self.detected.entry(by).or_default() += 1;
        }
    }

    /// How many damaged runs ended without anybody noticing.
    pub fn undetected(&self) -> u64 {
        let noticed = self.detected.iter().filter(|((fault, _), _)| fault.entry().class == Class::DetectOnly);
        let noticed: u64 = noticed.map(|(_, runs)| runs).sum();
        self.runs.values().sum::<u64>().saturating_sub(noticed)
    }
}
