//! Crash images a second: making them, finding out which are new, recovering those by the models and by the parser, and
//! judging what came out. The rest of the run is in the time too, but it is a few hundredths of it.
//!
//! `explored` counts every image that was made, `recovered` only those with bytes not seen before; the ratio is what
//! deduplication saves.

use divan::Bencher;
use divan::counter::ItemsCount;
use falken_harness::image::Coverage;
use falken_harness::run::{Run, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy::Random;
use falken_models::bug::Planted;

fn main() {
    for (name, _) in SCENARIOS {
        let Coverage { first, second, .. } = run(&scenario(name));
        let (images, recovered) = (first.images + second.images, first.recovered + second.recovered);
        let saved = 100.0 * (1.0 - recovered as f64 / images as f64);
        println!("{name}: {images} images, {recovered} recovered, deduplication saves {saved:.0} % of the recoveries");
    }
    divan::main();
}

const SCENARIOS: &[(&str, &str)] = &[
    ("crash-lattice", include_str!("../../scenarios/catalog/crash-lattice.toml")),
    ("crash-lattice-normal", include_str!("../../scenarios/catalog/crash-lattice-normal.toml")),
    ("crash-lattice-large-pages", include_str!("../../scenarios/catalog/crash-lattice-large-pages.toml")),
];

fn scenario(name: &str) -> Scenario {
    let (_, text) = SCENARIOS.iter().find(|(known, _)| *known == name).expect("one of the table");
    Scenario::from_toml(text).expect("a scenario of the catalogue")
}

/// Five runs.
fn run(scenario: &Scenario) -> Coverage {
    let mut coverage = Coverage::default();
    for seed in 1..=5 {
        let strategy = Box::new(Random::new(seed));
        let report = Run::models(scenario, Settings { seed, planted: Planted(None), strategy, oracle: None }).go();
        coverage.add(&report.images.expect("the scenario makes images"));
    }
    coverage
}

#[divan::bench(args = SCENARIOS.iter().map(|(name, _)| *name), sample_count = 20)]
fn explored(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = scenario(name);
    let coverage = run(&scenario);
    bencher.counter(ItemsCount::new(coverage.first.images + coverage.second.images)).bench(|| run(&scenario));
}

#[divan::bench(args = SCENARIOS.iter().map(|(name, _)| *name), sample_count = 20)]
fn recovered(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = scenario(name);
    let coverage = run(&scenario);
    bencher.counter(ItemsCount::new(coverage.first.recovered + coverage.second.recovered)).bench(|| run(&scenario));
}
