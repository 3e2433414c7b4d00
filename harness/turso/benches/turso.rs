//! What falken costs around the published engine: steps and statements a second of a run, against a loop written by hand
//! around the same engine, which runs the same statements of the same connections on files in memory.
//!
//! `cargo bench -p falken -p falken-turso --features falken/turso --bench turso` (with `-p falken`, the engine is the one that falken
//! is built with, and not built again). Both sides take turns in one process, so the ratios, which
//! come first, say something even on a machine that has other work; the rates then do not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use falken_harness::run::{RunReport, Settings, run};
use falken_harness::scenario::{Journal, Scenario};
use falken_harness::strategy::Random;
use falken_models::bug::Planted;
use falken_models::connection::Op;
use falken_models::table::initial_database;
use falken_turso::{engine, sql};
use turso_core::io::FileSyncType;
use turso_core::{
    Buffer, Clock, Completion, Connection, File, IO, LimboError, MonotonicInstant, OpenFlags, Statement, StepResult,
    WallClockInstant,
};

const SCENARIO: &str = "name = \"bench\"\nabout = \"four connections\"\nsubject = \"turso\"\nchecks.only = [\"cheap\"]\n\
    bounds.steps = 20000\n[[clients]]\ncount = 4\nmix = { put = 2, append = 2, get = 4, read-tx = 2, write-tx = 2 }\n";

/// Runs of each side; each is on a database of its own.
const ROUNDS: u64 = 30;

/// What one side has done.
#[derive(Default)]
struct Done {
    steps: u64,
    statements: u64,
    time: Duration,
}

impl Done {
    fn rates(&self) -> [f64; 2] {
        [self.steps, self.statements].map(|count| count as f64 / self.time.as_secs_f64())
    }
}

/// Files in memory. An operation is done when it is submitted, and ends when somebody asks for the next end.
#[derive(Default)]
struct Memory {
    ending: Mutex<VecDeque<(Completion, i32)>>,
    draws: AtomicU64,
}

struct Files {
    io: Arc<Memory>,
    database: Arc<Bytes>,
    log: Arc<Bytes>,
}

struct Bytes {
    io: Arc<Memory>,
    bytes: Mutex<Vec<u8>>,
}

impl Bytes {
    fn ends(&self, completion: Completion, moved: usize) -> Result<Completion, LimboError> {
        self.io.ending.lock().unwrap().push_back((completion.clone(), moved as i32));
        Ok(completion)
    }
}

impl File for Bytes {
    fn lock_file(&self, _exclusive: bool) -> Result<(), LimboError> {
        Ok(())
    }

    fn unlock_file(&self) -> Result<(), LimboError> {
        Ok(())
    }

    fn pread(&self, pos: u64, completion: Completion) -> Result<Completion, LimboError> {
        let into = completion.as_read().buf_arc();
        let bytes = self.bytes.lock().unwrap();
        let from = &bytes[bytes.len().min(pos as usize)..];
        let moved = into.len().min(from.len());
        into.as_mut_slice()[..moved].copy_from_slice(&from[..moved]);
        drop(bytes);
        self.ends(completion, moved)
    }

    fn pwrite(&self, pos: u64, buffer: Arc<Buffer>, completion: Completion) -> Result<Completion, LimboError> {
        self.pwritev(pos, vec![buffer], completion)
    }

    fn pwritev(&self, pos: u64, buffers: Vec<Arc<Buffer>>, completion: Completion) -> Result<Completion, LimboError> {
        let mut bytes = self.bytes.lock().unwrap();
        let mut at = pos as usize;
        for buffer in &buffers {
            let end = at + buffer.len();
            let len = bytes.len().max(end);
            bytes.resize(len, 0);
            bytes[at..end].copy_from_slice(buffer.as_slice());
            at = end;
        }
        drop(bytes);
        self.ends(completion, at - pos as usize)
    }

    fn sync(&self, completion: Completion, _kind: FileSyncType) -> Result<Completion, LimboError> {
        self.ends(completion, 0)
    }

    fn size(&self) -> Result<u64, LimboError> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn truncate(&self, len: u64, completion: Completion) -> Result<Completion, LimboError> {
        self.bytes.lock().unwrap().resize(len as usize, 0);
        self.ends(completion, 0)
    }
}

impl Clock for Files {
    fn current_time_monotonic(&self) -> MonotonicInstant {
        MonotonicInstant::now()
    }

    fn current_time_wall_clock(&self) -> WallClockInstant {
        WallClockInstant::now()
    }
}

impl IO for Files {
    fn open_file(&self, path: &str, _flags: OpenFlags, _direct: bool) -> Result<Arc<dyn File>, LimboError> {
        Ok(Arc::clone(if path == engine::PATH { &self.database } else { &self.log }) as Arc<dyn File>)
    }

    fn remove_file(&self, _path: &str) -> Result<(), LimboError> {
        Ok(())
    }

    fn step(&self) -> Result<(), LimboError> {
        let next = self.io.ending.lock().unwrap().pop_front();
        if let Some((completion, moved)) = next {
            completion.complete(moved);
        }
        Ok(())
    }

    fn generate_random_number(&self) -> i64 {
        let draw = self.io.draws.fetch_add(1, Ordering::Relaxed);
        falken_models::digest::mix(7, draw).cast_signed()
    }

