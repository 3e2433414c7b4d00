//! Yield invariance (*RE-1*): a statement gives the same result, the same frames and the same callbacks whether it runs
//! straight through or yields on the way.
//!
//! The statements of a scenario are run one after the other, in turns over its connections, on a disk that finishes every
//! operation at once, without a yield. The same statements are then run again: with a yield forced at one site, for each
//! site that there is, and with yields everywhere while the disk finishes operations late, oldest or newest first. Every
//! statement must do the same each time.
//!
//! Nobody runs in between, so this finds what a machine does wrong when it is re-entered, and not what others do to it
//! meanwhile: runs do that.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use falken_models::bug::Planted;
use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::disk::{Disk, Ending};
use falken_models::event::{Event, EventKind, EventLog};
use falken_models::io::IOResult;
use falken_models::session::{Config, Error, Straight};
use falken_models::site::Site;
use falken_models::sync::Arc;
use falken_models::table::initial_database;

use crate::choice::Chooser;
use crate::client::Client;
use crate::scenario::Scenario;
use crate::scenario::program::{parse_program, write_statement};
use crate::strategy::Strategy;
use crate::subject::{Models, Subject};
use crate::verdict::{Evidence, of_panic};

/// How many statements are compared at most.
const STATEMENTS_MAX: usize = 60;
/// Enough for every page: which one a full cache evicts, and so what is read again and spilled, depends on which reads are
/// under way, and no promise covers it.
const CACHE_PAGES: usize = 100_000;
/// More steps than any statement takes when it is alone.
const STEPS_MAX: u32 = 1_000_000;

/// How statements are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Without a yield.
    Straight,
    /// With a yield at this site.
    At(Site),
    /// With a yield at every site; operations end late, in this order.
    Everywhere { newest_first: bool },
}

impl Mode {
    fn name(self) -> String {
        match self {
            Self::Straight => "without a yield".into(),
            Self::At(site) => format!("with a yield at {}", site.name()),
            Self::Everywhere { newest_first: false } => "with yields everywhere".into(),
            Self::Everywhere { newest_first: true } => {
                "with yields everywhere, the newest operation ending first".into()
            }
        }
    }
}

/// What one statement did.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Did {
    result: Result<Outcome, Error>,
    /// Frames written: number, page, size field, digest.
    frames: Vec<(u32, u32, u32, u64)>,
    /// Pages copied by a checkpoint: page, frame, digest.
    copies: Vec<(u32, u32, u64)>,
    /// Callbacks, and how often they ran in all.
    callbacks: (u32, u32),
}

/// What a comparison covered.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Statements compared.
    pub statements: u64,
    /// Sites at which a yield was forced: all that the statements pass.
    pub sites: BTreeSet<Site>,
    /// Statements run for it, in all modes.
    pub runs: u64,
    /// How a statement that yields differs, if one does.
    pub broken: Option<(&'static str, Evidence)>,
}

/// Compares the statements that a scenario's clients run with this seed.
pub fn compare(scenario: &Scenario, seed: u64, planted: Planted, strategy: Box<dyn Strategy>) -> Compared {
    let mut compared = Compared::default();
    let Some(statements) = watch(&mut compared, "drawing statements", || draw(scenario, seed, strategy)) else {
        return compared;
    };
    compared.statements = statements.len() as u64;
    let run = |mode, sites: &mut BTreeSet<Site>| run_all(scenario, seed, planted, mode, &statements, sites);
    let everywhere = Mode::Everywhere { newest_first: false };
    let mut sites = BTreeSet::new();
    let Some(expected) = watch(&mut compared, &Mode::Straight.name(), || run(Mode::Straight, &mut BTreeSet::new()))
    else {
        return compared;
    };
    let first = watch(&mut compared, &everywhere.name(), || run(everywhere, &mut sites));
    compared.sites.clone_from(&sites);
    compared.runs = statements.len() as u64 * (sites.len() as u64 + 3);
    let Some(first) = first else { return compared };
    let check = |compared: &mut Compared, mode: Mode, found: &[Did]| {
        let differ = expected.iter().zip(found).position(|(expected, found)| expected != found);
        compared.broken = differ.map(|at| ("RE-1", describe(&statements, at, mode, &expected[at], &found[at])));
    };
    check(&mut compared, everywhere, &first);
    let forced = sites.iter().map(|site| Mode::At(*site));
    for mode in forced.chain([Mode::Everywhere { newest_first: true }]) {
        if compared.broken.is_some() {
            break;
        }
        if let Some(found) = watch(&mut compared, &mode.name(), || run(mode, &mut BTreeSet::new())) {
            check(&mut compared, mode, &found);
        }
    }
    compared
}

/// Turns a panic into a finding.
fn watch<T>(compared: &mut Compared, mode: &str, work: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => Some(value),
        Err(panic) => {
            let (id, evidence) = of_panic(&*panic);
            compared.broken = Some((id, evidence.with("run", mode)));
            None
        }
    }
}

