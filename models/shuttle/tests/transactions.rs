//! Whole transactions: connections on threads of their own over one database, and a thread that is the disk.
//!
//! Nothing here is scheduled by falken: shuttle preempts the same machines at every atomic access and lock of the
//! wal-index, the disk, the event log and the completions.

mod support;

use falken_models_shuttle::bug::{Bug, Planted};
use falken_models_shuttle::connection::{BeginKind, Connection, Op, Outcome};
use falken_models_shuttle::disk::{Disk, Ending};
use falken_models_shuttle::event::{Event, EventKind, EventLog};
use falken_models_shuttle::io::{Completion, IOCompletions, IOResult};
use falken_models_shuttle::session::{Config, Error, Shared};
use falken_models_shuttle::sync::{Arc, AtomicU32, Ordering, waker};
use falken_models_shuttle::table::initial_database;
use falken_models_shuttle::wal::{CheckpointMode, LockId};
use shuttle::rand::Rng;
use shuttle::thread;
use support::{expect_failure, explore};

/// The row that every connection appends to.
const SHARED_ROW: i64 = 0;

fn database(planted: Planted) -> Arc<Shared> {
    let log = Arc::new(EventLog::default());
    let disk = Disk::new(Arc::clone(&log), 512, initial_database(512));
    let config = Config { micro: false, planted, ..Config::default() };
    Shared::new(config, disk, log)
}

/// The disk: finishes what is in flight, in any order, until nobody is left to submit.
fn serve(shared: &Shared, clients: &AtomicU32) {
    let mut in_flight = Vec::new();
    loop {
        shared.disk.list_in_flight(&mut in_flight);
        if in_flight.is_empty() {
            if clients.load(Ordering::SeqCst) == 0 {
                return;
            }
            thread::yield_now();
            continue;
        }
        let op = in_flight[shuttle::rand::thread_rng().gen_range(0..in_flight.len())].op;
        shared.disk.finish(op, Ending::Success);
    }
}

/// Waits like a runtime's worker: registers a waker that unparks this thread, looks, and parks. A lost wake is a
/// deadlock, which shuttle reports.
fn wait_for(completion: &Completion) {
    let waiter = thread::current();
    let waker = waker(move || waiter.unpark());
    while !completion.finished() {
        completion.set_waker(&waker);
        if !completion.finished() {
            thread::park();
        }
    }
}

/// Runs one statement to its end, parking while its I/O is in flight.
fn run(connection: &mut Connection, op: Op) -> Result<Outcome, Error> {
    connection.submit(0, op);
    loop {
        match connection.step(0)? {
            IOResult::Done(outcome) => return Ok(outcome),
            IOResult::IO(io) if io.is_explicit_yield() => thread::yield_now(),
            IOResult::IO(IOCompletions::Single(completion)) => wait_for(&completion),
        }
    }
}

/// Repeats a statement while BUSY says that it has had no effect.
fn insist(connection: &mut Connection, op: &Op) -> Result<Outcome, Error> {
    loop {
        match run(connection, op.clone()) {
            Err(Error::Busy) => thread::yield_now(),
            ended => return ended,
        }
    }
}

/// Runs a transaction, from its start again when its snapshot cannot be written on; returns what its statements did.
fn transaction(connection: &mut Connection, begin: BeginKind, statements: &[Op]) -> Vec<Outcome> {
    'again: loop {
        let mut outcomes = Vec::new();
        for op in [&[Op::Begin(begin)], statements, &[Op::Commit]].concat() {
            match insist(connection, &op) {
                Ok(outcome) => outcomes.push(outcome),
                Err(Error::BusySnapshot | Error::Protocol) => {
                    if connection.in_transaction() {
                        insist(connection, &Op::Rollback).expect("a rollback cannot fail");
                    }
                    thread::yield_now();
                    continue 'again;
                }
                Err(error) => panic!("{op:?} failed: {error}"),
            }
        }
        return outcomes;
    }
}

/// What one client does: rows of its own and the shared row, in transactions that take their locks early and late.
fn client(shared: Arc<Shared>, conn: u8, statements: u8) {
    let mut connection = Connection::new(conn, shared);
    for n in 0..statements {
        let key = conn * 10 + n;
        let row = i64::from(key);
        let put = Op::Put { key: row, value: Arc::from(vec![key; 40]) };
        let append = Op::Append { key: SHARED_ROW, element: Arc::from(&[key][..]) };
        let (begin, read) = match n % 2 {
            0 => (BeginKind::Deferred, SHARED_ROW),
            _ => (BeginKind::Immediate, row),
        };
        let own = Op::Get { key: row };
        let outcomes = transaction(&mut connection, begin, &[Op::Get { key: read }, put, append, own.clone()]);
        let value = Outcome::Value(Some(vec![key; 40]));
        assert_eq!(outcomes[4], value, "a transaction sees its own writes");
        assert_eq!(insist(&mut connection, &own), Ok(value), "a committed value is readable");
    }
}

