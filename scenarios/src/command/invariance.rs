//! `falken run --check yield-invariance`: do statements that yield do what they do without?

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use falken_harness::invariance::{self, Compared};
use falken_harness::invariant;
use falken_harness::scenario::Scenario;
use falken_harness::strategy::Entry;
use falken_models::bug::Planted;
use falken_models::site::Site;
use serde_json::json;

use crate::cli::Run;
use crate::exit::{Exit, Failure};

/// Compares the statements of as many seeds as runs were asked for, up to the first difference.
///
/// # Errors
/// The report cannot be written.
pub fn check(
    options: &Run,
    scenario: &Scenario,
    strategy: &Entry,
    planted: Planted,
    stop: &AtomicBool,
) -> Result<Exit, Failure> {
    let (mut seeds, mut statements, mut runs, mut sites) = (0_u64, 0, 0, BTreeSet::new());
    let mut broken = None;
    for seed in (0..options.runs).map(|index| options.seed.wrapping_add(index)) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut compared: Compared = invariance::compare(scenario, seed, planted, (strategy.new)(seed));
        seeds += 1;
        statements += compared.statements;
        runs += compared.runs;
        sites.append(&mut compared.sites);
        if let Some(found) = compared.broken {
            broken = Some((seed, found));
            break;
        }
    }
    let verdict = match &broken {
        Some(_) => "violation",
        None if seeds < options.runs => "interrupted",
        None => "pass",
    };
    let sites: Vec<&str> = sites.into_iter().map(Site::name).collect();
    let mut out = String::new();
    if options.json {
        let violation = broken.as_ref().map(|(seed, (id, evidence))| {
            let facts = evidence.facts.iter().map(|fact| json!({"label": fact.label, "value": fact.value}));
            json!({"invariant": id, "summary": evidence.summary, "seed": seed, "evidence": facts.collect::<Vec<_>>()})
        });
        let value = json!({
            "scenario": scenario.name,
            "check": "yield-invariance",
            "verdict": verdict,
            "seeds": seeds,
            "statements": statements,
            "sites": sites,
            "statements_run": runs,
            "violation": violation,
        });
        let _ = writeln!(out, "{value:#}");
    } else {
        if let Some((seed, (id, evidence))) = &broken {
            let _ = writeln!(out, "{id} is broken: {}\n\n  {}", invariant::rule(id), evidence.summary);
            for fact in &evidence.facts {
                let _ = writeln!(out, "    {:16}  {}", fact.label, fact.value);
            }
            let plant = planted.0.map_or(String::new(), |bug| format!(" --plant {}", bug.id()));
            let name = options.scenario.as_deref().unwrap_or(&scenario.name);
            let again = format!("falken run {name} --check yield-invariance --seed {seed} --runs 1{plant}");
            let _ = writeln!(out, "\n  again       {again}\n");
        }
        let loud = if broken.is_some() { "VIOLATION" } else { verdict };
        let _ = writeln!(out, "{}: yield invariance: {loud}", scenario.name);
        let _ =
            writeln!(out, "  statements  {statements} from {seeds} of {} seeds, run {runs} times in all", options.runs);
        let _ = writeln!(out, "  sites       a yield was forced at each of {}", sites.len());
    }
    super::print(&out)?;
    Ok(match verdict {
        "violation" => Exit::Violation,
        "interrupted" => Exit::Unknown,
        _ => Exit::Pass,
    })
}
