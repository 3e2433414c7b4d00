//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use falken_harness::check::Model;
use falken_harness::strategy::Aim;
use falken_harness::subject::Engine;

use crate::nightly::{Shard, shard};
use crate::report_files::{self, ReportFile};
use crate::{command, exit, history_file, subject};

/// Deterministic, multi-connection concurrency stress tester for database engines with cooperative I/O.
///
/// Many simulated connections step their own state machines over a shared pager and write-ahead log; an invariant checker
/// looks at every completion callback, every cancel and every step. A violation is explained, written to a repro file, and
/// replayed bit for bit.
#[derive(Debug, Parser)]
#[command(name = "falken", version, after_help = exit::TABLE)]
pub struct Cli {
    /// What to do; without a command, the default scenario is run.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario many times with different seeds
    Run(Run),
    /// Try every schedule of a small scenario whose clients run programs
    Explore(Explore),
    /// Replay a repro file and say whether it still fails in the same way
    Replay(Replay),
    /// Disturb every statement of a scenario at each of its yields in turn
    Sweep(Sweep),
    /// Make a repro file as small as it gets: fewer connections, statements, switches, faults, bytes
    Shrink(Shrink),
    /// Run operations on real threads, in every order (loom), in sampled ones (shuttle), or as the machine likes
    Threads(Threads),
    /// A worker of `threads`: takes a job on stdin
    #[command(hide = true)]
    ThreadsWorker,
    /// Measure how soon planted bugs are found
    Bugs(Bugs),
    /// Run the whole catalogue for hours on all cores, group what fails, and keep everything in a directory
    Nightly(Nightly),
    /// Write the report of a night again, or join the nights of several machines
    Report(ReportOf),
    /// Make runs for a nightly that asks for them; not for people
    #[command(hide = true)]
    Worker(Worker),
    /// Judge a history of client calls: Elle's EDN, or JSON lines
    Check(Check),
    /// List scenarios, planted bugs, invariants, probes or strategies
    List(List),
    /// Print a completion script for a shell
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// A seed: decimal, or hexadecimal with `0x`.
fn seed(text: &str) -> Result<u64, String> {
    let parsed = text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16));
    parsed.map_err(|_| "a seed is a number up to 2^64, decimal or 0x…".into())
}

/// Where reports go, for every command that has one.
#[derive(Args, Clone, Debug, Default)]
pub struct ReportFiles {
    /// Write reports to files as well: `junit=report.xml,md=report.md`
    #[arg(long = "report", value_name = "FORMAT=FILE", value_delimiter = ',', value_parser = report_files::parse, long_help = report_files::help())]
    pub files: Vec<ReportFile>,
}

/// Options of `run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken run                                      the default scenario
  falken run crash-and-recover --runs 5000        five thousand runs of another one
  falken run my.toml --seed 7 --steps 1000        a scenario of your own
  falken run --catalogue --runs 100 --probes      every scenario, and what none of them ever came to
  falken run --plant ckpt.ignores-read-marks      see a planted bug caught, in a scenario that shows it")]
