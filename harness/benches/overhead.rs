//! What the checks cost: actions a second with none, with the cheap ones and with all, in one run, ratios first.
//!
//! `cargo bench -p falken-harness --bench overhead`; `-- --each` also leaves out one invariant of *all* at a time, which is
//! how the group *cheap* was chosen. Rounds of the three take turns, and of each the fastest counts, since machines are noisy.
//! Nobody's planted bug is there, so all three do the same actions, which is asserted.

use std::time::Instant;

use falken_harness::invariant::TABLE;
use falken_harness::run::{Run, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy::Random;
use falken_models::bug::Planted;

const SCENARIOS: &[&str] = &[
    include_str!("../../scenarios/catalog/readers-writers-checkpointer.toml"),
    include_str!("../../scenarios/catalog/crash-and-recover.toml"),
    include_str!("../../scenarios/catalog/overflow-and-freelist.toml"),
    include_str!("../../scenarios/catalog/tiny-cache.toml"),
    include_str!("../../scenarios/catalog/two-statements.toml"),
];
const RUNS: u64 = 6;
const ROUNDS: usize = 9;

/// The fastest of some rounds.
#[derive(Clone, Copy)]
struct Fastest {
    actions: u64,
    seconds: f64,
}

impl Fastest {
    fn per_second(self) -> f64 {
        self.actions as f64 / self.seconds
    }
}

fn round(scenario: &Scenario) -> Fastest {
    let started = Instant::now();
    let run = |seed| {
        let settings = Settings { seed, planted: Planted(None), strategy: Box::new(Random::new(seed)), oracle: None };
        let report = Run::models(scenario, settings).go();
        assert!(report.verdict.violation().is_none(), "nothing is planted");
        report.actions
    };
    let actions = (1..=RUNS).map(run).sum();
    Fastest { actions, seconds: started.elapsed().as_secs_f64() }
}

/// Rounds of every selection in turn; the fastest of each.
fn measure(scenario: &Scenario, selections: &[Vec<String>]) -> Vec<Fastest> {
    let with = |only: &Vec<String>| {
        let mut scenario = scenario.clone();
        scenario.checks.only.clone_from(only);
        scenario
    };
    let scenarios: Vec<Scenario> = selections.iter().map(with).collect();
    let mut fastest: Vec<Fastest> = scenarios.iter().map(round).collect();
    for _ in 1..ROUNDS {
        for (scenario, fastest) in scenarios.iter().zip(&mut fastest) {
            let again = round(scenario);
            assert_eq!(again.actions, fastest.actions);
            fastest.seconds = fastest.seconds.min(again.seconds);
        }
    }
    let actions = fastest[0].actions;
    assert!(fastest.iter().all(|one| one.actions == actions), "checks change nothing");
    fastest
}

fn main() {
    let one = |word: &str| vec![word.to_owned()];
    let scenarios = SCENARIOS.iter().map(|text| Scenario::from_toml(text).expect("a scenario of the catalogue"));
    let scenarios: Vec<Scenario> = scenarios.collect();
    let groups = [one("none"), one("cheap"), one("all")];
    let measured: Vec<Vec<Fastest>> = scenarios.iter().map(|scenario| measure(scenario, &groups)).collect();
    println!("what checks cost, as a share of the time without them");
    println!("  {:32} {:>7} {:>7}", "", "cheap", "all");
    let cost = |with: f64, without: f64| format!("{:>6.0}%", (with / without - 1.0) * 100.0);
    for (scenario, times) in scenarios.iter().zip(&measured) {
        let [none, cheap, all] = [0, 1, 2].map(|at| times[at].seconds);
        println!("  {:32} {} {}", scenario.name, cost(cheap, none), cost(all, none));
    }
    let [none, cheap, all] = [0, 1, 2].map(|at| measured.iter().map(|times| times[at].seconds).sum::<f64>());
    println!("  {:32} {} {}", "together", cost(cheap, none), cost(all, none));
    println!("actions a second\n  {:32} {:>10} {:>10} {:>10}", "", "none", "cheap", "all");
    for (scenario, times) in scenarios.iter().zip(&measured) {
        let [none, cheap, all] = [0, 1, 2].map(|at| times[at].per_second());
        println!("  {:32} {none:>10.0} {cheap:>10.0} {all:>10.0}", scenario.name);
    }
    if std::env::args().any(|argument| argument == "--each") {
        each(&scenarios);
    }
}

/// How much less `all` costs without one of them.
fn each(scenarios: &[Scenario]) {
    let every = || TABLE.iter().map(|entry| entry.id);
    let but = |left_out: &str| every().filter(|id| *id != left_out).map(str::to_owned).collect::<Vec<_>>();
    let selections: Vec<Vec<String>> = every().chain(["none of them"]).map(but).chain([vec!["none".into()]]).collect();
    let mut seconds = vec![0.0; selections.len()];
    for scenario in scenarios {
        for (sum, fastest) in seconds.iter_mut().zip(measure(scenario, &selections)) {
            *sum += fastest.seconds;
        }
    }
    let [all, none] = [TABLE.len(), TABLE.len() + 1].map(|at| seconds[at]);
    let saved = every().zip(seconds).map(|(id, without)| ((all - without) / none * 100.0, id));
    let mut saved: Vec<(f64, &str)> = saved.collect();
    saved.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("what each of them costs, as a share of the time without checks");
    saved.iter().for_each(|(share, id)| println!("  {id:8} {share:>6.1}%"));
}
