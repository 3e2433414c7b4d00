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
use rusqlite::Connection;

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

/// What the ledger excuses as a hidden log (`harness/src/ledger/doubts.rs`): SQLite itself writes a torn header again as it was,
/// and a power loss may then bring back frames that the database file has long overtaken.
#[test]
fn sqlite_writes_a_header_with_a_wrong_checksum_again_as_it_was_and_old_frames_are_valid_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        let connection = Connection::open(dir.path().join(name)).unwrap();
        connection.execute_batch("PRAGMA page_size=512; PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0").unwrap();
        connection
    };
    let file = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    let write = |name: &str, database: &[u8], log: &[u8]| {
        std::fs::write(dir.path().join(name), database).unwrap();
        std::fs::write(dir.path().join(format!("{name}-wal")), log).unwrap();
    };
    let rows = |connection: &Connection| {
        connection.query_row("SELECT count(*) FROM kv", [], |row| row.get::<_, u32>(0)).unwrap()
    };

    // Two commits in a log that was restarted once, both in the database file.
    let whole = open("whole");
    whole.execute_batch("CREATE TABLE kv(k INTEGER PRIMARY KEY, v BLOB); PRAGMA wal_checkpoint(RESTART)").unwrap();
    whole.execute_batch("INSERT INTO kv VALUES(1, 'a')").unwrap();
    whole.execute_batch("INSERT INTO kv VALUES(2, 'b'); PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    let (database, log) = (file("whole"), file("whole-wal"));

    // The header is torn, so the log counts as empty; the next writer makes the same header again.
    let mut torn = log.clone();
    torn[24] ^= 255;
    write("torn", &database, &torn);
    assert_eq!(recover(&database, &torn, 512).log.hidden, recover(&database, &log, 512).log.mx_frame);
    let after = open("torn");
    assert_eq!(rows(&after), 2);
    after.execute_batch("INSERT INTO kv VALUES(3, 'c')").unwrap();
    assert_eq!(file("torn-wal")[..32], log[..32]);

    // The power fails before the new frames are durable: of the old ones the first is still there.
    write("lost", &database, &[&file("torn-wal")[..32], &log[32..32 + 536]].concat());
    assert_eq!(rows(&open("lost")), 1);
}