pub struct Run {
    /// A scenario's name (see `falken list`) or the path of a scenario file (default: readers-writers-checkpointer, or with
    /// `--plant` a scenario that shows the bug)
    pub scenario: Option<String>,
    /// Run every scenario of the catalogue; --runs is for each of them
    #[arg(long, conflicts_with_all = ["scenario", "plant", "verify_determinism", "keep_files", "history", "check", "files"])]
    pub catalogue: bool,
    /// Say which probes were never hit: conditions, sites, states of the machines, errors of each kind of statement
    #[arg(long)]
    pub probes: bool,
    /// Seed of the first run; the others follow it (decimal, or hexadecimal with 0x)
    #[arg(long, allow_negative_numbers = true, value_parser = seed, default_value = "1")]
    pub seed: u64,
    /// How many runs
    #[arg(long, allow_negative_numbers = true, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: u64,
    /// Actions per run after which clients start nothing new (default: the scenario's)
    #[arg(long, allow_negative_numbers = true)]
    pub steps: Option<u64>,
    /// Runs at a time (default: one per core)
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// What answers the choices (default: portfolio, or with `--plant` and no scenario one that shows the bug)
    #[arg(long)]
    pub strategy: Option<String>,
    /// Plant a bug of the catalogue (see `falken list bugs`)
    #[arg(long, value_name = "BUG")]
    pub plant: Option<String>,
    /// The engine that is run: `models`, or `turso` in a build with that feature (default: the scenario's, or else models)
    #[arg(long, value_parser = subject::engine, conflicts_with_all = ["plant", "check"])]
    pub subject: Option<Engine>,
    /// A call of an engine that takes longer counts as hung, and falken ends (the models' always return)
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = 60.0, value_parser = seconds)]
    pub call_limit: f64,
    /// Where repro files go
    #[arg(long, value_name = "DIR", default_value = "falken-repros")]
    pub repro_dir: PathBuf,
    /// Go on behind violations that fail as a repro of this directory does, and count them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["verify_determinism", "check"])]
    pub known: Option<PathBuf>,
    /// Report a violation as it was found
    #[arg(long)]
    pub no_shrink: bool,
    /// The most seconds to spend on shrinking a violation, and as many again on finding which orders matter
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = 20)]
    pub shrink_seconds: u32,
    /// Make every run twice, compare all choices and events, and report nothing but that
    #[arg(long)]
    pub verify_determinism: bool,
    /// Write the database and log of the last run to real files in this directory
    #[arg(long, value_name = "DIR")]
    pub keep_files: Option<PathBuf>,
    /// Write what the clients called and were told: to a .edn or .jsonl file for the failed run, or else the last one; any
    /// other name is a directory, which is made, and gets a file for every run
    #[arg(long, value_name = "FILE|DIR")]
    pub history: Option<PathBuf>,
    /// What that history must satisfy (TX-9; default: the scenario's, which is strong-serializable unless it says otherwise)
    #[arg(long, value_parser = command::check::model)]
    pub model: Option<Model>,
    /// Ask for a second opinion on the files after each crash and at the end of each run
    #[arg(long, value_enum, default_value_t = OracleKind::None)]
    pub oracle: OracleKind,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Check this instead of running schedules; --runs is the number of seeds
    #[arg(long, value_enum)]
    pub check: Option<RunCheck>,
    /// Which invariants are checked: `all`, `cheap`, `none`, or ids and names with commas between (see `falken list invariants`)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub checks: Vec<String>,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `explore`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken explore two-writers-one-checkpointer                  every schedule; exit 0 says that all were tried
  falken explore my.toml --preemptions 2                       only those with at most two preemptions
  falken explore my.toml --state-dir search                    Ctrl-C and the same command again: it goes on
  falken explore writer-and-checkpointer --plant ckpt.ignores-read-marks

The clients of the scenario must run programs (see `falken list scenarios`). Each state is looked at once, so what counts
is how many states there are: keep programs short, `busy-retries` and `read-retries` small, `read-slots` few, and
`[schedule] header = \"copies\"`. Faults of the scenario are tried wherever they can happen; bound them with --faults.
A failed write leaves none or all of its bytes, and the proof at the end runs with one order of its I/O.")]
pub struct Explore {
    /// A scenario's name (see `falken list`) or the path of a scenario file
    pub scenario: String,
    /// Plant a bug of the catalogue (see `falken list bugs`)
    #[arg(long, value_name = "BUG")]
    pub plant: Option<String>,
    /// Only schedules in which a connection that could go on has to wait at most this often
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub preemptions: Option<u32>,
    /// Only runs with at most this many faults: crashes, dropped connections, abandoned statements, failed operations
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub faults: Option<u32>,
    /// Give up beyond this many actions after the setup (exit code 6)
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub depth: Option<u64>,
    /// Give up once this many states were found (exit code 6)
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=4_000_000_000))]
    pub states: Option<u64>,
    /// Keep the search in this directory; the same command goes on where it was
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Threads; the result is the same for any number (default: one per core)
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// From which salts are made (decimal, or hexadecimal with 0x)
    #[arg(long, allow_negative_numbers = true, value_parser = seed, default_value = "1")]
    pub seed: u64,
    /// Where repro files go
    #[arg(long, value_name = "DIR", default_value = "falken-repros")]
    pub repro_dir: PathBuf,
    /// Which invariants are checked: `all`, `cheap`, `none`, or ids and names with commas between (see `falken list invariants`)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub checks: Vec<String>,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Checks that replace the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RunCheck {
    /// Each statement does the same without a yield, with a yield at each site, and with yields everywhere
    YieldInvariance,
}