/// Clients, and a checkpointer if there is one, over one database; then what must hold when all is quiet.
fn quiescence(planted: Planted, clients: u8, statements: u8, checkpoints: u8) {
    let shared = database(planted);
    let left = Arc::new(AtomicU32::new(u32::from(clients) + 1));
    let spawn = |body: Box<dyn FnOnce(Arc<Shared>) + Send>| {
        let (shared, left) = (Arc::clone(&shared), Arc::clone(&left));
        thread::spawn(move || {
            body(shared);
            left.fetch_sub(1, Ordering::SeqCst);
        })
    };
    let mut threads: Vec<_> =
        (1..=clients).map(|conn| spawn(Box::new(move |shared| client(shared, conn, statements)))).collect();
    threads.push(spawn(Box::new(move |shared| {
        let mut connection = Connection::new(0, shared);
        for _ in 0..checkpoints {
            insist(&mut connection, &Op::Checkpoint(CheckpointMode::Passive)).expect("nothing fails");
        }
    })));
    let disk = {
        let (shared, left) = (Arc::clone(&shared), Arc::clone(&left));
        thread::spawn(move || serve(&shared, &left))
    };
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    disk.join().expect("no panic");
    check(&shared, clients, statements);
}

fn check(shared: &Arc<Shared>, clients: u8, statements: u8) {
    assert_eq!(shared.disk.in_flight(), 0);
    for lock in (0..LockId::COUNT as u8).filter(|lock| LockId(*lock) != LockId::DATABASE) {
        assert_eq!(shared.wal.shared_holders(LockId(lock)), Some(0), "{} is still held", LockId(lock).name());
    }
    let mut events: Vec<Event> = Vec::new();
    shared.log.drain_into(&mut events);
    let runs = events.iter().filter_map(|event| match event.kind {
        EventKind::Callback { runs, .. } => Some(runs),
        _ => None,
    });
    assert!(runs.into_iter().all(|runs| runs == 1), "each operation's callback runs exactly once");

    let mut expected: Vec<u8> = (1..=clients).flat_map(|conn| (0..statements).map(move |n| conn * 10 + n)).collect();
    let rows = read_all(shared);
    for &key in &expected {
        assert!(rows.contains(&(i64::from(key), vec![key; 40])), "row {key} was committed and is lost");
    }
    let (_, list) = rows.iter().find(|(key, _)| *key == SHARED_ROW).expect("everybody appended to it");
    let mut appended = list.clone();
    appended.sort_unstable();
    expected.sort_unstable();
    assert_eq!(appended, expected, "an append was lost or repeated");
}

/// All rows, read by a new connection on this thread, which is the disk as well.
fn read_all(shared: &Arc<Shared>) -> Vec<(i64, Vec<u8>)> {
    let mut connection = Connection::new(9, Arc::clone(shared));
    connection.submit(0, Op::Scan);
    let mut in_flight = Vec::new();
    loop {
        match connection.step(0).expect("nobody is in the way") {
            IOResult::Done(Outcome::Rows(rows)) => return rows,
            IOResult::Done(other) => panic!("a scan returned {other:?}"),
            IOResult::IO(_) => {
                shared.disk.list_in_flight(&mut in_flight);
                in_flight.iter().for_each(|op| shared.disk.finish(op.op, Ending::Success));
            }
        }
    }
}

#[test]
fn everything_committed_is_readable_when_all_is_quiet() {
    explore("2 connections", 2_000, || quiescence(Planted(None), 2, 3, 0));
    explore("3 connections and a checkpointer", 2_000, || quiescence(Planted(None), 3, 2, 2));
}

#[test]
fn shuttle_finds_bugs_that_need_a_second_thread() {
    for (bug, message) in [
        // The commit waits for ever; the disk, which has nothing to do, is what runs out of steps.
        (Bug::GroupLinkAfterFinish, "max_steps"),
        (Bug::CompletionDoneBeforeCallback, "beyond the end of its file"),
        (Bug::WalNoBusySnapshotCheck, "lost"),
        (Bug::CacheKeptAcrossCommit, "lost"),
    ] {
        expect_failure(bug.id(), 1_000, message, move || quiescence(Planted(Some(bug)), 2, 2, 1));
    }
}
