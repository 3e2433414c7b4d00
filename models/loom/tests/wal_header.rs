//! The two copies of the wal-index header: a reader that accepts a header saw a whole one, and the newest or the one
//! before.
//!
//! The real machines run here, each to its end without yielding: `StoreHeader` on a thread, `ReadHeader` on the main
//! thread. Bounds: two threads; at most 5 preemptions for one publication, 3 and 2 for two in a row.

mod support;

use falken_models_loom::disk::Disk;
use falken_models_loom::event::EventLog;
use falken_models_loom::io::{IOResult, StateMachine};
use falken_models_loom::session::{Config, Error, Session, Shared};
use falken_models_loom::sync::Arc;
use falken_models_loom::wal::{Header, LockId, LockMode, ReadHeader, StoreHeader};
use support::{Bound, expect_failure, explore, take_part, thread};

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

fn database() -> Arc<Shared> {
    let log = Arc::new(EventLog::default());
    let disk = Disk::new(Arc::clone(&log), 512, Vec::new());
    // No retry: a reader that loses against a publication says BUSY at once.
    let config = Config { micro: false, busy_retries: 0, ..Config::default() };
    Shared::new(config, disk, log)
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

/// A writer that holds WRITE publishes headers `1..=last` over header 0 while the main thread reads.
fn reader_beside_writer(last: u32) {
    let shared = database();
    publish(&shared, 0, 0);
    assert!(shared.wal.try_lock(LockId::WRITE, LockMode::Exclusive));
    let writer = {
        let shared = Arc::clone(&shared);
        thread(move || {
            (1..=last).for_each(|n| publish(&shared, 0, n));
            shared.wal.unlock(LockId::WRITE, LockMode::Exclusive);
        })
    };
    take_part();
    match read(&shared, 1) {
        Ok(found) => assert!((0..=last).any(|n| found == header(n)), "accepted a torn header: {found:?}"),
        Err(error) => assert_eq!(error, Error::Busy, "a publication is under way"),
    }
    writer.join().expect("no panic");
    assert_eq!(read(&shared, 1), Ok(header(last)));
}

#[test]
fn a_reader_that_accepts_a_header_saw_a_whole_one() {
    explore("reader x 1 publication", Bound::Preemptions(5), || reader_beside_writer(1));
    explore("reader x 2 publications", Bound::Preemptions(3), || reader_beside_writer(2));
}

/// Two publications in a row, seen by two reads in a row: time does not run backwards.
#[test]
fn a_later_read_never_finds_an_older_header() {
    explore("2 reads x 2 publications", Bound::Preemptions(2), || {
        let shared = database();
        publish(&shared, 0, 0);
        assert!(shared.wal.try_lock(LockId::WRITE, LockMode::Exclusive));
        let writer = {
            let shared = Arc::clone(&shared);
            thread(move || (1..=2).for_each(|n| publish(&shared, 0, n)))
        };
        take_part();
        let (first, second) = (shared.wal.published(), shared.wal.published());
        if let (Some(first), Some(second)) = (first, second) {
            assert!(first.seq <= second.seq, "{} was read before {}", first.seq, second.seq);
        }
        writer.join().expect("no panic");
    });
}

/// Publishing belongs to the holder of WRITE; without it two headers end up mixed for good.
#[test]
fn loom_finds_two_publishers_at_once() {
    expect_failure("publication without WRITE", Bound::Preemptions(2), "half of each", || {
        let shared = database();
        publish(&shared, 0, 0);
        let other = {
            let shared = Arc::clone(&shared);
            thread(move || publish(&shared, 0, 1))
        };
        take_part();
        publish(&shared, 1, 2);
        other.join().expect("no panic");
        let left = shared.wal.published();
        assert!(left == Some(header(1)) || left == Some(header(2)), "half of each: {left:?}");
    });
}