/// Second opinions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OracleKind {
    /// None: the independent parser of falken judges alone
    None,
    /// Stock SQLite recovers a copy of the files
    Sqlite,
}

/// Options of `sweep`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken sweep put-overflow-under-checkpoint                 abandon, drop, interrupt, cancel and fail at every point of one schedule
  falken sweep mine.toml --with abandon --schedules 20       abandon only, in twenty schedules

One run per point: statements times yields. Scenarios of fixed programs are made for this; others need few --steps.")]
pub struct Sweep {
    /// A scenario's name (see `falken list`) or the path of a scenario file
    pub scenario: String,
    /// What happens at each point
    #[arg(long, value_delimiter = ',', value_parser = command::sweep::aim, default_values = Aim::ALL.map(Aim::name))]
    pub with: Vec<Aim>,
    /// What decides the schedule
    #[arg(long, default_value = "random")]
    pub strategy: String,
    /// Seed of the first schedule; the others follow it (decimal, or hexadecimal with 0x)
    #[arg(long, allow_negative_numbers = true, value_parser = seed, default_value = "1")]
    pub seed: u64,
    /// How many schedules
    #[arg(long, allow_negative_numbers = true, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub schedules: u64,
    /// Actions per run after which clients start nothing new (default: the scenario's)
    #[arg(long, allow_negative_numbers = true)]
    pub steps: Option<u64>,
    /// Runs at a time (default: one per core)
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Plant a bug of the catalogue (see `falken list bugs`)
    #[arg(long, value_name = "BUG")]
    pub plant: Option<String>,
    /// Where repro files go
    #[arg(long, value_name = "DIR", default_value = "falken-repros")]
    pub repro_dir: PathBuf,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `threads`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken threads group-cancel                            every execution within the form's bound, under loom
  falken threads group-cancel --preemptions 2            fewer of them
  falken threads transactions --engine shuttle           sampled schedules of whole transactions with an I/O pool
  falken threads two-commits --engine os --runs 2000     the machine's own threads
  falken threads --plant group.link-after-finish         see a planted bug caught, in a form that shows it
  falken list threads                                    the forms, and the scenarios that run on threads

Loom explores all executions with at most K preemptions; shuttle draws N schedules from the seed; the machine's threads run
N times. The worker is a process of its own, so that whatever a failing execution does its schedule is kept.")]
pub struct Threads {
    /// A form's name, a scenario's name or the path of a scenario file with a `[threads]` section (default with `--plant`: a
    /// form that shows the bug)
    #[arg(required_unless_present = "plant")]
    pub scenario: Option<String>,
    /// What explores (default: the first that the form or scenario supports)
    #[arg(long, value_enum)]
    pub engine: Option<EngineKind>,
    /// Loom: only executions with at most this many preemptions (default: the form's or scenario's bound)
    #[arg(long, allow_negative_numbers = true, value_name = "K", value_parser = clap::value_parser!(u8).range(0..=20))]
    pub preemptions: Option<u8>,
    /// Loom: all executions, whatever the bound of the form or scenario is
    #[arg(long, conflicts_with = "preemptions")]
    pub full: bool,
    /// Shuttle and os: how many executions
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub runs: Option<u64>,
    /// Shuttle: from which schedules are drawn (decimal, or hexadecimal with 0x)
    #[arg(long, allow_negative_numbers = true, value_parser = seed)]
    pub seed: Option<u64>,
    /// Shuttle: what samples schedules: random, pct-3, pos, urw, all of them in turn, or dfs for all schedules in order
    #[arg(long)]
    pub strategy: Option<String>,
    /// Plant a bug of the catalogue (see `falken list bugs`)
    #[arg(long, value_name = "BUG")]
    pub plant: Option<String>,
    /// Where repro files go
    #[arg(long, value_name = "DIR", default_value = "falken-repros")]
    pub repro_dir: PathBuf,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Engines of `threads`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineKind {
    /// Every execution within a bound on preemptions
    Loom,
    /// Sampled schedules
    Shuttle,
    /// The machine's own threads
    Os,
}

/// Options of `replay`.
#[derive(Args, Debug)]
#[command(after_help = "\
On code that has changed since the file was written, entries of the tape that are not offered are skipped, and the first of
them is named. The exit code is that of the violation as long as it is still there, and 5 if it is not.")]
pub struct Replay {
    /// The repro file
    pub file: PathBuf,
    /// Say for each order on the tape whether another one fails too, and which two steps race
    #[arg(long)]
    pub explain: bool,
    /// Write what the clients called and were told to this .edn or .jsonl file, for `falken check`
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Take anything but the same events, bit for bit, for nondeterminism
    #[arg(long)]
    pub strict: bool,
    /// A call of an engine that takes longer counts as hung, and falken ends (the models' always return)
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = 60.0, value_parser = seconds)]
    pub call_limit: f64,
    /// Which invariants are checked: `all`, `cheap`, `none`, or ids and names with commas between (see `falken list invariants`)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub checks: Vec<String>,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `shrink`.
#[derive(Args, Debug)]
#[command(after_help = "\
An action of a shrunk repro is a context switch, the end of an operation of the disk, or a fault; what a connection does
between two of them counts as steps. A smaller case counts only if the same invariant fails for the same cause.

Examples:
  falken shrink falken-repros/long-readers-wal-7-1.raw.toml -o small.toml
  falken shrink small.toml --certify      exit code 6 if the search was not finished in time")]
pub struct Shrink {
    /// The repro file
    pub file: PathBuf,
    /// Where the smaller one goes (default: FILE with the ending .shrunk.toml)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The most seconds to spend; as many again on finding which orders matter, and with --certify
    #[arg(long, allow_negative_numbers = true, default_value_t = 120)]
    pub seconds: u32,
    /// Then search every schedule of what is left that has fewer actions: the repro is a shortest one, or a shorter one follows
    #[arg(long)]
    pub certify: bool,
    /// Print a Rust test of the shrunk case instead of a report
    #[arg(long, conflicts_with = "json")]
    pub emit_test: bool,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `bugs`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken bugs --matrix                                 every bug x strategy x sync mode: what catches it, how soon
  falken bugs --matrix --format markdown --strategy random --strategy portfolio
  falken bugs --alone                                  does each invariant named for a bug catch it by itself?
  falken bugs --matrix --report html=kills.html,junit=kills.xml
  falken bugs --duel --trials 200                      every strategy on every planted bug
  falken bugs --duel --bug wal.slot0-not-revalidated   on one of them
  falken bugs --duel --strategy pos --strategy pct-3   two strategies only")]
pub struct Bugs {
    /// The kill matrix: which check catches each bug under each strategy and sync mode, how soon, and how small it shrinks;
    /// exit 1 if one survives
    #[arg(long, group = "what")]
    pub matrix: bool,
    /// Whether each invariant that the catalogue names for a bug catches it when it is the only one checked; exit 1 if not
    /// and no reason is known
    #[arg(long, group = "what")]
    pub alone: bool,
    /// Compare strategies: how many runs, actions and seconds until each finds each bug
    #[arg(long, group = "what")]
    pub duel: bool,
    /// Which invariants are checked: `all`, `cheap`, `none`, or ids and names with commas between (see `falken list invariants`)
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "alone")]
    pub checks: Vec<String>,
    /// Trials of each strategy on each bug (default: 20 of a duel, 3 of the matrix)
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub trials: Option<u64>,
    /// Runs after which a trial gives up; in a duel it counts with them
    #[arg(long, allow_negative_numbers = true, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub cap: u64,
    /// Seconds after which a trial of the matrix, or the search for a named check, gives up
    #[arg(long, allow_negative_numbers = true, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: u32,
    /// One line a bug: the sync mode in which it is caught soonest
    #[arg(long, requires = "matrix", conflicts_with = "json")]
    pub brief: bool,
    /// The most seconds to spend on shrinking a catch of the matrix; 0 shrinks nothing
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = 5)]
    pub shrink_seconds: u32,
    /// Only this sync mode; may be given several times (default: full and normal)
    #[arg(long, value_enum)]
    pub mode: Vec<SyncName>,
    /// Only this bug; may be given several times
    #[arg(long, value_name = "BUG")]
    pub bug: Vec<String>,
    /// Only this strategy; may be given several times
    #[arg(long, value_name = "STRATEGY")]
    pub strategy: Vec<String>,
    /// Trials at a time (default: one per core)
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = TableFormat::Text, conflicts_with = "json")]
    pub format: TableFormat,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// `PRAGMA synchronous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SyncName {
    /// Every commit is synced
    Full,
    /// Checkpoints are synced
    Normal,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Columns of the same width
    Text,
    /// A Markdown table
    Markdown,
    /// For programs
    Json,
}

