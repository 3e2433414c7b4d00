//! What falken costs around the published engine: steps and statements a second of a run, against a loop written by hand
//! around the same engine, which takes the same steps in the same order on files in memory.
//!
//! `cargo bench -p falken -p falken-turso --features falken/turso --bench turso` (with `-p falken`, the engine is the one that falken
//! is built with, and not built again). Both sides take turns in one process, and each round has its own ratio, of which the
//! median comes first. Time is the process's own: other work on the machine disturbs little more than the caches.
//!
//! The order is falken's, written down while it runs: in another one the engine does other work, because other statements find the
//! database busy. Each side has a thread of its own for each run, without which the engine's thread-local buffers would make a run depend on
//! the one before. What the loop is spared is the deciding, the judging, and all that makes a run worth judging: the
//! copies and digests of what is written, what of it is durable, the events.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

use cpu_time::ProcessTime;
use falken_harness::choice::{Choice, Kind, OptionId};
use falken_harness::run::{RunReport, Settings, Submitted, run};
use falken_harness::scenario::{Journal, Scenario};
use falken_harness::strategy::{Random, Strategy};
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

/// How many connections there are.
const CONNECTIONS: usize = 4;

/// Runs of each side; each is on a database of its own.
const ROUNDS: u64 = 60;

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

/// Files in memory. Operations have their effect when they end, each by its owner and number.
#[derive(Default)]
struct Memory {
    in_flight: Mutex<Vec<Pending>>,
    /// For whom the engine works, and how many operations each connection has submitted.
    owner: AtomicUsize,
    submitted: [AtomicU32; CONNECTIONS],
    draws: AtomicU64,
}

struct Pending {
    owner: usize,
    ordinal: u32,
    file: Arc<Bytes>,
    effect: Effect,
    completion: Completion,
}

enum Effect {
    Read(u64),
    Write(u64, Vec<Arc<Buffer>>),
    Sync,
    Truncate(u64),
}

impl Memory {
    /// Lets an operation in flight end.
    fn end(&self, at: usize) {
        let Pending { file, effect, completion, .. } = self.in_flight.lock().unwrap().remove(at);
        let moved = file.apply(effect, &completion);
        completion.complete(moved as i32);
    }
}

struct Files {
    io: Arc<Memory>,
    database: Arc<Bytes>,
    log: Arc<Bytes>,
}

struct Bytes(Mutex<Vec<u8>>);

struct OnMemory {
    io: Arc<Memory>,
    file: Arc<Bytes>,
}

impl Bytes {
    fn apply(&self, effect: Effect, completion: &Completion) -> usize {
        let mut bytes = self.0.lock().unwrap();
        match effect {
            Effect::Read(pos) => {
                let into = completion.as_read().buf_arc();
                let from = &bytes[bytes.len().min(pos as usize)..];
                let moved = into.len().min(from.len());
                into.as_mut_slice()[..moved].copy_from_slice(&from[..moved]);
                moved
            }
            Effect::Write(pos, buffers) => {
                let mut at = pos as usize;
                for buffer in &buffers {
                    let end = at + buffer.len();
                    let len = bytes.len().max(end);
                    bytes.resize(len, 0);
                    bytes[at..end].copy_from_slice(buffer.as_slice());
                    at = end;
                }
                at - pos as usize
            }
            Effect::Sync => 0,
            Effect::Truncate(len) => {
                bytes.resize(len as usize, 0);
                0
            }
        }
    }
}

impl OnMemory {
    fn submit(&self, effect: Effect, completion: Completion) -> Result<Completion, LimboError> {
        let owner = self.io.owner.load(Ordering::Relaxed);
        let ordinal = self.io.submitted[owner].fetch_add(1, Ordering::Relaxed);
        let pending = Pending { owner, ordinal, file: Arc::clone(&self.file), effect, completion: completion.clone() };
        self.io.in_flight.lock().unwrap().push(pending);
        Ok(completion)
    }
}

impl File for OnMemory {
    fn lock_file(&self, _exclusive: bool) -> Result<(), LimboError> {
        Ok(())
    }

    fn unlock_file(&self) -> Result<(), LimboError> {
        Ok(())
    }

    fn pread(&self, pos: u64, completion: Completion) -> Result<Completion, LimboError> {
        self.submit(Effect::Read(pos), completion)
    }

    fn pwrite(&self, pos: u64, buffer: Arc<Buffer>, completion: Completion) -> Result<Completion, LimboError> {
        self.submit(Effect::Write(pos, vec![buffer]), completion)
    }

    fn pwritev(&self, pos: u64, buffers: Vec<Arc<Buffer>>, completion: Completion) -> Result<Completion, LimboError> {
        self.submit(Effect::Write(pos, buffers), completion)
    }

    fn sync(&self, completion: Completion, _kind: FileSyncType) -> Result<Completion, LimboError> {
        self.submit(Effect::Sync, completion)
    }

    fn size(&self) -> Result<u64, LimboError> {
        Ok(self.file.0.lock().unwrap().len() as u64)
    }

    fn truncate(&self, len: u64, completion: Completion) -> Result<Completion, LimboError> {
        self.submit(Effect::Truncate(len), completion)
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
        let file = Arc::clone(if path == engine::PATH { &self.database } else { &self.log });
        Ok(Arc::new(OnMemory { io: Arc::clone(&self.io), file }))
    }

    fn remove_file(&self, _path: &str) -> Result<(), LimboError> {
        Ok(())
    }

