//! Conditions on the whole night.

use falken_reports::night::{Facts, Gate, GateOutcome, RegressionOutcome, ScenarioFacts};

use super::known::{Earlier, Replays};
use super::sums::{Clocks, Sums};

/// Runs of a scenario below which a probe that was not hit says nothing.
const PROBE_RUNS_MIN: u64 = 100;

/// Runs of a scenario below which its rate says nothing.
const RATE_RUNS_MIN: u64 = 30;

/// The part of the rate that may be lost from one night to the next: clouds and laptops vary by that much.
const RATE_LOSS_MAX: f64 = 0.25;

fn gate(name: &str, outcome: GateOutcome, what: String) -> Gate {
    Gate { name: name.into(), outcome, what }
}

/// The gates that the plan and the code decide.
pub fn of_facts(facts: &Facts, known: &Replays) -> Vec<Gate> {
    vec![probes(&facts.scenarios), canary(known), regressions(facts)]
}

/// Every probe that a scenario expects was hit, where there were enough runs.
fn probes(scenarios: &[ScenarioFacts]) -> Gate {
    let (judged, short): (Vec<_>, Vec<_>) = scenarios.iter().partition(|scenario| scenario.runs >= PROBE_RUNS_MIN);
    let missed = |scenario: &&ScenarioFacts| {
        let missed: Vec<&str> = scenario.missed_probes().collect();
        (!missed.is_empty()).then(|| format!("{}: {}", scenario.name, missed.join(" ")))
    };
    let all: Vec<String> = judged.iter().filter_map(missed).collect();
    let rest = match short.len() {
        0 => String::new(),
        1 => format!("; 1 scenario had fewer than {PROBE_RUNS_MIN} runs and is not judged"),
        n => format!("; {n} scenarios had fewer than {PROBE_RUNS_MIN} runs and are not judged"),
    };
    if judged.is_empty() {
        gate("probes", GateOutcome::NotJudged, format!("no scenario had {PROBE_RUNS_MIN} runs"))
    } else if all.is_empty() {
        gate("probes", GateOutcome::Held, format!("{} scenarios hit every probe that they expect{rest}", judged.len()))
    } else {
        gate("probes", GateOutcome::Failed, format!("not hit: {}{rest}", all.join("; ")))
    }
}

/// What must fail has failed.
fn canary(known: &Replays) -> Gate {
    match &known.canary {
        None => gate("canary", GateOutcome::NotJudged, "the catalogue has no canary".into()),
        Some(Ok(())) => gate("canary", GateOutcome::Held, "the scenario that must fail has failed".into()),
        Some(Err(why)) => gate("canary", GateOutcome::Failed, why.clone()),
    }
}

/// Every file of the corpus shows what it is for.
fn regressions(facts: &Facts) -> Gate {
    let is_bad = |outcome| match outcome {
        RegressionOutcome::Kept | RegressionOutcome::Fixed => false,
        RegressionOutcome::Failing | RegressionOutcome::Stale | RegressionOutcome::Unreadable => true,
    };
    let bad = facts.regressions.iter().filter(|regression| is_bad(regression.outcome));
    let bad: Vec<String> = bad.map(|regression| format!("{}: {}", regression.file, regression.what)).collect();
    if facts.regressions.is_empty() {
        gate("regressions", GateOutcome::NotJudged, "there is no corpus of regressions".into())
    } else if bad.is_empty() {
        let what = match facts.regressions.len() {
            1 => "the only known repro was replayed".into(),
            count => format!("{count} known repros were replayed"),
        };
        gate("regressions", GateOutcome::Held, what)
    } else {
        gate("regressions", GateOutcome::Failed, bad.join("; "))
    }
}

