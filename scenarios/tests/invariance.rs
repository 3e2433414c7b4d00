//! Yield invariance: the correct models do the same with and without yields, in every scenario; bugs of re-entry do not.

use std::collections::BTreeSet;

use falken_harness::invariance::compare;
use falken_harness::strategy::Random;
use falken_models::bug::{Bug, Planted};
use falken_models::site::Site;
use falken_scenarios::catalog;

#[test]
fn every_scenario_does_the_same_with_a_yield_at_any_site() {
    let mut sites = BTreeSet::new();
    for (name, _) in catalog::TABLE {
        for seed in 1..=5 {
            let compared = compare(&catalog::find(name).unwrap(), seed, Planted(None), Box::new(Random::new(seed)));
            assert_eq!(compared.broken, None, "{name}, seed {seed}");
            assert!(compared.statements >= 2 && compared.runs > 20 * compared.statements, "{compared:?}");
            sites.extend(compared.sites);
        }
    }
    // Sites of contention and recovery need somebody else; the others are all there.
    for site in
        [Site::PagerRead, Site::AppendFrames, Site::AppendHeaderSync, Site::CheckpointTruncateWal, Site::HeaderStore]
    {
        assert!(sites.contains(&site), "{} was not forced", site.name());
    }
    assert!(sites.len() > 40, "{} sites", sites.len());
}

#[test]
fn bugs_of_re_entry_break_it() {
    for (bug, name) in
        [(Bug::ReentryDoneBeforeOp, "overflow-and-freelist"), (Bug::ReentryFreeChainIoIgnored, "overflow-and-freelist")]
    {
        let scenario = catalog::find(name).unwrap();
        let broken =
            (1..=20).find_map(|seed| compare(&scenario, seed, Planted(Some(bug)), Box::new(Random::new(seed))).broken);
        let (invariant, evidence) = broken.unwrap_or_else(|| panic!("{} is not found", bug.id()));
        assert_eq!(invariant, "RE-1", "{evidence:?}");
        for label in ["statement", "run", "straight through", "with yields"] {
            assert!(evidence.facts.iter().any(|fact| fact.label == label), "no {label}: {evidence:?}");
        }
    }
}