    /// Somebody waits inside: the oldest operation ends, as with falken.
    fn step(&self) -> Result<(), LimboError> {
        self.io.end(0);
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

/// Nobody is woken: the order is fixed.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

/// A connection of the loop, with the statements that it has to run.
struct Bare {
    handle: Arc<Connection>,
    ops: VecDeque<Op>,
    statement: Option<Statement>,
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
        match statement.step_with_waker(waker) {
            Ok(StepResult::IO | StepResult::Yield | StepResult::Sleep { .. }) => return false,
            Ok(StepResult::Row) => {
                std::hint::black_box(statement.row().map(sql::columns));
                return false;
            }
            Ok(StepResult::Done | StepResult::Busy | StepResult::Interrupt) | Err(_) => {}
        }
        self.statement = None;
        self.ops.pop_front();
        true
    }
}

/// The steps of a run once more, in their order, without falken.
fn bare(scenario: &Scenario, submitted: &[Submitted], order: &[OptionId]) -> Done {
    let memory = Arc::new(Memory::default());
    let file = |bytes| Arc::new(Bytes(Mutex::new(bytes)));
    let (database, log) = (file(initial_database(scenario.database.page_size)), file(Vec::new()));
    let io: Arc<dyn IO> = Arc::new(Files { io: Arc::clone(&memory), database, log: Arc::clone(&log) });
    let database = engine::open(&io).expect("it can be opened");
    let mut connections: Vec<Bare> = (0..scenario.connections())
        .map(|conn| {
            memory.owner.store(conn.into(), Ordering::Relaxed);
            let handle = engine::connect(&database, Journal::Wal, &scenario.config()).expect("it can be connected");
            let ops = submitted.iter().filter(|submitted| submitted.id.conn == conn);
            Bare { handle, ops: ops.map(|submitted| submitted.op.clone()).collect(), statement: None }
        })
        .collect();
    let waker = Waker::from(Arc::new(Nobody));
    let mut done = Done::default();
    for option in order {
        match option {
            OptionId::Step(id) => {
                memory.owner.store(id.conn.into(), Ordering::Relaxed);
                done.steps += 1;
                done.statements += u64::from(connections[usize::from(id.conn)].step(&waker));
            }
            OptionId::Finish { owner, ordinal } => {
                let this = |pending: &Pending| (pending.owner, pending.ordinal) == (usize::from(*owner), *ordinal);
                let at = memory.in_flight.lock().unwrap().iter().position(this);
                memory.end(at.expect("the same order has the same operations"));
            }
            other => unreachable!("{other} without faults"),
        }
    }
    done
}

/// The same as a run of falken's is made.
fn bare_on_own_thread(scenario: &Scenario, submitted: &[Submitted], order: &[OptionId]) -> Done {
    let started = ProcessTime::now();
    let run = || bare(scenario, submitted, order);
    let done = thread::scope(|scope| scope.spawn(run).join().expect("the loop ends"));
    Done { time: started.elapsed(), ..done }
}

/// A strategy that writes down who was chosen.
struct Noted {
    strategy: Random,
    order: Arc<Mutex<Vec<OptionId>>>,
}

impl Strategy for Noted {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        let index = self.strategy.choose(choice);
        if choice.kind == Kind::Who {
            self.order.lock().unwrap().push(choice.options[index]);
        }
        index
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.strategy.number(kind, key, most)
    }
}

/// A run of falken's under this strategy, with the steps that it took.
fn falken(scenario: &Scenario, seed: u64, strategy: Box<dyn Strategy>) -> (Done, RunReport) {
    let started = ProcessTime::now();
    let report = run(scenario, Settings { seed, planted: Planted(None), strategy, oracle: None });
    let time = started.elapsed();
    assert!(report.verdict.violation().is_none(), "the bench is about correct runs");
    let steps = report.actions - report.tally.endings;
    (Done { steps, statements: report.submitted.len() as u64, time }, report)
}

/// The order of a run, for which it is made once more.
fn order(scenario: &Scenario, seed: u64) -> Vec<OptionId> {
    let order = Arc::default();
    falken(scenario, seed, Box::new(Noted { strategy: Random::new(seed), order: Arc::clone(&order) }));
    let mut order = std::mem::take(&mut *order.lock().unwrap());
    // What settles the run afterwards is submitted by nobody.
    order.truncate(scenario.bounds.steps as usize);
    order
}

/// The one in the middle.
fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn main() {
    assert!(falken_turso::register(), "the bench is built with the engine");
    let scenario = Scenario::from_toml(SCENARIO).expect("the scenario is valid");
    let mut sides = [Done::default(), Done::default()];
    let mut ratios = [Vec::new(), Vec::new()];
    // The first round is for the caches.
    for seed in 0..=ROUNDS {
        let order = order(&scenario, seed);
        let (ours, report) = falken(&scenario, seed, Box::new(Random::new(seed)));
        let theirs = bare_on_own_thread(&scenario, &report.submitted, &order);
        if seed == 0 {
            continue;
        }
        for (which, ratios) in ratios.iter_mut().enumerate() {
            ratios.push(ours.rates()[which] / theirs.rates()[which]);
        }
        for (side, done) in sides.iter_mut().zip([ours, theirs]) {
            side.steps += done.steps;
            side.statements += done.statements;
            side.time += done.time;
        }
    }
    let [steps, statements] = ratios.map(median);
    println!("{ROUNDS} runs of four connections, WAL mode, no faults, cheap checks; seconds are the process's own");
    println!("  falken : bare loop   {steps:.2} in steps, {statements:.2} in statements");
    for (name, [steps, statements]) in
        [("falken", &sides[0]), ("bare loop", &sides[1])].map(|(name, side)| (name, side.rates()))
    {
        println!("  {name:<18} {steps:>9.0} engine steps/s {statements:>8.0} statements/s");
    }
}
