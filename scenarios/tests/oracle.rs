//! Stock SQLite recovers the same rows as the models, from the files at the end of a run and from every crash image, and
//! finds them intact; and it notices when they are not.
#![cfg(feature = "sqlite-oracle")]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use falken_harness::parser::{Rows, read_rows, recover};
use falken_harness::run::{Oracle, Run, Settings};
use falken_harness::strategy::{self, Random};
use falken_models::bug::Planted;
use falken_scenarios::batch::Batch;
use falken_scenarios::catalog;
use falken_scenarios::oracle::Sqlite;

fn sqlite() -> Sqlite {
    Sqlite::new(Arc::new(tempfile::tempdir().unwrap()))
}

#[test]
fn sqlite_agrees_at_the_end_of_runs_and_after_every_crash() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    for (name, _) in catalog::TABLE {
        for page_size in [512, 1024, 4096] {
            let mut scenario = catalog::find(name).unwrap();
            scenario.database.page_size = page_size;
            // An image is a crash as well, and one run has thousands; `crash_images.rs` looks at those.
            scenario.crash_images = None;
            let batch = Batch {
                scenario: &scenario,
                strategy: &strategy::TABLE[0],
                planted: Planted(None),
                seed: 400,
                runs: 6,
                jobs: 2,
                oracle: &|| Some(Box::new(Sqlite::new(Arc::clone(&directory)))),
                stop: &AtomicBool::new(false),
            };
            let totals = batch.go(|_| {});
            if let Some((index, report)) = totals.failure {
                panic!("{name} at {page_size}, seed {}: {:?}", 400 + index, report.verdict);
            }
        }
    }
}

/// The files of a run, and its rows.
fn files() -> ([Vec<u8>; 2], Rows) {
    let scenario = catalog::find("overflow-and-freelist").unwrap();
    let settings = Settings { seed: 5, planted: Planted(None), strategy: Box::new(Random::new(5)), oracle: None };
    let [database, log] = Run::models(&scenario, settings).go().files;
    let rows = read_rows(&recover(&database, &log, 512).image, 512).unwrap();
    ([database, log], rows)
}

#[test]
fn sqlite_notices_a_lost_commit_a_changed_row_and_a_damaged_page() {
    let ([database, log], rows) = files();
    assert_eq!(sqlite().judge(&database, &log, &rows), Ok(()));

    // The last commit is the first frame of a generation; without its end it is no frame.
    let cut = &log[..32 + 24 + 500];
    assert!(sqlite().judge(&database, cut, &rows).is_err(), "a lost commit");

    let mut changed = rows.clone();
    changed.values_mut().next().unwrap().push(0);
    assert!(sqlite().judge(&database, &log, &changed).is_err(), "a changed row");

    let mut damaged = database;
    // The count of free pages in page 1.
    damaged[39] ^= 1;
    assert!(sqlite().judge(&damaged, &[], &rows).is_err(), "a damaged page");
}
