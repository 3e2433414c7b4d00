//! Which runs a night consists of, in which order: a function of the plan alone, so that every machine knows the same list.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use falken_harness::random::Stream;
use falken_harness::scenario::Scenario;
use falken_harness::strategy::portfolio::MEMBERS;
use falken_harness::subject::Engine;
use falken_models::digest::{digest, mix};
use falken_reports::night::Hex;
use serde::{Deserialize, Serialize};

use crate::catalog;
use crate::exit::{Failure, suggest};
use crate::subject::choose;

/// How the runs are shared out, unless the user has another file.
const SHARES: &str = include_str!("../../nightly/plan.toml");

/// One of how many runs is made twice.
const TWICE_ONE_IN: u64 = 20;

const SEEDS: u64 = 700;
const TWICE: u64 = 701;
const PLANTS: u64 = 702;

/// Everything that decides the list of runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// From which every seed is made.
    pub seed: Hex,
    /// The text that the seed was made from, if it was.
    pub seed_from: Option<String>,
    /// Runs on all machines together; `None` if the night ends by the clock.
    pub runs: Option<u64>,
    /// Seconds, if the night ends by the clock.
    pub seconds: Option<u64>,
    /// Ids of the bugs; each run has one of them.
    pub planted: Vec<String>,
    /// The engine, if it is not the one that each scenario names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Engine>,
    /// The scenarios of the catalogue that the engine cannot run, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// The scenarios with their shares, in the order of the catalogue.
    pub scenarios: Vec<Share>,
    /// Actions per run after which clients start nothing new, instead of the scenarios'.
    pub steps: Option<u64>,
}

/// One scenario's share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its name, or the path of its file.
    pub name: String,
    /// Its runs, relative to the others'.
    pub weight: u64,
    /// Runs after which it leaves the night.
    pub runs_max: Option<u64>,
}

/// One run: with the scenario's text, all that decides it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Its number in the plan.
    pub run: u64,
    /// Its scenario.
    pub scenario: String,
    /// Its strategy.
    pub strategy: String,
    /// Its seed.
    pub seed: Hex,
    /// Its planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted: Option<String>,
    /// Whether it is made twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub twice: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    default: Weight,
    #[serde(default)]
    scenario: BTreeMap<String, Weight>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Weight {
    weight: u64,
    runs_max: Option<u64>,
}

/// A scenario as a night runs it, and for no longer than this. One with a bug in it, as the canary, stays on the models.
///
/// # Errors
/// There is none of this name, or its engine cannot run it.
pub fn scenario(name: &str, subject: Option<Engine>, steps: Option<u64>) -> Result<Scenario, Failure> {
    let mut scenario = catalog::find(name)?;
    let subject = subject.filter(|_| scenario.plant.is_none());
    choose(&mut scenario, subject)?;
    if let Some(steps) = steps {
        scenario.bounds.steps = steps;
    }
    scenario.validate().map_err(|error| Failure::Input(error.to_string()))?;
    Ok(scenario)
}

/// The seed that a text stands for: the same on every machine.
pub fn seed_from(text: &str) -> u64 {
    mix(0, digest(text.as_bytes()))
}

/// The shares of these scenarios, or of the whole catalogue, by the user's file or the built-in one.
///
/// # Errors
/// The file cannot be read, or names what is not there.
pub fn shares(wanted: &[String], file: Option<&std::path::Path>) -> Result<Vec<Share>, Failure> {
    let (name, text) = match file {
        None => ("nightly/plan.toml".into(), SHARES.to_owned()),
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| Failure::Input(format!("cannot read plan {name}: {error}")))?;
            (name, text)
        }
    };
    let file: File = toml::from_str(&text).map_err(|error| Failure::Input(format!("in plan {name}: {error}")))?;
    let known = || catalog::TABLE.iter().map(|(name, _)| *name);
    if let Some(unknown) = file.scenario.keys().find(|name| !wanted.contains(name) && known().all(|k| k != *name)) {
        let hint = suggest(unknown, known());
        return Err(Failure::Input(format!("in plan {name}: there is no scenario `{unknown}`{hint}")));
    }
    let everything: Vec<String> = known().map(str::to_owned).collect();
    let names = if wanted.is_empty() { &everything } else { wanted };
    let share = |name: &String| {
        let Weight { weight, runs_max } = file.scenario.get(name).copied().unwrap_or(file.default);
        Share { name: name.clone(), weight, runs_max }
    };
    let shares: Vec<Share> = names.iter().map(share).filter(|share| share.weight > 0).collect();
    if shares.is_empty() {
        return Err(Failure::Input(format!("in plan {name}: every weight is 0, so there is nothing to run")));
    }
    Ok(shares)
}

/// A part of the plan, from 1: K of N.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// K.
    pub number: u64,
    /// N.
    pub of: u64,
}

impl Shard {
    /// The whole plan.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Whether a run is part of it.
    pub const fn has(self, run: u64) -> bool {
        run % self.of == self.number - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no shard: write K/N with K from 1 to N, or auto");
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        let shard = Self { number: number.parse().map_err(|_| wrong())?, of: of.parse().map_err(|_| wrong())? };
        if (1..=shard.of).contains(&shard.number) { Ok(shard) } else { Err(wrong()) }
    }
}

