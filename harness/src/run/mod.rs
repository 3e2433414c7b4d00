//! One run: *select* what happens next, *apply* it, *check* what it did.
//!
//! [`Run::go`] is the whole loop. `select.rs` asks the choices, `apply.rs` does what was chosen, `check.rs` judges it.

/// What invariants see now. A macro, because it borrows everything but the invariants themselves.
macro_rules! view {
    ($run:ident, $ended:expr) => {{
        let ended: Option<u8> = $ended;
        $crate::invariant::View {
            step: $run.step,
            ledger: &$run.ledger,
            internals: $run.subject.inspect(),
            wakers: &$run.wakers,
            ended,
            in_transaction: ended.is_some_and(|conn| $run.subject.in_transaction(conn)),
            polled: $run.polled.as_ref(),
            settled: $run.stage == $crate::run::Stage::Proving,
            history: &$run.history,
            model: $run.scenario.history.model,
            copy: std::cell::OnceCell::new(),
        }
    }};
}

mod apply;
mod begin;
mod check;
mod duty;
mod faults;
mod files;
mod footprint;
mod images;
mod record;
mod select;
mod state;
mod stuck;
mod tally;

use std::panic::{AssertUnwindSafe, catch_unwind};

use falken_models::bug::Planted;
use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::disk::{Disk, FileId, OpInfo};
use falken_models::event::{Event, EventLog};
use falken_models::io::IOCompletions;
use falken_models::session::{Config, Error, STATEMENT_SLOTS};
use falken_models::sync::Arc;
use falken_models::table::initial_database;

use crate::action::Action;
use crate::choice::{Chooser, OptionId, Standing, Tape};
use crate::client::Client;
use crate::fault::Fault;
use crate::history::run::Recorder;
use crate::image::{Coverage, Explorer, Readers};
use crate::invariant::{Checks, Parse};
use crate::ledger::Ledger;
use crate::parser::Rows;
use crate::probe::Hits;
use crate::scenario::Scenario;
use crate::scenario::program::parse_program;
use crate::strategy::{Divergence, Strategy};
use crate::subject::{Models, Subject};
use crate::trace::{Trace, Traced};
use crate::verdict::{Evidence, Verdict, Violation, of_panic};
use crate::wake::Wakers;
pub use begin::{Use, begin, run};
use duty::Duty;
pub(crate) use files::{differ, read_files};
pub use footprint::Footprint;
use images::Images;
pub use tally::Tally;

/// Recovers a copy of the files in another way, for comparison.
pub trait Oracle: Send {
    /// Compares what it finds in the files with the rows that must be there.
    ///
    /// # Errors
    /// Evidence that it finds something else, or files that are not intact.
    fn judge(&mut self, database: &[u8], log: &[u8], rows: &Rows) -> Result<(), Evidence>;
}

/// What a run needs besides its scenario.
pub struct Settings {
    /// From which salts are made; the strategy has its own copy.
    pub seed: u64,
    /// The planted bug, if any.
    pub planted: Planted,
    /// What answers the choices.
    pub strategy: Box<dyn Strategy>,
    /// A second opinion at crashes and at the end.
    pub oracle: Option<Box<dyn Oracle>>,
}

/// A statement that a client has submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// In which slot of which connection.
    pub id: StatementId,
    /// The statement.
    pub op: Op,
    /// Whether a transaction begins with it, as far as its client knows.
    pub begins: bool,
}

/// What came out of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The judgement.
    pub verdict: Verdict,
    /// The first damage that no protocol survives, if any was done.
    pub damage: Option<Fault>,
    /// Actions taken.
    pub actions: u64,
    /// The actions that a reader would count.
    pub tally: Tally,
    /// The situations that it came to.
    pub footprint: Footprint,
    /// What the clients submitted before faults stopped, in order.
    pub submitted: Vec<Submitted>,
    /// Commits published.
    pub commits: u64,
    /// Crashes survived.
    pub crashes: u64,
    /// How often each invariant of the table was evaluated.
    pub evaluated: Vec<u64>,
    /// How often each probe was hit.
    pub probes: Hits,
    /// What crash images have covered, if they were made.
    pub images: Option<Coverage>,
    /// What the clients called and were told.
    pub history: Recorder,
    /// The hash of all events and I/O bytes.
    pub hash: u64,
    /// The choices.
    pub tape: Tape,
    /// How a replay departed from its tape, if it did.
    pub divergence: Option<Divergence>,
    /// The last events.
    pub last_events: Vec<Traced>,
    /// The database file and the log as the run left them.
    pub files: [Vec<u8>; 2],
}