/// Options of `check`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken run --runs 1 --history run.edn && falken check run.edn    judge a run of falken's own once more
  falken check theirs.jsonl --model snapshot-isolation            a history that another tester has made
  zcat theirs.edn.gz | falken check - --format edn                one from a pipe

A history has one call or return per line, as Elle and Jepsen write them:
  {:type :invoke, :process 0, :f :txn, :value [[:append 1 2] [:r 3 nil]]}
  {\"type\":\"ok\",\"process\":0,\"f\":\"txn\",\"value\":[[\"append\",1,2],[\"r\",3,[4,5]]]}

A pass says that the history is explained by the model, not that the engine always behaves so.")]
pub struct Check {
    /// The history: a .edn or .jsonl file, or - for stdin
    pub file: PathBuf,
    /// How it is written (default: what the file's name says)
    #[arg(long, value_enum)]
    pub format: Option<history_file::Format>,
    /// The consistency model that it must satisfy
    #[arg(long, value_parser = command::check::model, default_value = "strong-serializable")]
    pub model: Model,
    /// Draw the dependency cycles that were found
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write the verdict as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `list`.
#[derive(Args, Debug)]
pub struct List {
    /// What to list
    #[arg(value_enum, default_value_t = Listed::Scenarios)]
    pub what: Listed,
    /// Write the list as JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Listed {
    Scenarios,
    Bugs,
    Invariants,
    Faults,
    Probes,
    Strategies,
    Threads,
}

/// A length of time: `8h`, `90m`, `2m30s`, `45s`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no length of time: write 8h, 90m, 2m30s or 45s");
    let (mut seconds, mut number) = (0_u64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return Err(wrong()),
        };
        let parsed = std::mem::take(&mut number).parse::<u64>().map_err(|_| wrong())?;
        seconds = parsed.checked_mul(unit).and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
    }
    if seconds > 0 && number.is_empty() { Ok(Duration::from_secs(seconds)) } else { Err(wrong()) }
}