/// The runs were not much slower than those of the last night on the same machine.
///
/// Compared is what this night's actions would have taken at the last night's rate of each scenario: another mix of
/// scenarios is not another rate.
pub fn rate(sums: &Sums, clocks: &Clocks, host: &str, earlier: Option<&Earlier>) -> Gate {
    let not_judged = |what: &str| gate("rate", GateOutcome::NotJudged, what.into());
    let Some(earlier) = earlier else { return not_judged("there is no earlier night to compare with") };
    if earlier.host != host {
        return not_judged("the earlier night was made by another machine");
    }
    let (mut expected, mut took) = (0.0, 0.0);
    for (name, runs, actions) in &earlier.actions {
        let seconds = earlier.scenarios.iter().find(|timing| timing.name == *name).map_or(0.0, |timing| timing.seconds);
        let (Some(sum), Some((now, _))) = (sums.scenarios.get(name), clocks.scenarios.get(name)) else { continue };
        if *runs.min(&sum.runs) >= RATE_RUNS_MIN && *actions > 0 {
            expected += sum.counts.actions as f64 * seconds / *actions as f64;
            took += now;
        }
    }
    if took <= 0.0 {
        return not_judged("no scenario had enough runs on both nights");
    }
    let share = expected / took;
    let outcome = if share < 1.0 - RATE_LOSS_MAX { GateOutcome::Failed } else { GateOutcome::Held };
    let limit = (1.0 - RATE_LOSS_MAX) * 100.0;
    gate(
        "rate",
        outcome,
        format!(
            "{:.0} % of the actions per second of {} (at least {limit:.0} %)",
            share * 100.0,
            earlier.baseline.from
        ),
    )
}

#[cfg(test)]
mod tests {
    use falken_reports::night::{Baseline, Probe, Regression, ScenarioTiming};

    use super::super::sums::Sum;
    use super::*;

    fn earlier(host: &str) -> Earlier {
        Earlier {
            baseline: Baseline { from: "before".into(), ..Baseline::default() },
            host: host.into(),
            scenarios: vec![ScenarioTiming { name: "a".into(), seconds: 10.0, slowest: 1.0 }],
            actions: vec![("a".into(), 100, 1_000)],
        }
    }

    #[test]
    fn a_rate_that_falls_by_a_third_fails_the_gate_and_noise_does_not() {
        let mut sums = Sums::default();
        let mut sum = Sum { runs: 200, ..Sum::default() };
        sum.counts.actions = 2_000;
        sums.scenarios.insert("a".into(), sum);
        let outcome = |seconds: f64, earlier: Option<Earlier>| {
            let mut clocks = Clocks::default();
            clocks.scenarios.insert("a".into(), (seconds, 1.0));
            rate(&sums, &clocks, "here", earlier.as_ref()).outcome
        };
        assert_eq!(outcome(20.0, Some(earlier("here"))), GateOutcome::Held);
        assert_eq!(outcome(24.0, Some(earlier("here"))), GateOutcome::Held);
        assert_eq!(outcome(31.0, Some(earlier("here"))), GateOutcome::Failed);
        assert_eq!(outcome(31.0, Some(earlier("there"))), GateOutcome::NotJudged);
        assert_eq!(outcome(31.0, None), GateOutcome::NotJudged);
    }

    #[test]
    fn a_probe_that_was_not_hit_counts_only_where_there_were_enough_runs() {
        let scenario = |runs, hits| {
            let probes = vec![Probe { name: "commit".into(), hits, expected: true }];
            vec![ScenarioFacts { name: "a".into(), runs, probes, ..ScenarioFacts::default() }]
        };
        assert_eq!(probes(&scenario(100, 0)).outcome, GateOutcome::Failed);
        assert_eq!(probes(&scenario(100, 1)).outcome, GateOutcome::Held);
        assert_eq!(probes(&scenario(99, 0)).outcome, GateOutcome::NotJudged);
    }

    #[test]
    fn a_canary_that_passes_and_a_repro_that_shows_nothing_fail_their_gates() {
        let canary_says =
            |canary: Option<Result<(), String>>| super::canary(&Replays { canary, ..Replays::default() }).outcome;
        assert_eq!(canary_says(None), GateOutcome::NotJudged);
        assert_eq!(canary_says(Some(Ok(()))), GateOutcome::Held);
        assert_eq!(canary_says(Some(Err("passed".into()))), GateOutcome::Failed);
        let with =
            |outcome| Facts { regressions: vec![Regression { outcome, ..Regression::default() }], ..Facts::default() };
        assert_eq!(regressions(&with(RegressionOutcome::Stale)).outcome, GateOutcome::Failed);
        assert_eq!(regressions(&with(RegressionOutcome::Kept)).outcome, GateOutcome::Held);
        assert_eq!(regressions(&Facts::default()).outcome, GateOutcome::NotJudged);
    }
}
