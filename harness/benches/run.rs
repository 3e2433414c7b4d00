//! How many actions a second the run loop takes, and what of that is the models' own time.
//!
//! `bare_models` steps the same number of connections over the same models with nothing around them: no choices, no
//! ledger, no invariants, operations finished in order. Its items are steps and finished operations, as an action is one of
//! the two, so the ratio of the two figures is what judging costs. Machines are noisy: compare within one run.

use divan::Bencher;
use divan::counter::ItemsCount;
use falken_harness::run::{Run, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy::Random;
use falken_models::bug::Planted;
use falken_models::connection::{Connection, Op};
use falken_models::disk::{Disk, Ending};
use falken_models::event::EventLog;
use falken_models::io::IOResult;
use falken_models::session::Shared;
use falken_models::sync::Arc;
use falken_models::table::initial_database;
use falken_models::wal::CheckpointMode;

fn main() {
    divan::main();
}

const SCENARIOS: &[&str] = &[
    include_str!("../../scenarios/catalog/readers-writers-checkpointer.toml"),
    include_str!("../../scenarios/catalog/crash-and-recover.toml"),
    include_str!("../../scenarios/catalog/overflow-and-freelist.toml"),
    include_str!("../../scenarios/catalog/tiny-cache.toml"),
];

fn run(scenario: &Scenario, seed: u64) -> u64 {
    let strategy = Box::new(Random::new(seed));
    Run::models(scenario, Settings { seed, planted: Planted(None), strategy, oracle: None }).go().actions
}

/// The whole loop with all invariants.
#[divan::bench(args = [0, 1, 2, 3], sample_count = 40)]
fn scenario(bencher: Bencher<'_, '_>, index: usize) {
    let scenario = Scenario::from_toml(SCENARIOS[index]).expect("a scenario of the catalogue");
    let actions = run(&scenario, 1);
    bencher.counter(ItemsCount::new(actions)).bench(|| run(&scenario, 1));
}

/// What connection `conn` runs as its `turn`-th statement: the default scenario's mix, in a fixed order.
fn statement(conn: u8, turn: u64) -> Op {
    let key = 1 + (turn * 7 + u64::from(conn)).cast_signed() % 16;
    match (conn, turn % 4) {
        (4, 0) => Op::Checkpoint(CheckpointMode::Passive),
        (0 | 1, 0 | 1) => Op::Put { key, value: Arc::from(vec![7; 60]) },
        _ => Op::Get { key },
    }
}

/// Steps and finished operations of a loop without a harness.
fn bare(steps: u64) -> u64 {
    let log = Arc::new(EventLog::default());
    let disk = Disk::new(Arc::clone(&log), 512, initial_database(512));
    let config = Scenario::from_toml(SCENARIOS[0]).expect("a scenario of the catalogue").config();
    let shared = Shared::new(config, Arc::clone(&disk), Arc::clone(&log));
    let mut connections: Vec<_> = (0..5).map(|conn| (Connection::new(conn, Arc::clone(&shared)), 0)).collect();
    let (mut taken, mut in_flight, mut events) = (0, Vec::new(), Vec::new());
    while taken < steps {
        for (conn, (connection, turn)) in (0..).zip(&mut connections) {
            if !connection.is_busy() {
                connection.submit(0, statement(conn, *turn));
                *turn += 1;
            }
            taken += 1;
            // BUSY is an answer like any other here.
            let _ = divan::black_box(matches!(connection.step(0), Ok(IOResult::IO(_))));
        }
        disk.list_in_flight(&mut in_flight);
        in_flight.iter().for_each(|op| disk.finish(op.op, Ending::Success));
        taken += in_flight.len() as u64;
        events.clear();
        log.drain_into(&mut events);
    }
    taken
}

/// The models alone.
#[divan::bench(sample_count = 40)]
fn bare_models(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(bare(20_000))).bench(|| bare(20_000));
}