fn shard(text: &str) -> Result<Shard, String> {
    shard::read(text, &|name| std::env::var(name).ok())
}

/// Options of `nightly`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  falken nightly --for 8h                                    fresh seeds, a directory of its own below falken-nights
  falken nightly --for 8h --resume                           goes on with the last one after a kill or a power cut
  falken nightly --runs 20000 --seed-from $(git rev-parse HEAD)   the same runs for the same commit
  falken nightly --runs 20000 --seed-from X --shard 2/5      the second of five machines; see `falken report merge`
  falken nightly --for 2m --plant ckpt.ignores-read-marks --plant pin.leak-on-invalidate   does triage tell them apart?

What is in the state directory, ready files for GitHub Actions, Kubernetes and Slurm: scenarios/nightly/README.md.
A full disk stops the runs; what there is is reported, and the exit code is 3.")]
pub struct Nightly {
    /// Only these scenarios (default: the whole catalogue)
    pub scenarios: Vec<String>,
    /// How long: 8h, 90m, 2m30s, 45s. Triage comes after it
    #[arg(long = "for", value_name = "TIME", allow_hyphen_values = true, value_parser = duration, conflicts_with = "runs")]
    pub time: Option<Duration>,
    /// How many runs, on all machines together
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: Option<u64>,
    /// Make all seeds from a text, such as a commit hash (default: fresh seeds)
    #[arg(long, value_name = "COMMIT")]
    pub seed_from: Option<String>,
    /// Make only part K of N of the runs, or `auto`: what GitHub Actions, Kubernetes or Slurm says
    #[arg(long, value_name = "K/N", value_parser = shard, default_value = "1/1")]
    pub shard: Shard,
    /// Where everything goes (default: a new directory below falken-nights)
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Go on with the night in --state-dir, or with the last one below falken-nights; the plan is taken from there
    #[arg(long, conflicts_with_all = ["time", "runs", "seed_from", "plan", "plant", "scenarios", "steps", "subject"])]
    pub resume: bool,
    /// An earlier night to compare with (default: the last one below falken-nights with the same bugs planted)
    #[arg(long, value_name = "DIR")]
    pub previous: Option<PathBuf>,
    /// How runs are shared out over the scenarios (default: scenarios/nightly/plan.toml as it was when falken was built)
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The engine to run on: models or turso. Scenarios that it cannot run are skipped (default: what each scenario says)
    #[arg(long, value_parser = subject::engine, conflicts_with = "plant")]
    pub subject: Option<Engine>,
    /// Plant a bug; may be given several times: each run has one of them
    #[arg(long, value_name = "BUG")]
    pub plant: Vec<String>,
    /// Actions per run after which clients start nothing new (default: the scenario's)
    #[arg(long, allow_negative_numbers = true)]
    pub steps: Option<u64>,
    /// A run that takes longer is stopped and counts as hung
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = 60.0, value_parser = seconds)]
    pub wall_limit: f64,
    /// A run that wants more memory is stopped (Unix only)
    #[arg(long, allow_negative_numbers = true, value_name = "MB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..))]
    pub memory_limit: u64,
    /// Known repros that are replayed first (default: scenarios/regressions, if it is there)
    #[arg(long, value_name = "DIR")]
    pub regressions: Option<PathBuf>,
    /// Lines of results.jsonl that are kept; sums and failures are kept of all runs
    #[arg(long, value_name = "RUNS", allow_negative_numbers = true, default_value_t = 100_000)]
    pub keep_results: u64,
    /// Nights below falken-nights that are kept
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(2..))]
    pub keep_nights: u64,
    /// Runs at a time (default: one per core)
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Where reports go.
    #[command(flatten)]
    pub report: ReportFiles,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds: &f64| (0.001..=86_400.0).contains(seconds))
        .ok_or_else(|| "seconds are from 0.001 to 86400".into())
}

