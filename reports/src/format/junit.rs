//! JUnit XML: a suite per scenario with a case per property, and one suite for what concerns the whole night.
//!
//! A group of violations is one failure, however many scenarios it shows up in: it fails the case of the scenario that it was
//! first seen in, and the same property of the others counts as skipped there, with a message that says where to look.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Report, ReportFormat};
use crate::Night;
use crate::night::{
    Gate, GateOutcome, Group, KillMatrix, KillStatus, Kind, Regression, RegressionOutcome, ScenarioFacts, SearchEnd,
    Standing, Work,
};
use crate::words;

/// The format.
pub struct Junit;

/// The suite of what belongs to no scenario.
const NIGHT: &str = "night";

impl ReportFormat for Junit {
    fn write(&self, report: &Report) -> String {
        let night = &report.night;
        let mut out = quick_junit::Report::new(format!("falken {}", night.plan.command).trim_end());
        out.set_time(duration(night.timing.seconds));
        night.facts.scenarios.iter().for_each(|scenario| _ = out.add_test_suite(suite(night, scenario)));
        match night.work() {
            Work::Runs => _ = out.add_test_suite(whole_night(night)),
            Work::Search(_) | Work::Racing(_) => {}
            Work::Kills(kills) => _ = out.add_test_suite(planted_bugs(kills)),
        }
        out.to_string().expect("a report has an XML form")
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// The suite in which a group fails: that of its first run, or of the first scenario that shows it.
fn home<'a>(night: &'a Night, group: &'a Group) -> &'a str {
    let seen = group.first.iter().map(|first| first.scenario.as_str());
    let shown = group.scenarios.iter().map(|(scenario, _)| scenario.as_str());
    let mut candidates = seen.chain(shown);
    candidates.find(|name| night.facts.scenarios.iter().any(|scenario| scenario.name == *name)).unwrap_or(NIGHT)
}

fn failing(night: &Night) -> impl Iterator<Item = &Group> {
    night.facts.groups.iter().filter(|group| group.standing == Standing::Failing)
}

fn suite(night: &Night, scenario: &ScenarioFacts) -> TestSuite {
    let mut suite = TestSuite::new(&*scenario.name);
    if let Some(timing) = night.timing.scenarios.iter().find(|timing| timing.name == scenario.name) {
        suite.set_time(duration(timing.seconds));
    }
    match night.work() {
        Work::Runs => {
            for (property, value) in
                [("runs", scenario.runs), ("failed", scenario.failed), ("actions", scenario.actions)]
            {
                suite.add_property((property, value.to_string().as_str()));
            }
        }
        Work::Search(_) | Work::Racing(_) | Work::Kills(_) => {
            for (label, value) in words::figures(night) {
                suite.add_property((label, value.as_str()));
            }
            for gap in words::not_proved(night) {
                suite.add_property(("not proved", gap.as_str()));
            }
        }
    }
    let is_here = |group: &&Group| {
        home(night, group) == scenario.name || group.scenarios.iter().any(|(name, _)| *name == scenario.name)
    };
    let groups: Vec<&Group> = failing(night).filter(is_here).collect();
    for (invariant, evaluated) in night.facts.invariants.iter().zip(&scenario.evaluated) {
        let name = format!("{} {}", invariant.id, invariant.name);
        let broken: Vec<&Group> = groups.iter().copied().filter(|group| group.invariant == invariant.id).collect();
        broken
            .iter()
            .for_each(|group| _ = suite.add_test_case(group_case(night, scenario, &name, group, broken.len())));
        if broken.is_empty() {
            let mut status = if *evaluated > 0 { TestCaseStatus::success() } else { TestCaseStatus::skipped() };
            if *evaluated == 0 {
                status.set_message("not evaluated in these runs");
            }
            let mut case = case(&name, &scenario.name, status);
            case.set_assertions(usize::try_from(*evaluated).unwrap_or(usize::MAX));
            suite.add_test_case(case);
        }
    }
    // Runs that hung or died, and what an oracle says, are no invariants of the table.
    let of = if night.facts.invariants.is_empty() { 1 } else { 2 };
    let others = groups.iter().filter(|group| night.facts.invariants.iter().all(|known| known.id != group.invariant));
    others.for_each(|group| _ = suite.add_test_case(group_case(night, scenario, &group.invariant, group, of)));
    suite.add_test_cases(covered(night, scenario));
    if scenario.probes.iter().any(|probe| probe.expected) {
        suite.add_test_case(probes(scenario));
    }
    suite
}

fn case(name: &str, suite: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(suite);
    case
}

/// The case of a property that a group breaks; `of` groups break it, and then each needs a name of its own.
fn group_case(night: &Night, scenario: &ScenarioFacts, property: &str, group: &Group, of: usize) -> TestCase {
    let name = if of > 1 { format!("{property} ({})", group.id) } else { property.into() };
    let home = home(night, group);
    if home == scenario.name {
        return case(&name, home, failure(group));
    }
    let mut status = TestCaseStatus::skipped();
    status.set_message(format!("fails here too, in group {}: see {home}", group.id));
    case(&name, &scenario.name, status)
}

fn failure(group: &Group) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(match group.kind {
        Kind::Violation | Kind::Liveness => NonSuccessKind::Failure,
        Kind::Hung | Kind::Memory | Kind::Died => NonSuccessKind::Error,
    });
    status.set_type(&*group.invariant).set_message(&*group.summary).set_description(words::group(group));
    status
}

/// The case that says how far a search or an exploration came. One that ended at a failure is no pass of everything else.
fn covered(night: &Night, scenario: &ScenarioFacts) -> Option<TestCase> {
    let (name, is_complete, reach) = match night.work() {
        Work::Runs | Work::Kills(_) => return None,
        Work::Search(search) => ("every schedule".into(), search.end == SearchEnd::Finished, search.reach()),
        Work::Racing(racing) => {
            (format!("executions under {}", racing.engine), !racing.failed && !night.interrupted, racing.reach())
        }
    };
    let mut status = if is_complete { TestCaseStatus::success() } else { TestCaseStatus::skipped() };
    status.set_message(reach);
    Some(case(&name, &scenario.name, status))
}

/// A suite with a case per planted bug.
fn planted_bugs(kills: &KillMatrix) -> TestSuite {
    const NAME: &str = "planted bugs";
    let mut suite = TestSuite::new(NAME);
    for row in &kills.rows {
        let mut status = match row.status {
            KillStatus::Caught => TestCaseStatus::success(),
            KillStatus::Survived => TestCaseStatus::non_success(NonSuccessKind::Failure),
            KillStatus::Missed | KillStatus::Equivalent | KillStatus::NotTried => TestCaseStatus::skipped(),
        };
        match row.status {
            KillStatus::Caught => {}
            KillStatus::Survived | KillStatus::Missed => {
                status.set_message(format!("nothing has caught it: {} trials of {} runs", kills.trials, kills.cap));
            }
            KillStatus::Equivalent => _ = status.set_message("does nothing wrong in this mode"),
            KillStatus::NotTried => _ = status.set_message("nobody has looked"),
        }
        suite.add_test_case(case(&row.name(), NAME, status));
    }
    suite
}

/// Whether the probes that the scenario expects were hit. Whether that is a failure is for a gate to say.
fn probes(scenario: &ScenarioFacts) -> TestCase {
    let missed: Vec<&str> = scenario.missed_probes().collect();
    let mut status = if missed.is_empty() { TestCaseStatus::success() } else { TestCaseStatus::skipped() };
    if !missed.is_empty() {
        status.set_message(format!("not hit: {}", missed.join(" ")));
    }
    case("expected probes", &scenario.name, status)
}

fn whole_night(night: &Night) -> TestSuite {
    let mut suite = TestSuite::new(NIGHT);
    let homeless = failing(night).filter(|group| home(night, group) == NIGHT);
    homeless.for_each(|group| _ = suite.add_test_case(case(&group.id, NIGHT, failure(group))));
    let determinism = &night.facts.determinism;
    let mut status = match (determinism.twice, determinism.differences.len()) {
        (0, _) => TestCaseStatus::skipped(),
        (_, 0) => TestCaseStatus::success(),
        (_, _) => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    if let Some(first) = determinism.differences.first() {
        let (twice, differ) = (determinism.twice, determinism.differences.len());
        status.set_message(format!("{differ} of {twice} runs were not the same again"));
        status.set_description(format!("{} seed {}: {}\n\n{}", first.scenario, first.seed, first.what, first.replay));
    }
    suite.add_test_case(case("determinism", NIGHT, status));
    night.facts.regressions.iter().for_each(|regression| _ = suite.add_test_case(regression_case(regression)));
    night.gates().for_each(|gate| _ = suite.add_test_case(gate_case(gate)));
    suite
}

fn gate_case(gate: &Gate) -> TestCase {
    let mut status = match gate.outcome {
        GateOutcome::Held => TestCaseStatus::success(),
        GateOutcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        GateOutcome::NotJudged => TestCaseStatus::skipped(),
    };
    if gate.outcome != GateOutcome::Held {
        status.set_message(&*gate.what);
    }
    case(&format!("gate {}", gate.name), NIGHT, status)
}

fn regression_case(regression: &Regression) -> TestCase {
    let mut status = match regression.outcome {
        RegressionOutcome::Kept | RegressionOutcome::Fixed => TestCaseStatus::success(),
        RegressionOutcome::Failing => TestCaseStatus::non_success(NonSuccessKind::Failure),
        RegressionOutcome::Stale | RegressionOutcome::Unreadable => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    match regression.outcome {
        RegressionOutcome::Kept | RegressionOutcome::Fixed => {}
        RegressionOutcome::Failing | RegressionOutcome::Stale | RegressionOutcome::Unreadable => {
            status.set_type(&*regression.invariant).set_message(&*regression.what);
        }
    }
    case(&format!("regression {}", regression.file), NIGHT, status)
}