/// Where a run is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Connection 0 runs the scenario's setup, alone.
    Preparing,
    /// Clients start transactions; faults happen.
    Working,
    /// Faults have stopped; what was begun is brought to its end.
    Settling,
    /// Nothing was left: one client proves that everything still works.
    Proving,
}

/// What is done with what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// It is judged, and kept for the report.
    Report,
    /// It is judged.
    Judge,
    /// It was judged before: only what later judgements build on is brought up to date.
    Rebuild,
}

/// One run of one scenario over a subject.
pub struct Run<'a, S> {
    scenario: &'a Scenario,
    subject: S,
    disk: Arc<Disk>,
    log: Arc<EventLog>,
    chooser: Chooser,
    oracle: Option<Box<dyn Oracle>>,
    /// What an engine owes that shows no internals: the ledger knows nothing of it.
    duty: Option<Duty>,
    images: Images<'a, S>,
    clients: Vec<Client>,
    /// The statement that runs in each slot, by [`StatementId::index`]; so are the clients.
    running: Vec<Option<Op>>,
    /// Where each statement stands.
    standing: Vec<Standing>,
    /// What the clients have submitted so far, before faults stopped.
    submitted: Vec<Submitted>,
    tally: Tally,
    footprint: Footprint,
    /// The situation now: the sum of what each connection contributes.
    situation: u64,
    wakers: Wakers,
    ledger: Ledger,
    checks: Checks,
    history: Recorder,
    trace: Trace,
    probes: Hits,
    stage: Stage,
    pub(crate) watch: Watch,
    /// Actions taken so far.
    step: u64,
    /// The action at which the stage began.
    stage_began: u64,
    commits: u64,
    crashes: u64,
    injector: faults::Injector,
    /// The damage that no protocol survives, in order.
    damage: Vec<Fault>,
    /// Storage that is used again at every action.
    events: Vec<Event>,
    in_flight: Vec<OpInfo>,
    options: Vec<OptionId>,
    /// The connection that the action under way steps although it waits, and what it waited for.
    polled: Option<(StatementId, IOCompletions)>,
    /// A statement that the action under way has ended.
    ended: Option<Ended>,
}

struct Ended {
    id: StatementId,
    op: Op,
    result: Result<Outcome, Error>,
}

type Checked<T> = Result<T, Box<Violation>>;

impl<S: Subject> Run<'_, S> {
    /// Runs to the end or to the first violation.
    pub fn go(mut self) -> RunReport {
        let verdict = self.finish();
        self.report(verdict)
    }

    fn finish(&mut self) -> Checked<()> {
        catch_unwind(AssertUnwindSafe(|| self.drive())).unwrap_or_else(|panic| {
            let (invariant, evidence) = of_panic(&*panic);
            // A step that may do nothing has done something, whatever that broke besides.
            let only_polled = self.polled.is_some() && self.checks.has("RE-2") && !self.checks.has(invariant);
            Err(self.failed((if only_polled { "RE-2" } else { invariant }, evidence)))
        })
    }

    fn drive(&mut self) -> Checked<()> {
        while self.advance()? != Action::Finale {}
        Ok(())
    }

    /// Takes one action.
    #[inline]
    pub(crate) fn advance(&mut self) -> Checked<Action> {
        match self.take_action() {
            // The run cannot go on from there, so it ends without a word on what nobody asked.
            Err(violation) if !self.checks.has(violation.invariant) => Ok(Action::Finale),
            taken => taken,
        }
    }

    #[inline]
    fn take_action(&mut self) -> Checked<Action> {
        let action = self.select()?;
        self.take(action)?;
        Ok(action)
    }

    #[inline]
    fn take(&mut self, action: Action) -> Checked<()> {
        self.step += 1;
        self.tally.note(action);
        self.apply(action)?;
        self.check(action)?;
        self.polled = None;
        Ok(())
    }

    /// A violation at this step.
    pub(crate) fn failed(&self, (invariant, evidence): (&'static str, Evidence)) -> Box<Violation> {
        Box::new(Violation { invariant, step: self.step, evidence })
    }

    /// A violation in the middle of an action leaves events behind that explain it.
    fn note_rest(&mut self) {
        self.log.drain_into(&mut self.events);
        self.events.drain(..).for_each(|event| self.trace.note(self.step, event));
    }

    fn report(mut self, verdict: Checked<()>) -> RunReport {
        self.note_rest();
        self.note_visits(None);
        let verdict = verdict.map_err(|mut violation| {
            let explains = |fault: &Fault| fault.explains(violation.invariant);
            let explained_by = violation.evidence.explained_by.or(self.damage.iter().copied().find(explains));
            violation.evidence.explained_by = explained_by;
            violation
        });
        let (tape, divergence) = self.chooser.finish();
        RunReport {
            verdict: verdict.err().map_or(Verdict::Pass, Verdict::from),
            damage: self.damage.first().copied(),
            actions: self.step,
            tally: self.tally,
            footprint: self.footprint,
            submitted: self.submitted,
            commits: self.commits,
            crashes: self.crashes,
            evaluated: self.checks.evaluated(),
            probes: self.probes,
            images: self.images.coverage(),
            history: self.history,
            hash: self.trace.hash(),
            tape,
            divergence,
            last_events: self.trace.into_last(),
            files: FileId::ALL.map(|file| self.disk.contents(file)),
        }
    }
}

