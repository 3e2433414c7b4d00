//! `falken nightly`: the whole catalogue for hours.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use falken_reports::format::Shows;
use falken_reports::night::Hex;

use super::report;
use super::run::{default_jobs, find_bug, stop_on_ctrl_c};
use crate::cli::{Nightly, Worker};
use crate::exit::{Exit, Failure};
use crate::nightly::{self, Conductor, Ended, Head, Limits, Plan, Shard, Share, State};
use crate::{catalog, report_files, subject};

/// Where nights go if the user names no directory.
const NIGHTS: &str = "falken-nights";

/// Runs a night.
///
/// # Errors
/// The options make no sense, the directory cannot be used, or a disk was full: then what there is was reported before.
pub fn nightly(options: &Nightly) -> Result<Exit, Failure> {
    report_files::prepare(&options.report.files)?;
    let (mut state, previous) = if options.resume { resume(options)? } else { begin(options)? };
    let stop = stop_on_ctrl_c()?;
    let limits = Limits {
        wall: Duration::from_secs_f64(options.wall_limit),
        memory_mb: options.memory_limit,
        steps: state.head.plan.steps,
        subject: state.head.plan.subject,
    };
    let jobs = options.jobs.map_or_else(default_jobs, usize::from);
    let regressions = options.regressions.as_deref();
    let conductor = Conductor { jobs, limits, regressions, previous: previous.as_deref(), stop: &stop };
    eprintln!("nightly: {}", state.dir.display());
    let Ended { night, broken } = conductor.go(&mut state)?;
    if options.state_dir.is_none() {
        forget(options.keep_nights);
    }
    report::print(&night, options.json)?;
    let exit = report::exit_of(&night);
    let files = &options.report.files;
    let shows = if report_files::need_recordings(files) { Shows::Recordings } else { Shows::Night };
    report_files::deliver(files, &report_files::of_night(night, shows))?;
    broken.map_or(Ok(exit), Err)
}

/// Answers the requests of a night.
///
/// # Errors
/// The limit cannot be set, or an answer cannot be written.
pub fn worker(options: &Worker) -> Result<Exit, Failure> {
    #[cfg(unix)]
    {
        let bytes = options.memory_mb.saturating_mul(1 << 20);
        nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_AS, bytes, bytes)
            .map_err(|error| Failure::Harness(format!("cannot limit the memory: {error}")))?;
    }
    nightly::serve(options.subject, options.steps).map(|()| Exit::Pass)
}

fn begin(options: &Nightly) -> Result<(State, Option<PathBuf>), Failure> {
    if options.time.is_none() && options.runs.is_none() {
        return Err(Failure::Input("say how long: --for 8h, or --runs 10000".into()));
    }
    if options.shard != Shard::WHOLE && options.seed_from.is_none() {
        let says = "--shard needs --seed-from: machines with different seeds do not make parts of one plan";
        return Err(Failure::Input(says.into()));
    }
    options.plant.iter().map(|id| find_bug(id)).collect::<Result<Vec<_>, _>>()?;
    for name in &options.scenarios {
        catalog::find(name)?;
    }
    let (shares, skipped) = fitting(nightly::shares(&options.scenarios, options.plan.as_deref())?, options)?;
    let seed = options.seed_from.as_deref().map_or_else(fresh_seed, nightly::seed_from);
    let plan = Plan {
        seed: Hex(seed),
        seed_from: options.seed_from.clone(),
        runs: options.runs,
        seconds: options.time.map(|time| time.as_secs()),
        planted: options.plant.clone(),
        subject: options.subject,
        skipped,
        scenarios: shares,
        steps: options.steps,
    };
    let named = options.previous.clone();
    if let Some(previous) = &named {
        nightly::read_head(previous)?;
    }
    let (dir, previous) = match &options.state_dir {
        Some(dir) => (dir.clone(), named),
        None => {
            let bugs = |mut bugs: Vec<String>| {
                bugs.sort_unstable();
                bugs
            };
            let wanted = bugs(options.plant.clone());
            let is_like_this = |dir: &PathBuf| {
                dir.join("night.json").exists() && nightly::planted_in(dir).map(bugs).as_ref() == Some(&wanted)
            };
            let last = nights().into_iter().rev().find(is_like_this);
            (Path::new(NIGHTS).join(jiff::Timestamp::now().strftime("%Y-%m-%dT%H%M%SZ").to_string()), named.or(last))
        }
    };
    Ok((State::create(&dir, Head::new(plan, options.shard, options.keep_results))?, previous))
}

/// Shares without what the engine cannot run, and what that is; a scenario that the user has named is refused instead.
fn fitting(shares: Vec<Share>, options: &Nightly) -> Result<(Vec<Share>, Vec<String>), Failure> {
    let (mut fitting, mut skipped) = (Vec::new(), Vec::new());
    for share in shares {
        let mut scenario = catalog::find(&share.name)?;
        match subject::skipped(&scenario, options.subject) {
            Some(why) if options.scenarios.is_empty() => {
                eprintln!("note: skipped {why}");
                skipped.push(why);
            }
            _ => {
                let left_out = subject::choose(&mut scenario, options.subject)?;
                subject::note_left_out(&scenario, &left_out);
                fitting.push(share);
            }
        }
    }
    Ok((fitting, skipped))
}

fn resume(options: &Nightly) -> Result<(State, Option<PathBuf>), Failure> {
    let last =
        || nights().pop().ok_or_else(|| Failure::Input(format!("there is no night below {NIGHTS} to go on with")));
    let dir = options.state_dir.clone().map_or_else(last, Ok)?;
    let mut state = State::open(&dir)?;
    if state.so_far.unreadable > 0 {
        let lines = state.so_far.unreadable;
        eprintln!("nightly: {lines} lines could not be read and were skipped; their runs are made again");
    }
    if options.shard != Shard::WHOLE && options.shard != state.head.shard {
        let says = format!("{} holds shard {}, not {}", dir.display(), state.head.shard, options.shard);
        return Err(Failure::Input(says));
    }
    state.reopen()?;
    Ok((state, options.previous.clone()))
}

/// The nights below [`NIGHTS`], oldest first: their names are their dates.
fn nights() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(NIGHTS) else { return Vec::new() };
    let mut dirs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    dirs.retain(|dir| dir.join("state.json").exists());
    dirs.sort();
    dirs
}

/// Removes the oldest nights. Their groups live on in the corpus of those after them.
fn forget(keep: u64) {
    let nights = nights();
    let old = nights.len().saturating_sub(keep as usize);
    for dir in &nights[..old] {
        if let Err(error) = fs::remove_dir_all(dir) {
            eprintln!("nightly: cannot remove {}: {error}", dir.display());
        }
    }
}

/// A seed that no other night has: the hasher of the standard library is keyed by the system's randomness.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