/// The runs of a plan, in order.
pub struct Runs<'a> {
    plan: &'a Plan,
    next: u64,
    /// For each scenario the runs it has had, and what it is owed.
    had: Vec<u64>,
    owed: Vec<i128>,
    streams: [Stream; 3],
}

impl<'a> Runs<'a> {
    /// From the first one.
    pub fn new(plan: &'a Plan) -> Self {
        let count = plan.scenarios.len();
        let streams = [SEEDS, TWICE, PLANTS].map(|label| Stream::new(plan.seed.0, label));
        Self { plan, next: 0, had: vec![0; count], owed: vec![0; count], streams }
    }

    /// Which scenario is next: each once, then by weight, spread evenly; `None` if all have had their most.
    fn scenario(&mut self) -> Option<usize> {
        let shares = &self.plan.scenarios;
        let is_open = |at: &usize| shares[*at].runs_max.is_none_or(|most| self.had[*at] < most);
        let open: Vec<usize> = (0..shares.len()).filter(is_open).collect();
        if let Some(first) = open.iter().find(|at| self.had[**at] == 0) {
            return Some(*first);
        }
        let total: u64 = open.iter().map(|at| shares[*at].weight).sum();
        open.iter().for_each(|at| self.owed[*at] += i128::from(shares[*at].weight));
        let next = open.into_iter().rev().max_by_key(|at| self.owed[*at])?;
        self.owed[next] -= i128::from(total);
        Some(next)
    }
}

impl Iterator for Runs<'_> {
    type Item = Spec;

    fn next(&mut self) -> Option<Spec> {
        let run = self.next;
        if self.plan.runs.is_some_and(|runs| run >= runs) {
            return None;
        }
        let at = self.scenario()?;
        let planted = &self.plan.planted;
        let [seeds, twice, plants] = self.streams;
        let spec = Spec {
            run,
            scenario: self.plan.scenarios[at].name.clone(),
            // In turn, so that every member meets every scenario. A portfolio that learns would have to know the runs of
            // the other machines.
            strategy: MEMBERS[(self.had[at] % MEMBERS.len() as u64) as usize].into(),
            seed: Hex(seeds.draw(run)),
            planted: planted.get(plants.below(run, planted.len() as u64) as usize).cloned(),
            twice: twice.below(run, TWICE_ONE_IN) == 0,
        };
        self.had[at] += 1;
        self.next += 1;
        Some(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(runs: u64) -> Plan {
        Plan {
            seed: Hex(seed_from("b311925")),
            seed_from: None,
            runs: Some(runs),
            seconds: None,
            planted: Vec::new(),
            subject: None,
            skipped: Vec::new(),
            scenarios: shares(&[], None).unwrap(),
            steps: None,
        }
    }

    #[test]
    fn every_scenario_comes_first_once_and_then_by_weight_until_it_has_had_its_most() {
        let plan = plan(40_000);
        let runs: Vec<Spec> = Runs::new(&plan).collect();
        let names: Vec<&String> = plan.scenarios.iter().map(|share| &share.name).collect();
        let firsts: Vec<&String> = runs.iter().take(names.len()).map(|spec| &spec.scenario).collect();
        assert_eq!(firsts, names);
        let count = |name: &str| runs.iter().filter(|spec| spec.scenario == name).count() as f64;
        let ratio = count("readers-writers-checkpointer") / count("tiny-cache");
        assert!((1.95..2.05).contains(&ratio), "{ratio}");
        let cut = Plan {
            scenarios: vec![Share { name: "two-writers".into(), weight: 1, runs_max: Some(7) }],
            ..plan.clone()
        };
        assert_eq!(Runs::new(&cut).count(), 7, "the night ends when every scenario has had its most");
        let twice = runs.iter().filter(|spec| spec.twice).count();
        assert!((1800..2200).contains(&twice), "5 % are made twice: {twice}");
    }

    #[test]
    fn shards_are_disjoint_and_complete_for_any_number_of_them() {
        let plan = plan(3_000);
        let whole: Vec<Spec> = Runs::new(&plan).collect();
        for of in 1..=17 {
            let mut joined: Vec<Spec> = (1..=of)
                .flat_map(|number| Runs::new(&plan).filter(move |spec| Shard { number, of }.has(spec.run)))
                .collect();
            joined.sort_by_key(|spec| spec.run);
            assert_eq!(joined, whole, "of {of}");
        }
    }

    #[test]
    fn a_seed_text_gives_the_same_seeds_everywhere() {
        assert_eq!(seed_from("b311925"), seed_from("b311925"));
        assert_ne!(seed_from("b311925"), seed_from("b311926"));
        let plan = plan(100);
        let seeds: std::collections::BTreeSet<Hex> = Runs::new(&plan).map(|spec| spec.seed).collect();
        assert_eq!(seeds.len(), 100);
    }

    #[test]
    fn a_shard_is_written_k_of_n() {
        assert_eq!("2/3".parse(), Ok(Shard { number: 2, of: 3 }));
        for wrong in ["0/3", "4/3", "3", "1/0", "a/b", "-1/2", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
