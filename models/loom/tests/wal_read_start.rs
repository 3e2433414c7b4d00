//! Starting a read transaction while another connection writes, checkpoints or restarts the log: the snapshot that is
//! adopted is protected by the slot that is held.
//!
//! Whole statements run here (b-tree, log, disk), on a thread that finishes its own I/O; the main thread takes the
//! turns of `BeginRead`. Bounds: two threads, at most 3 preemptions.

mod support;

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::connection::{Connection, Op, Outcome};
use falken_models_loom::disk::{Disk, Ending};
use falken_models_loom::event::EventLog;
use falken_models_loom::io::{IOResult, StateMachine};
use falken_models_loom::session::{Config, Error, Session, Shared};
use falken_models_loom::sync::Arc;
use falken_models_loom::table::initial_database;
use falken_models_loom::wal::{BeginRead, CheckpointMode, UseLog};
use loom::thread::yield_now;
use support::{Bound, CORRECT, expect_failure, explore, take_part, thread, with};

fn database(planted: Planted) -> Arc<Shared> {
    let log = Arc::new(EventLog::default());
    let disk = Disk::new(Arc::clone(&log), 512, initial_database(512));
    let config = Config { micro: false, busy_retries: 1, read_slots: 1, planted, ..Config::default() };
    Shared::new(config, disk, log)
}

/// Runs one statement to its end. This thread is the only one with I/O, so it finishes whatever is in flight.
fn run(connection: &mut Connection, op: Op) -> Result<Outcome, Error> {
    connection.submit(0, op);
    let mut in_flight = Vec::new();
    loop {
        match connection.step(0)? {
            IOResult::Done(outcome) => return Ok(outcome),
            IOResult::IO(io) if io.is_explicit_yield() => yield_now(),
            IOResult::IO(_) => {}
        }
        let disk = &connection.session().shared.disk;
        disk.list_in_flight(&mut in_flight);
        in_flight.iter().for_each(|op| disk.finish(op.op, Ending::Success));
    }
}

/// A statement of the writing connection.
#[derive(Clone, Copy)]
enum Step {
    Put,
    Checkpoint,
}
use Step::{Checkpoint, Put};

impl Step {
    fn op(self) -> Op {
        match self {
            Put => Op::Put { key: 1, value: Arc::from(&[7][..]) },
            Checkpoint => Op::Checkpoint(CheckpointMode::Passive),
        }
    }
}

/// What the held slot promises about the snapshot when nobody else is under way.
fn check_snapshot(shared: &Shared, reader: &Session) {
    let (header, slot) = (reader.view.header, reader.view.slot.expect("a slot is held"));
    let (now, backfill) = (shared.wal.published().expect("a header is published"), shared.wal.backfill());
    if slot == 0 {
        // Others may append and restart, but not copy pages into the file that this snapshot reads.
        let copied_most = if now.seq == header.seq { header.mx_frame } else { 0 };
        assert!(backfill <= copied_most, "the database file is newer than the snapshot");
        return;
    }
    assert_eq!(now.salts, header.salts, "the log was restarted under a reader");
    assert!(backfill <= header.mx_frame, "frames behind the snapshot were copied");
    assert!(shared.wal.mark(slot) <= header.mx_frame, "the mark does not protect the snapshot");
}

/// After `before`, one connection runs `during` while another one starts to read.
fn read_start_beside(planted: Planted, before: &[Step], during: &'static [Step]) {
    let shared = database(planted);
    let mut writer = Connection::new(0, Arc::clone(&shared));
    for step in before {
        run(&mut writer, step.op()).expect("nobody is in the way");
    }
    let writer = thread(move || {
        for step in during {
            match run(&mut writer, step.op()) {
                Ok(_) | Err(Error::Busy | Error::BusySnapshot) => {}
                Err(error) => panic!("the writer failed: {error}"),
            }
        }
        writer
    });
    take_part();
    let mut reader = Session::new(1, Arc::clone(&shared));
    let mut begin = StateMachine::new(BeginRead::new(UseLog::IfNeeded));
    let began = loop {
        match begin.step(&mut reader) {
            Ok(IOResult::Done(())) => break Ok(()),
            Ok(IOResult::IO(io)) => {
                assert!(io.is_explicit_yield(), "a read start needs no I/O here");
                yield_now();
            }
            Err(error) => break Err(error),
        }
    };
    let writer = writer.join().expect("no panic");
    match began {
        Ok(()) => check_snapshot(&shared, &reader),
        Err(error) => assert!(matches!(error, Error::Busy | Error::Protocol), "the reader failed: {error}"),
    }
    assert_eq!(shared.disk.in_flight(), 0);
    drop(writer);
}

#[test]
fn a_read_start_gets_a_snapshot_that_its_slot_protects() {
    let rows: [(&str, &[Step], &[Step]); 4] = [
        ("a commit", &[Put], &[Put]),
        ("a checkpoint", &[Put], &[Checkpoint]),
        ("a restart of the log", &[Put, Checkpoint], &[Put]),
        ("a commit and its checkpoint", &[Put, Checkpoint, Put], &[Put, Checkpoint]),
    ];
    for (what, before, during) in rows {
        let what = format!("read start x {what}");
        explore(&what, Bound::Preemptions(3), move || read_start_beside(CORRECT, before, during));
    }
}

#[test]
fn loom_finds_what_breaks_the_promise_of_a_slot() {
    let (newer, restarted) = ("newer than the snapshot", "restarted under a reader");
    let rows: [(Bug, &[Step], &[Step], &str); 5] = [
        (Bug::WalSlot0NotRevalidated, &[Put, Checkpoint], &[Put, Checkpoint], newer),
        (Bug::CkptNoSlot0Exclusive, &[Put, Checkpoint], &[Put, Checkpoint], newer),
        (Bug::WalSkipReadMarkRecheck, &[Put], &[Put, Checkpoint, Put], restarted),
        (Bug::WalRestartUnderReaders, &[Put], &[Checkpoint, Put], restarted),
        (Bug::CkptIgnoresReadMarks, &[Put], &[Put, Checkpoint], "were copied"),
    ];
    for (bug, before, during, message) in rows {
        expect_failure(bug.id(), Bound::Preemptions(3), message, move || {
            read_start_beside(with(bug), before, during);
        });
    }
}
