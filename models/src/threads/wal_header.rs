//! The two copies of the wal-index header: a reader that accepts a header saw a whole one, and the newest or one before.
//!
//! The real machines run here, each to its end without yielding: `StoreHeader` on a thread, `ReadHeader` on the main one.

use super::Stage;
use crate::disk::Disk;
use crate::io::{IOResult, StateMachine};
use crate::session::{Config, Error, Session, Shared};
use crate::sync::{Arc, Body, race};
use crate::wal::{Header, LockId, LockMode, ReadHeader, StoreHeader};

/// Headers whose every word differs, so that a mixture of two is none of them.
fn header(n: u32) -> Header {
    Header {
        is_init: true,
        big_endian: false,
        seq: n,
        change: 10 + n,
        mx_frame: 20 + n,
        pages: 30 + n,
        checksum: [40 + n, 50 + n],
        salts: [60 + n, 70 + n],
    }
}

fn database(stage: &Stage) -> Arc<Shared> {
    let log = stage.log();
    let disk = Disk::new(Arc::clone(&log), 512, Vec::new());
    // No retry: a reader that loses against a publication says BUSY at once.
    let config = Config { micro: false, busy_retries: 0, planted: stage.planted, ..Config::default() };
    let shared = Shared::new(config, disk, log);
    publish(&shared, 0, 0);
    shared
}

fn publish(shared: &Arc<Shared>, conn: u8, n: u32) {
    let mut session = Session::new(conn, Arc::clone(shared));
    let stored = StateMachine::new(StoreHeader::new(header(n), true)).step(&mut session);
    assert!(matches!(stored, Ok(IOResult::Done(()))), "a publication does not wait");
}

fn read(shared: &Arc<Shared>, conn: u8) -> Result<Header, Error> {
    let mut session = Session::new(conn, Arc::clone(shared));
    match StateMachine::new(ReadHeader::default()).step(&mut session) {
        Ok(IOResult::Done(header)) => Ok(header),
        // Without retries the only wait left is recovery's, and a header is always there.
        Ok(IOResult::IO(_)) => panic!("a header that exists is not recovered"),
        Err(error) => Err(error),
    }
}

/// A thread that holds WRITE and publishes headers `1..=last`.
fn writer(shared: &Arc<Shared>, last: u32) -> Body {
    let shared = Arc::clone(shared);
    assert!(shared.wal.try_lock(LockId::WRITE, LockMode::Exclusive), "nobody else is there yet");
    Box::new(move || {
        (1..=last).for_each(|n| publish(&shared, 0, n));
        shared.wal.unlock(LockId::WRITE, LockMode::Exclusive);
    })
}

fn reader_beside(stage: &Stage, last: u32) {
    let shared = database(stage);
    race(vec![writer(&shared, last)], || match read(&shared, 1) {
        Ok(found) => {
            stage.note("reader", || format!("accepts {found:?}"));
            assert!((0..=last).any(|n| found == header(n)), "TX-3: accepted a torn header: {found:?}");
        }
        Err(error) => assert_eq!(error, Error::Busy, "a publication is under way"),
    });
    assert_eq!(read(&shared, 1), Ok(header(last)), "TX-9: the last publication is what stays");
}

pub(super) fn reader(stage: &Stage) {
    reader_beside(stage, 1);
}

pub(super) fn reader_of_two(stage: &Stage) {
    reader_beside(stage, 2);
}

/// Two publications in a row, seen by two reads in a row: time does not run backwards.
pub(super) fn order(stage: &Stage) {
    let shared = database(stage);
    race(vec![writer(&shared, 2)], || {
        let (first, second) = (shared.wal.published(), shared.wal.published());
        if let (Some(first), Some(second)) = (first, second) {
            assert!(first.seq <= second.seq, "TX-4: {} was read before {}", first.seq, second.seq);
        }
    });
}

/// Publishing belongs to the holder of WRITE; this is what happens without it.
///
/// # Panics
/// When two publications have left half of each.
pub fn two_publishers(stage: &Stage) {
    let shared = database(stage);
    let other = Arc::clone(&shared);
    race(vec![Box::new(move || publish(&other, 0, 1))], || publish(&shared, 1, 2));
    let left = shared.wal.published();
    assert!(left == Some(header(1)) || left == Some(header(2)), "TX-3: half of each: {left:?}");
}
