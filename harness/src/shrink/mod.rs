//! Shrinking: from a failure somewhere in ten thousand actions to a page that a person reads.
//!
//! First the run is told again as *orders* over *programs* (`record.rs`, `rebuild.rs`): what each connection did, and where
//! it gave way to another. Then the passes of [`pass::TABLE`] take things away: connections, statements, orders, faults,
//! survivors, settings, sizes. A candidate counts if it fails for the same [`cause`] and is smaller ([`Size`]); since sizes
//! only fall, this ends, and since it ends only when no pass finds anything, the result is a fixed point: shrinking it
//! again changes nothing.
//!
//! What this does not promise: the smallest repro of all. Two things that must go together go only if some pass takes both.
//! [`certify()`] searches the schedules of what is left.

mod arguments;
mod certify;
mod explain;
pub mod pass;
mod rebuild;
mod record;
mod size;
mod slice;

use falken_models::event::StatementKind;
use strum::VariantArray;

use crate::case::Case;
use crate::choice::{OptionId, Tape, Until};
use crate::run::RunReport;
use crate::verdict::Violation;
pub use certify::{Certificate, Certified, certify};
pub use explain::{Explanation, Freedom, Race, explain};
pub use size::Size;
pub use slice::{Slice, slice};

/// A case that fails, and how.
#[derive(Clone, Debug)]
pub struct Failing {
    /// What was run.
    pub case: Case,
    /// What came out.
    pub report: RunReport,
    /// How large it is.
    pub size: Size,
}

impl Failing {
    /// Runs a case; `None` if it does not fail.
    pub fn of(case: Case) -> Option<Self> {
        let report = case.run();
        report.verdict.violation()?;
        let size = Size::of(&case, &report);
        Some(Self { case, report, size })
    }
}

/// How far shrinking has come, for whoever watches.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Runs made.
    pub replays: u64,
    /// Their actions. A candidate that does not fail goes on to its end, however small the failure is.
    pub actions: u64,
    /// The size before.
    pub before: &'a Size,
    /// The size now.
    pub now: &'a Size,
}

/// What shrinking led to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest case found, or the first one if its failure does not come again.
    pub smallest: Failing,
    /// The size of the first one.
    pub before: Size,
    /// Runs made.
    pub replays: u64,
    /// Whether it ended because no pass found anything more, and not because the watcher had enough.
    pub is_fixed_point: bool,
}

/// Shrinks a case that fails. `watch` is told how far it has come before every run, and ends it by returning `false`.
///
/// Returns `None` if the case does not fail.
pub fn shrink(case: Case, watch: &mut dyn FnMut(&Progress<'_>) -> bool) -> Option<Shrunk> {
    let best = Failing::of(case)?;
    let cause = cause(best.report.verdict.violation()?);
    let before = best.size;
    let mut shrinker = Shrinker { cause, actions: best.report.actions, best, before, replays: 1, watch };
    shrinker.tell_as_orders();
    let is_fixed_point = shrinker.take_away();
    shrinker.name_ends();
    let Shrinker { best, before, replays, .. } = shrinker;
    Some(Shrunk { smallest: best, before, replays, is_fixed_point })
}

/// Why a run failed, with everything left out that a smaller case may change: the invariant and the kind of evidence, and
/// for a run that stands still, where the first one waits.
pub fn cause(violation: &Violation) -> String {
    let mut text = format!("{} ", violation.invariant);
    let mut in_number = false;
    for c in violation.evidence.summary.chars() {
        if !c.is_ascii_digit() {
            text.push(c);
        } else if !in_number {
            text.push('#');
        }
        in_number = c.is_ascii_digit();
    }
    let waits = violation.evidence.facts.iter().filter(|fact| fact.label == "waiting");
    // `c1 put at wal.append.frames, for …`: the place, without who it is and what exactly it waits for.
    let places = waits.filter_map(|fact| fact.value.split_once(' ')?.1.split(',').next());
    if let Some(first) = places.min() {
        text.push_str(first);
    }
    text
}

/// A [`cause`] without the kind of statement in which it showed, on which of a connection's statements, and after which
/// commit: one bug shows in many.
pub fn symptom(cause: &str) -> String {
    let is_kind = |word: &str| StatementKind::VARIANTS.iter().any(|kind| kind.name() == word);
    let word = |word: &str| {
        // It may stand in parentheses or before a comma.
        let bare = word.trim_matches(|c: char| c.is_ascii_punctuation());
        if is_kind(bare) { word.replace(bare, "statement") } else { word.replace("c#/#", "c#") }
    };
    cause.replace("in commit # ", "").split(' ').map(word).collect::<Vec<String>>().join(" ")
}

/// Stopped by the watcher.
struct Enough;

struct Shrinker<'a> {
    cause: String,
    best: Failing,
    before: Size,
    replays: u64,
    actions: u64,
    watch: &'a mut dyn FnMut(&Progress<'_>) -> bool,
}