/// Options of `worker`.
#[derive(Args, Debug)]
pub struct Worker {
    /// Megabytes of address space.
    #[arg(long)]
    pub memory_mb: u64,
    /// Actions per run after which clients start nothing new.
    #[arg(long, allow_negative_numbers = true)]
    pub steps: Option<u64>,
    /// The engine, if it is not the scenarios'.
    #[arg(long, value_parser = subject::engine)]
    pub subject: Option<Engine>,
}

/// Options of `report`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  falken report falken-nights/2026-11-24T010000Z                        as text
  falken report DIR --format junit -o report.xml
  falken report DIR --format html --open                                and show it
  falken report merge shard-1 shard-2 shard-3 --out night               as if one machine had made the runs"
)]
pub struct ReportOf {
    /// Join instead of writing a report
    #[command(subcommand)]
    pub merge: Option<ReportCommand>,
    /// The state directory of a night that has ended
    #[arg(required = true)]
    pub dir: Option<PathBuf>,
    /// How it is written
    #[arg(long, default_value = "text", value_parser = command::report::format)]
    pub format: command::report::Format,
    /// Where it goes (default: stdout, or with --open report.FORMAT in DIR)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show it with the program that is meant for such files
    #[arg(long)]
    pub open: bool,
}

/// What else `report` does.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Join the state directories of a plan's shards as if one machine had made the runs
    Merge {
        /// The state directories.
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        /// Where the joined night goes: a new directory.
        #[arg(long)]
        out: PathBuf,
        /// Write the report of the joined night as JSON
        #[arg(long)]
        json: bool,
    },
}