/// The statements of the scenario's clients, by turns, as they would follow from what a straight run without planted bugs
/// answers.
fn draw(scenario: &Scenario, seed: u64, strategy: Box<dyn Strategy>) -> Vec<(u8, Op)> {
    let mut chooser = Chooser::new(strategy);
    let mut clients: Vec<Client> = (0..)
        .zip(scenario.each_client())
        .map(|(conn, clients)| Client::new(StatementId::first(conn), clients))
        .collect();
    let mut machine = Machine::new(scenario, seed, Planted(None), Mode::Straight);
    let mut statements = Vec::new();
    let setup = parse_program(&scenario.setup).expect("the scenario is valid");
    for op in setup.into_iter().flatten() {
        machine.run(0, op.clone(), &mut BTreeSet::new());
        statements.push((0, op));
    }
    let end = statements.len() + STATEMENTS_MAX;
    while statements.len() < end && clients.iter().any(|client| client.has_queued() || client.has_more()) {
        for (conn, client) in (0..).zip(&mut clients) {
            if !client.has_queued() && client.has_more() {
                client.take(&mut chooser, &scenario.rows);
            }
            let Some(op) = client.next_queued() else { continue };
            let did = machine.run(conn, op.clone(), &mut BTreeSet::new());
            client.ended(did.result.err(), machine.models.in_transaction(conn));
            statements.push((conn, op));
        }
    }
    statements
}

fn run_all(
    scenario: &Scenario,
    seed: u64,
    planted: Planted,
    mode: Mode,
    statements: &[(u8, Op)],
    sites: &mut BTreeSet<Site>,
) -> Vec<Did> {
    let mut machine = Machine::new(scenario, seed, planted, mode);
    statements.iter().map(|(conn, op)| machine.run(*conn, op.clone(), sites)).collect()
}

/// The models on a disk of their own, running one statement at a time.
struct Machine {
    mode: Mode,
    disk: Arc<Disk>,
    log: Arc<EventLog>,
    models: Models,
}

impl Machine {
    fn new(scenario: &Scenario, seed: u64, planted: Planted, mode: Mode) -> Self {
        let (straight, micro) = match mode {
            Mode::Straight => (Straight::Yes, false),
            Mode::At(site) => (Straight::ExceptAt(site), false),
            Mode::Everywhere { .. } => (Straight::No, true),
        };
        let config =
            Config { straight, micro, planted, cache_pages: CACHE_PAGES, salt_seed: seed, ..scenario.config() };
        let log = Arc::new(EventLog::default());
        let disk = Disk::new(Arc::clone(&log), scenario.disk.sector_size, initial_database(config.page_size));
        if straight != Straight::No {
            disk.finish_at_once();
        }
        let mut models = Models::new(config, Arc::clone(&disk), Arc::clone(&log));
        models.open();
        (0..scenario.connections()).for_each(|conn| models.connect(conn));
        Self { mode, disk, log, models }
    }

    fn run(&mut self, conn: u8, op: Op, sites: &mut BTreeSet<Site>) -> Did {
        self.models.submit(StatementId::first(conn), op);
        let (mut events, mut in_flight) = (Vec::new(), Vec::new());
        for _ in 0..STEPS_MAX {
            let result = match self.models.step(StatementId::first(conn)) {
                Ok(IOResult::Done(outcome)) => Ok(outcome),
                Err(error) => Err(error),
                Ok(IOResult::IO(_)) => {
                    self.disk.list_in_flight(&mut in_flight);
                    let newest_first = self.mode == Mode::Everywhere { newest_first: true };
                    let next = if newest_first { in_flight.last() } else { in_flight.first() };
                    next.into_iter().for_each(|op| self.disk.finish(op.op, Ending::Success));
                    continue;
                }
            };
            // A statement that has ended may have left reads behind that nobody waits for.
            self.disk.list_in_flight(&mut in_flight);
            in_flight.iter().for_each(|op| self.disk.finish(op.op, Ending::Success));
            self.log.drain_into(&mut events);
            return Did::of(result, &events, sites);
        }
        panic!("LIVE-1: a statement that runs alone does not come to an end");
    }
}

impl Did {
    fn of(result: Result<Outcome, Error>, events: &[Event], sites: &mut BTreeSet<Site>) -> Self {
        let mut did = Self { result, frames: Vec::new(), copies: Vec::new(), callbacks: (0, 0) };
        for event in events {
            match event.kind {
                EventKind::Frame { frame, page, commit_pages, digest } => {
                    did.frames.push((frame, page, commit_pages, digest));
                }
                EventKind::CheckpointCopy { page, frame, digest } => did.copies.push((page, frame, digest)),
                EventKind::Callback { runs, .. } => {
                    did.callbacks.0 += 1;
                    did.callbacks.1 += runs;
                }
                EventKind::Yield { site } => _ = sites.insert(site),
                _ => {}
            }
        }
        did
    }
}

fn describe(statements: &[(u8, Op)], at: usize, mode: Mode, expected: &Did, found: &Did) -> Evidence {
    let (conn, op) = &statements[at];
    let what = if expected.result != found.result {
        "result"
    } else if (&expected.frames, &expected.copies) != (&found.frames, &found.copies) {
        "pages written"
    } else {
        "callbacks"
    };
    let side = |did: &Did| match what {
        "result" => format!("{:?}", did.result),
        "pages written" => format!("frames {:x?}, copies {:x?}", did.frames, did.copies),
        _ => format!("{} operations, {} callbacks", did.callbacks.0, did.callbacks.1),
    };
    Evidence::new(format!("a {} that yields differs from one that runs straight through: {what}", op.kind().name()))
        .with("statement", format!("number {} on c{conn}: {}", at + 1, write_statement(op, "v")))
        .with("run", mode.name())
        .with("straight through", side(expected))
        .with("with yields", side(found))
}
