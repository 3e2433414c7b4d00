use falken_harness::{run::*, scenario::Scenario, strategy::Random};
use falken_models::bug::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let s = Scenario::from_toml(&std::fs::read_to_string(&a[1]).unwrap()).unwrap();
    let from: u64 = a[2].parse().unwrap();
    let n: u64 = a[3].parse().unwrap();
    let bug = a.get(4).and_then(|id| Bug::from_id(id));
    let t = std::time::Instant::now();
    let (mut actions, mut commits, mut crashes) = (0, 0, 0);
    let mut probes = falken_harness::probe::Hits::default();
    for seed in from..from + n {
        let r = Run::models(
            &s,
            Settings { seed, planted: Planted(bug), strategy: Box::new(Random::new(seed)), oracle: None },
        )
        .go();
        actions += r.actions;
        commits += r.commits;
        crashes += r.crashes;
        probes.add(&r.probes);
        if let Some(v) = r.verdict.violation() {
            println!("seed {seed} step {}: {} {}\n  {:#?}", v.step, v.invariant, v.evidence.summary, v.evidence.facts);
            for e in r.last_events.iter().rev().take(a.get(5).map_or(30, |n| n.parse().unwrap())).rev() {
                println!("   {} {:?} {:?}", e.step, e.event.actor, e.event.kind);
            }
            break;
        }
    }
    let el = t.elapsed();
    println!(
        "{actions} actions {commits} commits {crashes} crashes, {:?}, {:.2} M/s",
        el,
        actions as f64 / el.as_secs_f64() / 1e6
    );
    println!("unhit {:?}", probes.iter().filter(|(_, n)| *n == 0).collect::<Vec<_>>());
}
