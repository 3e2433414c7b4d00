//! A scenario's programs in the types of each build of the models: three packages over one source have three of each.

use falken_harness::scenario::program::parse_program;
use falken_harness::scenario::{Scenario, Threads};

/// Runs a scenario's programs once with the models of one build.
macro_rules! programs {
    ($name:ident, $models:ident, $io_threads:expr, $tries_max:expr) => {
        pub fn $name(stage: &$models::threads::Stage, scenario: &Scenario) {
            use falken_models::threads::programs as plain;
            use $models::threads::programs::{Effect, Known, Programs, run};

            let threads: Threads = scenario.threads.clone().unwrap_or_default();
            let transactions = |program: &[String]| -> Vec<Vec<$models::connection::Op>> {
                let parsed = parse_program(program).expect("the scenario was validated");
                parsed.iter().map(|statements| statements.iter().map($name::op).collect()).collect()
            };
            let quiet = run(
                stage,
                Programs {
                    config: $name::config(&scenario.config()),
                    sector_size: scenario.disk.sector_size,
                    setup: transactions(&scenario.setup).concat(),
                    clients: scenario.each_client().map(|client| transactions(&client.program)).collect(),
                    io_threads: $io_threads(&threads),
                    tries_max: $tries_max(&threads),
                    abandon_every: threads.abandon_every,
                    drop_every: threads.drop_every,
                },
            );
            let effect = |(known, effect): (Known, Effect)| {
                let known = match known {
                    Known::Committed => plain::Known::Committed,
                    Known::Perhaps => plain::Known::Perhaps,
                };
                let effect = match effect {
                    Effect::Set { key, value } => plain::Effect::Set { key, value },
                    Effect::Appended { key, element } => plain::Effect::Appended { key, element },
                    Effect::Deleted { key } => plain::Effect::Deleted { key },
                };
                (known, effect)
            };
            let effects = quiet.effects.into_iter().map(effect).collect();
            let quiet = plain::Quiet { database: quiet.database, log: quiet.log, rows: quiet.rows, effects };
            crate::judge::judge(&quiet, scenario.database.page_size);
        }

        mod $name {
            use falken_models as plain;
            use $models::connection::{BeginKind, Op};
            use $models::session::{Config, HeaderGrain};
            use $models::sync::Arc;
            use $models::wal::{CheckpointMode, SyncMode};

            pub fn config(config: &plain::session::Config) -> Config {
                Config {
                    page_size: config.page_size,
                    cache_pages: config.cache_pages,
                    read_slots: config.read_slots,
                    sync: match config.sync {
                        plain::wal::SyncMode::Off => SyncMode::Off,
                        plain::wal::SyncMode::Normal => SyncMode::Normal,
                        plain::wal::SyncMode::Full => SyncMode::Full,
                    },
                    header: match config.header {
                        plain::session::HeaderGrain::Word => HeaderGrain::Word,
                        plain::session::HeaderGrain::Copy => HeaderGrain::Copy,
                    },
                    busy_retries: config.busy_retries,
                    read_retries: config.read_retries,
                    auto_checkpoint: config.auto_checkpoint,
                    powersafe_overwrite: config.powersafe_overwrite,
                    ..Config::default()
                }
            }

            pub fn op(op: &plain::connection::Op) -> Op {
                use plain::connection::Op as Plain;
                match op {
                    Plain::Begin(plain::connection::BeginKind::Deferred) => Op::Begin(BeginKind::Deferred),
                    Plain::Begin(plain::connection::BeginKind::Immediate) => Op::Begin(BeginKind::Immediate),
                    Plain::Get { key } => Op::Get { key: *key },
                    Plain::Put { key, value } => Op::Put { key: *key, value: Arc::from(&value[..]) },
                    Plain::Append { key, element } => Op::Append { key: *key, element: Arc::from(&element[..]) },
                    Plain::Delete { key } => Op::Delete { key: *key },
                    Plain::Scan => Op::Scan,
                    Plain::Count => Op::Count,
                    Plain::ChangeLayout => Op::ChangeLayout,
                    Plain::Commit => Op::Commit,
                    Plain::Rollback => Op::Rollback,
                    Plain::Savepoint => Op::Savepoint,
                    Plain::Release { depth } => Op::Release { depth: *depth },
                    Plain::RollbackTo { depth } => Op::RollbackTo { depth: *depth },
                    Plain::Checkpoint(mode) => Op::Checkpoint(match mode {
                        plain::wal::CheckpointMode::Passive => CheckpointMode::Passive,
                        plain::wal::CheckpointMode::Full => CheckpointMode::Full,
                        plain::wal::CheckpointMode::Restart => CheckpointMode::Restart,
                        plain::wal::CheckpointMode::Truncate => CheckpointMode::Truncate,
                    }),
                    Plain::Close => Op::Close,
                    Plain::Drop => Op::Drop,
                }
            }
        }
    };
}

programs!(on_os, falken_models, |threads: &Threads| threads.io_threads, |threads: &Threads| threads.tries_max);
programs!(on_shuttle, falken_models_shuttle, |threads: &Threads| threads.io_threads, |threads: &Threads| threads
    .tries_max);
// Loom models few threads, and a client that tries again and again is an execution without end.
programs!(on_loom, falken_models_loom, |_: &Threads| 0, |_: &Threads| 1);