    fn file_id(&self, path: &str) -> Result<turso_core::io::FileId, LimboError> {
        Ok(turso_core::io::FileId::from_path_hash(path))
    }
}

/// Rung when a statement may go on.
struct Rung(AtomicBool);

impl Wake for Rung {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection of the loop, with the statements that it has to run.
struct Bare {
    handle: Arc<Connection>,
    ops: VecDeque<Op>,
    statement: Option<Statement>,
    rung: Arc<Rung>,
}

impl Bare {
    /// Takes a step; says whether a statement has ended.
    fn step(&mut self, waker: &Waker) -> bool {
        let statement = match &mut self.statement {
            Some(statement) => statement,
            none => {
                let op = self.ops.front().expect("there is something left to do");
                let (text, parameters) = sql::statement(op, Journal::Wal, 0).expect("it is SQL");
                let mut statement = self.handle.prepare(&text).expect("it is good SQL");
                for (index, value) in (1..).filter_map(std::num::NonZero::new).zip(parameters) {
                    statement.bind_at(index, value).expect("the statement has this parameter");
                }
                none.insert(statement)
            }
        };
        self.rung.0.store(false, Ordering::Relaxed);
        match statement.step_with_waker(waker) {
            Ok(StepResult::IO) => return false,
            Ok(StepResult::Row | StepResult::Yield | StepResult::Sleep { .. }) => {
                let columns = statement.row().map(sql::columns);
                std::hint::black_box(columns);
                self.rung.0.store(true, Ordering::Relaxed);
                return false;
            }
            Ok(StepResult::Done | StepResult::Busy | StepResult::Interrupt) | Err(_) => {}
        }
        self.statement = None;
        self.ops.pop_front();
        self.rung.0.store(true, Ordering::Relaxed);
        true
    }
}

/// The statements of a run once more, without falken: whoever can go on goes on, in turn, and one operation ends.
fn bare(scenario: &Scenario, report: &RunReport) -> Done {
    let memory = Arc::new(Memory::default());
    let file = |bytes| Arc::new(Bytes { io: Arc::clone(&memory), bytes: Mutex::new(bytes) });
    let (database, log) = (file(initial_database(scenario.database.page_size)), file(Vec::new()));
    let started = Instant::now();
    let io: Arc<dyn IO> = Arc::new(Files { io: Arc::clone(&memory), database, log });
    let database = engine::open(&io).expect("it can be opened");
    let mut connections: Vec<Bare> = (0..scenario.connections())
        .map(|conn| {
            let handle = engine::connect(&database, Journal::Wal, &scenario.config()).expect("it can be connected");
            let ops = report.submitted.iter().filter(|submitted| submitted.id.conn == conn);
            let ops = ops.map(|submitted| submitted.op.clone()).collect();
            Bare { handle, ops, statement: None, rung: Arc::new(Rung(AtomicBool::new(true))) }
        })
        .collect();
    let wakers: Vec<Waker> = connections.iter().map(|bare| Waker::from(Arc::clone(&bare.rung))).collect();
    let mut done = Done::default();
    while connections.iter().any(|bare| !bare.ops.is_empty()) {
        for (bare, waker) in connections.iter_mut().zip(&wakers) {
            if !bare.ops.is_empty() && bare.rung.0.load(Ordering::Relaxed) {
                done.steps += 1;
                done.statements += u64::from(bare.step(waker));
            }
        }
        io.step().expect("memory does not fail");
    }
    drop(connections);
    done.time = started.elapsed();
    done
}

/// A run of falken's, with the steps that it took.
fn falken(scenario: &Scenario, seed: u64) -> (Done, RunReport) {
    let strategy = Box::new(Random::new(seed));
    let started = Instant::now();
    let report = run(scenario, Settings { seed, planted: Planted(None), strategy, oracle: None });
    let time = started.elapsed();
    assert!(report.verdict.violation().is_none(), "the bench is about correct runs");
    let steps = report.actions - report.tally.endings;
    (Done { steps, statements: report.submitted.len() as u64, time }, report)
}

fn main() {
    assert!(falken_turso::register(), "the bench is built with the engine");
    let scenario = Scenario::from_toml(SCENARIO).expect("the scenario is valid");
    let mut sides = [Done::default(), Done::default()];
    // The first round is for the caches.
    for seed in 0..=ROUNDS {
        let (ours, report) = falken(&scenario, seed);
        let theirs = bare(&scenario, &report);
        for (side, done) in sides.iter_mut().zip([ours, theirs]).filter(|_| seed > 0) {
            side.steps += done.steps;
            side.statements += done.statements;
            side.time += done.time;
        }
    }
    let [ours, theirs] = sides.map(|side| side.rates());
    println!("{ROUNDS} runs of four connections, WAL mode, no faults, cheap checks, one core");
    println!("  falken : bare loop   {:.2} in steps, {:.2} in statements", ours[0] / theirs[0], ours[1] / theirs[1]);
    for (name, [steps, statements]) in [("falken", ours), ("bare loop", theirs)] {
        println!("  {name:<18} {steps:>9.0} engine steps/s {statements:>8.0} statements/s");
    }
}
