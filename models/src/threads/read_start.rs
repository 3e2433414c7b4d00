//! Starting a read transaction while another connection writes, checkpoints or restarts the log: the snapshot that is
//! adopted is protected by the slot that is held.
//!
//! Whole statements run here (b-tree, log, disk), on a thread that finishes its own I/O; the main thread takes the turns
//! of `BeginRead`.

use super::Stage;
use super::programs::run_alone;
use crate::connection::{Connection, Op};
use crate::disk::Disk;
use crate::io::{IOResult, StateMachine};
use crate::session::{Config, Error, Session, Shared};
use crate::sync::{Arc, race, yield_now};
use crate::table::initial_database;
use crate::wal::{BeginRead, CheckpointMode, UseLog};

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
        assert!(backfill <= copied_most, "TX-3: the database file is newer than the snapshot");
        return;
    }
    assert_eq!(now.salts, header.salts, "WAL-7: the log was restarted under a reader");
    assert!(backfill <= header.mx_frame, "WAL-7: frames behind the snapshot were copied");
    assert!(shared.wal.mark(slot) <= header.mx_frame, "TX-3: the mark does not protect the snapshot");
}

/// After `before`, one connection runs `during` while another one starts to read.
fn read_start_beside(stage: &Stage, before: &[Step], during: &'static [Step]) {
    let log = stage.log();
    let disk = Disk::new(Arc::clone(&log), 512, initial_database(512));
    let config = Config { micro: false, busy_retries: 1, read_slots: 1, planted: stage.planted, ..Config::default() };
    let shared = Shared::new(config, disk, log);
    let mut writer = Connection::new(0, Arc::clone(&shared));
    for step in before {
        run_alone(&mut writer, step.op()).expect("nobody is in the way");
    }
    let writing = Box::new(move || {
        for step in during {
            match run_alone(&mut writer, step.op()) {
                Ok(_) | Err(Error::Busy | Error::BusySnapshot) => {}
                Err(error) => panic!("the writer failed: {error}"),
            }
        }
    });
    let mut reader = Session::new(1, Arc::clone(&shared));
    let mut began = Ok(());
    race(vec![writing], || began = begin_read(&mut reader));
    match began {
        Ok(()) => check_snapshot(&shared, &reader),
        Err(error) => assert!(matches!(error, Error::Busy | Error::Protocol), "the reader failed: {error}"),
    }
    assert_eq!(shared.disk.in_flight(), 0, "IO-6: nothing stays in flight");
}

fn begin_read(reader: &mut Session) -> Result<(), Error> {
    let mut begin = StateMachine::new(BeginRead::new(UseLog::IfNeeded));
    loop {
        match begin.step(reader)? {
            IOResult::Done(()) => return Ok(()),
            IOResult::IO(io) => {
                assert!(io.is_explicit_yield(), "a read start needs no I/O here");
                yield_now();
            }
        }
    }
}

pub(super) fn commit_and_checkpoint(stage: &Stage) {
    read_start_beside(stage, &[Put, Checkpoint], &[Put, Checkpoint]);
}

pub(super) fn checkpoint(stage: &Stage) {
    read_start_beside(stage, &[Put], &[Put, Checkpoint]);
}

pub(super) fn restart(stage: &Stage) {
    read_start_beside(stage, &[Put], &[Checkpoint, Put]);
}

pub(super) fn all(stage: &Stage) {
    read_start_beside(stage, &[Put], &[Put, Checkpoint, Put]);
}