impl<'a> Run<'a, Models> {
    /// A run of the models.
    pub fn models(scenario: &'a Scenario, settings: Settings) -> Self {
        Self::over(scenario, settings, Models::new)
    }
}

impl<'a, S: Subject> Run<'a, S> {
    /// A run of any subject; `make` gets its configuration, the disk to do its I/O on, and the log for its events.
    pub fn over(
        scenario: &'a Scenario,
        settings: Settings,
        make: impl FnOnce(Config, Arc<Disk>, Arc<EventLog>) -> S,
    ) -> Self {
        let log = Arc::new(EventLog::default());
        let planted = if settings.planted.0.is_some() { settings.planted } else { scenario.planted() };
        let config = Config { planted, salt_seed: settings.seed, ..scenario.config() };
        let database = initial_database(config.page_size);
        let connections = scenario.connections();
        let mut ledger = Ledger::new(config.sync, config.page_size, connections, &database);
        let database = if config.create { ledger.without_file() } else { database };
        if scenario.faults.fsync_marked_clean.is_on() || scenario.faults.lying_fsync.is_on() {
            ledger.track_doubts();
        }
        if scenario.can_spoil_sectors() {
            ledger.track_sectors(scenario.disk.sector_size);
        }
        let disk = Disk::with_slots(Arc::clone(&log), scenario.disk.sector_size, database, scenario.ring_slots());
        let mut subject = make(config, Arc::clone(&disk), Arc::clone(&log));
        let duty = subject.inspect().is_none().then(|| Duty::new(config.sync));
        let is_opaque = duty.is_some();
        let selection = scenario.selection();
        let images = match &scenario.crash_images {
            Some(options) if is_opaque => {
                Images::Read(Box::new(Readers::new(options, scenario, config, selection.has("FORMAT"))))
            }
            Some(options) => {
                Images::Judged(Box::new(Explorer::new(options, settings.seed, &subject, scenario.disk.sector_size)))
            }
            None => Images::None,
        };
        subject.open();
        (0..connections).for_each(|conn| subject.connect(conn));
        let slots = |conn| (0..STATEMENT_SLOTS as u8).map(move |slot| StatementId { conn, slot });
        let per_connection = (0..).zip(scenario.each_client());
        let mut clients: Vec<Client> =
            per_connection.flat_map(|(conn, clients)| slots(conn).map(|id| Client::new(id, clients))).collect();
        let setup = parse_program(&scenario.setup).expect("the scenario is valid");
        // Nobody else is there, so nobody could tell where it yields.
        subject.set_micro(0, setup.is_empty() && config.micro);
        clients[0].enqueue(setup.into_iter().flatten());
        Run {
            scenario,
            subject,
            disk,
            log,
            chooser: Chooser::new(settings.strategy),
            oracle: settings.oracle,
            clients,
            duty,
            images,
            running: vec![None; usize::from(connections) * STATEMENT_SLOTS],
            standing: vec![Standing::default(); usize::from(connections) * STATEMENT_SLOTS],
            submitted: Vec::new(),
            tally: Tally::default(),
            footprint: Footprint::default(),
            situation: 0,
            wakers: Wakers::new(connections),
            ledger,
            checks: Checks::new(
                if scenario.is_finite() { Parse::Always } else { Parse::Sometimes },
                if is_opaque { selection.of_opaque() } else { selection },
            ),
            history: Recorder::default(),
            trace: Trace::default(),
            probes: Hits::default(),
            stage: Stage::Preparing,
            watch: Watch::Report,
            step: 0,
            stage_began: 0,
            commits: 0,
            crashes: 0,
            injector: faults::Injector::new(&scenario.faults),
            damage: Vec::new(),
            events: Vec::new(),
            in_flight: Vec::new(),
            options: Vec::new(),
            polled: None,
            ended: None,
        }
    }
}
