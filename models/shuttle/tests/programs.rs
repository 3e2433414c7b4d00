//! Three to eight connections, a pool of threads that is the disk, and everything that clients do besides: checkpoints,
//! statements that are given up at their first wait (their operations are cancelled), and connections that are dropped in
//! the middle of a transaction. The bodies are those of `falken threads transactions`.

mod support;

use std::collections::BTreeMap;

use falken_models_shuttle::bug::{Bug, Planted};
use falken_models_shuttle::connection::{BeginKind, Op};
use falken_models_shuttle::session::Config;
use falken_models_shuttle::sync::Arc;
use falken_models_shuttle::threads::Stage;
use falken_models_shuttle::threads::programs::{Effect, Known, Programs, Quiet, run as run_programs};
use falken_models_shuttle::wal::CheckpointMode;
use shuttle::MaxSteps;
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, UncontrolledNondeterminismCheckScheduler};
use support::{SEED, expect_failure, explore, run, run_up_to};

/// The row that every client appends to.
const SHARED_ROW: i64 = 0;

/// The first client copies the log, the others write: a row of their own each time, and the shared one.
fn programs(clients: u8, transactions: u8) -> Programs {
    let append = |key: u8| Op::Append { key: SHARED_ROW, element: Arc::from(&[key][..]) };
    let writer = |conn: u8| {
        let transaction = |n: u8| {
            let key = conn * 10 + n;
            let begin = if n.is_multiple_of(2) { BeginKind::Deferred } else { BeginKind::Immediate };
            let put = Op::Put { key: i64::from(key), value: Arc::from(vec![key; 40]) };
            vec![Op::Begin(begin), Op::Get { key: SHARED_ROW }, put, append(key), Op::Commit]
        };
        (0..transactions).map(transaction).collect::<Vec<_>>()
    };
    let modes = [CheckpointMode::Passive, CheckpointMode::Full, CheckpointMode::Restart];
    let copies = modes.map(|mode| vec![Op::Checkpoint(mode)]).to_vec();
    Programs {
        config: Config { read_slots: 2, busy_retries: 4, ..Config::default() },
        sector_size: 512,
        setup: vec![append(u8::MAX)],
        clients: std::iter::once(copies).chain((1..clients).map(writer)).collect(),
        io_threads: 2,
        tries_max: 10_000,
        abandon_every: 7,
        drop_every: 2,
    }
}

/// Everything that was committed is there once, and nothing that was not.
fn check(quiet: &Quiet) {
    let mut rows: BTreeMap<i64, Vec<u8>> = quiet.rows.iter().cloned().collect();
    let mut shared = rows.remove(&SHARED_ROW).expect("the setup has made it");
    let mut perhaps = Vec::new();
    for (known, effect) in &quiet.effects {
        match (known, effect) {
            (Known::Committed, Effect::Appended { element, .. }) => {
                let at = shared.iter().position(|byte| *byte == element[0]);
                shared.remove(at.expect("TX-5: an append was lost"));
            }
            (Known::Perhaps, Effect::Appended { element, .. }) => perhaps.extend(element),
            (Known::Committed, Effect::Set { key, value }) => {
                assert_eq!(rows.remove(key).as_ref(), Some(value), "TX-2: a row was committed and is lost");
            }
            (Known::Perhaps, Effect::Set { key, .. }) => _ = rows.remove(key),
            (_, Effect::Deleted { .. }) => unreachable!("nobody deletes"),
        }
    }
    assert!(shared.iter().all(|byte| perhaps.contains(byte)), "TX-5: an append was repeated");
    assert!(rows.is_empty(), "TX-1: a row that nobody has committed");
}

fn execution(planted: Option<Bug>, clients: u8, transactions: u8) {
    let stage = Stage { planted: Planted(planted), ..Stage::default() };
    check(&run_programs(&stage, programs(clients, transactions)));
}

#[test]
fn three_to_eight_connections_hold_in_samples() {
    for (clients, executions) in [(3, 300), (5, 150), (8, 60)] {
        explore(&format!("{clients} connections with a pool"), executions, move || execution(None, clients, 2));
    }
}

#[test]
fn three_connections_hold_depth_first_as_far_as_it_comes() {
    // A depth-first search lets a thread that waits for another one wait for ever: that is given up, and no failure.
    let bound = MaxSteps::ContinueAfter(20_000);
    let executions = run_up_to(bound, DfsScheduler::new(Some(300), true), || execution(None, 3, 2));
    println!("3 connections with a pool: {executions} schedules, depth first");
    assert_eq!(executions, 300, "there are far more schedules than that");
}

#[test]
fn connections_and_pool_do_the_same_twice_under_the_same_schedule() {
    run(UncontrolledNondeterminismCheckScheduler::new(RandomScheduler::new_from_seed(SEED, 20)), || {
        execution(None, 4, 2);
    });
    run(UncontrolledNondeterminismCheckScheduler::new(PctScheduler::new_from_seed(SEED, 3, 20)), || {
        execution(None, 3, 2);
    });
}

#[test]
fn shuttle_finds_a_write_on_a_stale_snapshot_among_five_connections() {
    expect_failure("5 connections with a pool", 200, "lost", || {
        execution(Some(Bug::WalNoBusySnapshotCheck), 5, 2);
    });
}
