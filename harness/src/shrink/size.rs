//! How large a repro is to its reader.

use std::fmt;

use falken_models::connection::Op;

use super::pass::settings;
use crate::case::Case;
use crate::choice::{Kind, OptionId};
use crate::run::RunReport;

/// What makes a repro long. A run without its settling and its proof, if it failed before them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Connections.
    pub connections: u64,
    /// Statements, in programs or begun.
    pub statements: u64,
    /// Faults that struck.
    pub faults: u64,
    /// How often another connection went on.
    pub switches: u64,
    /// Operations of the disk that ended.
    pub endings: u64,
    /// Sectors and sizes that a crash left in another version than the oldest.
    pub survivors: u64,
    /// Entries on the tape.
    pub entries: u64,
    /// Steps of connections and everything else that the run loop counts.
    pub steps: u64,
    /// Bytes of the values, and the keys.
    pub bytes: u64,
    /// Settings that are not the simplest.
    pub settings: u64,
}

impl Size {
    /// The size of a case, with what came out of it.
    pub fn of(case: &Case, report: &RunReport) -> Self {
        let entries = case.tape.entries();
        let survivors = entries.iter().filter(|entry| entry.kind == Kind::Survivor && entry.id != OptionId::Number(0));
        let begun = report.submitted.iter().filter(|submitted| submitted.op != Op::Drop).count();
        let written = case
            .scenario
            .clients
            .iter()
            .map(|clients| clients.program.len() + clients.beside_program.len())
            .sum::<usize>();
        Self {
            connections: u64::from(case.scenario.connections()),
            statements: if case.scenario.is_finite() { written } else { begun } as u64,
            faults: report.tally.faults,
            switches: report.tally.switches,
            endings: report.tally.endings,
            survivors: survivors.count() as u64,
            entries: entries.len() as u64,
            steps: report.actions,
            bytes: report.submitted.iter().map(|submitted| bytes(&submitted.op)).sum(),
            settings: settings::not_simplest(&case.scenario).len() as u64,
        }
    }

    /// What a reader counts: context switches, ends of operations, faults.
    pub fn actions(&self) -> u64 {
        self.switches + self.endings + self.faults
    }

    /// What counts most comes first. The weights say what a reader would rather have less of.
    fn rank(&self) -> [u64; 5] {
        let main = 20 * self.connections
            + 8 * self.faults
            + 6 * self.switches
            + 4 * self.statements
            + self.endings
            + self.survivors;
        [main, self.entries, self.settings, self.bytes, self.steps]
    }
}

impl PartialOrd for Size {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.rank().cmp(&other.rank()))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, statements, switches, faults, steps, .. } = self;
        let actions = self.actions();
        write!(
            f,
            "{actions} actions ({switches} switches, {faults} faults, {steps} steps), {connections} connections, {statements} statements"
        )
    }
}

fn bytes(op: &Op) -> u64 {
    let value = match op {
        Op::Put { value, .. } => value.len(),
        Op::Append { element, .. } => element.len(),
        _ => 0,
    };
    value as u64 + op.key().unsigned_abs()
}