impl Shrinker<'_> {
    /// Orders over programs instead of a recording of every choice. A case that has been told so already is left alone.
    fn tell_as_orders(&mut self) {
        let is_told = self.best.case.scenario.is_finite()
            && self.best.case.tape.entries().iter().all(|entry| !record::belongs_to_a_recording(entry));
        if is_told {
            return;
        }
        let (orders, report) = record::as_orders(&self.best.case);
        let told = rebuild::with_statements(&self.best.case, &report.submitted, Tape::new(orders));
        if let Ok(Some(failing)) = self.run(told) {
            self.best = failing;
        }
    }

    /// Runs a candidate; gives it back, without what turned out to be of no use to it, if it fails for the same cause.
    fn run(&mut self, mut case: Case) -> Result<Option<Failing>, Enough> {
        if case.scenario.validate().is_err() {
            return Ok(None);
        }
        if !self.goes_on() {
            return Err(Enough);
        }
        let report = self.replay(&case);
        if report.verdict.violation().map(cause).as_deref() != Some(&*self.cause) {
            return Ok(None);
        }
        if let Some(without) = rebuild::without_unused(&case, &report) {
            // What is of no use can still stand in the way of something that is.
            let again = self.replay(&without);
            if again.hash == report.hash {
                case = without;
            }
        }
        let size = Size::of(&case, &report);
        Ok(Some(Failing { case, report, size }))
    }

    /// Whether whoever watches wants more.
    fn goes_on(&mut self) -> bool {
        let Self { best, before, replays, actions, watch, .. } = self;
        watch(&Progress { replays: *replays, actions: *actions, before, now: &best.size })
    }

    fn replay(&mut self, case: &Case) -> RunReport {
        self.replays += 1;
        let report = case.run();
        self.actions += report.actions;
        report
    }

    /// Whoever is ordered to a place to which its statement does not come goes on to the end of that statement: then the
    /// order says so. Who fails is left alone: the failure may come before the place.
    fn name_ends(&mut self) {
        let (steps, failing) = explain::steps_of(&self.best.case);
        let mut entries = self.best.case.tape.entries().to_vec();
        for at in (0..entries.len()).rev() {
            let OptionId::Run { id, until: Some(until @ Until { site: Some(_), .. }) } = entries[at].id else {
                continue;
            };
            let begun = self.best.report.submitted.iter().filter(|one| one.id == id).count() as u32;
            let is_last = at + 1 == entries.len() && failing == Some(id);
            if begun == 0 || is_last || steps.contains(&(id, until)) {
                continue;
            }
            if !self.goes_on() {
                return;
            }
            let end = Until { statement: until.statement.min(begun), site: None, nth: 1 };
            let order = std::mem::replace(&mut entries[at].id, OptionId::Run { id, until: Some(end) });
            let case = Case { tape: Tape::new(entries.clone()), ..self.best.case.clone() };
            if self.replay(&case).hash == self.best.report.hash {
                self.best.case = case;
            } else {
                entries[at].id = order;
            }
        }
    }

    /// Returns whether it came to an end by itself.
    fn take_away(&mut self) -> bool {
        loop {
            let mut changed = false;
            for pass in pass::TABLE {
                match self.exhaust(pass) {
                    Ok(found) => changed |= found,
                    Err(Enough) => return false,
                }
            }
            if !changed {
                return true;
            }
        }
    }

    /// Tries the candidates of one pass, each against the best so far.
    fn exhaust(&mut self, pass: &pass::Pass) -> Result<bool, Enough> {
        let (mut found, mut index) = (false, 0);
        while let Some(candidate) = (pass.candidate)(&self.best, index) {
            match self.run(candidate)? {
                Some(smaller) if smaller.size < self.best.size => {
                    self.best = smaller;
                    found = true;
                }
                _ => index += 1,
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::symptom;

    #[test]
    fn a_symptom_does_not_depend_on_the_statement_in_which_it_showed() {
        let scan = symptom("RE-1 c# read pages of its snapshot, but scan gives a wrong result");
        assert_eq!(scan, symptom("RE-1 c#/# read pages of its snapshot, but get gives a wrong result"));
        assert_ne!(scan, symptom("RE-1 c# read pages of its snapshot, but scan gives no result"));
        assert_eq!(symptom("TX-7 c# (begin) was told, too"), symptom("TX-7 c# (scan) was told, too"));
        assert_eq!(symptom("PG-5 in commit # page # is free"), symptom("PG-5 page # is free"));
    }
}
