//! `falken shrink`: a failure as a page that a person reads.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use falken_harness::case::Case;
use falken_harness::choice::{TapeEntry, Until};
use falken_harness::scenario::Clients;
use falken_harness::shrink::{self, Certificate, Certified, Explanation, Failing, Freedom, Progress, Race, Shrunk};
use falken_models::site::Site;
use falken_reports::{Order, Shrinking, Story};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Shrink;
use crate::exit::{Exit, Failure};
use crate::repro_file;

/// Shrinks a repro file.
///
/// # Errors
/// The file cannot be read or is none, its case does not fail, or the result cannot be written.
pub fn shrink(options: &Shrink) -> Result<Exit, Failure> {
    if let Some(repro) = super::threads::read_repro(&options.file)? {
        return super::threads::shrink(options, &repro);
    }
    let name = options.file.display().to_string();
    let mut repro = repro_file::read(&options.file)?;
    if repro.is_unfinished {
        let entry = super::run::find_strategy(&repro.strategy)?;
        repro.case.tape = repro.case.run_under((entry.new)(repro.case.seed)).tape;
    }
    let path = output(options);
    repro_file::must_be_writable(&path)?;
    let stop = super::run::stop_on_ctrl_c()?;
    let started = Instant::now();
    let limit = Duration::from_secs(options.seconds.into());
    let Some(mut shrunk) = within(repro.case.clone(), limit, &stop) else { return Err(gone(&name)) };
    let is_cut = !shrunk.is_fixed_point && stop.load(Ordering::Relaxed);
    let certificate = if options.certify && !is_cut { Some(certify(&mut shrunk, limit, &stop)?) } else { None };
    let smaller = repro_file::repro(shrunk.smallest.case.clone(), &repro.strategy, &shrunk.smallest.report);
    let written = repro_file::save_or_print(&path, &smaller.to_toml());
    let unwritten = written.clone().err().map(Failure::Harness);
    let is_unknown = is_cut || certificate.is_some_and(|certificate| !certificate.is_finished);
    if options.emit_test {
        let printed = super::print(&falken_reports::rust_test::write(&smaller))?;
        return unwritten.map_or(Ok(if is_unknown { Exit::Unknown } else { printed }), Err);
    }
    let found = super::replay::found(&smaller.case, &shrunk.smallest.report, written);
    let story = story(&shrunk, limit, Some(name), &stop).map(|story| Story { certificate, ..story });
    let found = falken_reports::Failure { story, ..found };
    let violation = found.violation.clone();
    let mut summary = super::replay::summarise(&smaller.case, &shrunk.smallest.report, Some(found), started.elapsed());
    summary.notes.extend(is_cut.then(|| "interrupted: this is the smallest case so far".into()));
    super::print(&falken_reports::write(if options.json { "json" } else { "text" }, &summary))?;
    let exit = if is_unknown { Exit::Unknown } else { super::exit_of(Some(&violation)) };
    unwritten.map_or(Ok(exit), Err)
}

/// Where the smaller case goes.
pub(super) fn output(options: &Shrink) -> PathBuf {
    options.output.clone().unwrap_or_else(|| options.file.with_extension("shrunk.toml"))
}

/// There is nothing to shrink.
pub(super) fn gone(name: &str) -> Failure {
    Failure::Gone(format!("{name} does not fail any more, so there is nothing to shrink"))
}

/// Searches for something shorter, and shrinks what it finds, until nothing is found or so much time is over.
fn certify(shrunk: &mut Shrunk, limit: Duration, stop: &AtomicBool) -> Result<Certificate, Failure> {
    let (started, bar) = (Instant::now(), bar());
    loop {
        let size = shrunk.smallest.size;
        let certified = shrink::certify(&shrunk.smallest, super::run::default_jobs(), &mut |states| {
            if !bar.is_hidden() {
                bar.set_message(format!("certifying {size}: {states} states"));
                bar.tick();
            }
            started.elapsed() < limit && !stop.load(Ordering::Relaxed)
        });
        match certified {
            None => {
                let why = "the time to shrink was too short to write its statements down as programs";
                return Err(Failure::Input(format!("what is left cannot be searched: {why} (see --seconds)")));
            }
            Some(Certified::None(certificate)) => {
                bar.finish_and_clear();
                return Ok(certificate);
            }
            Some(Certified::Shorter(found)) => {
                shrunk.is_fixed_point = false;
                let again = within(found.case.clone(), limit.saturating_sub(started.elapsed()), stop);
                shrunk.smallest = *found;
                if let Some(again) = again {
                    shrunk.replays += again.replays;
                    // Told as orders, it may have become longer again.
                    if again.smallest.size.actions() <= shrunk.smallest.size.actions() {
                        (shrunk.smallest, shrunk.is_fixed_point) = (again.smallest, again.is_fixed_point);
                    }
                }
            }
        }
    }
}

/// Shrinks a case for at most this long or until somebody says stop, with a bar on a terminal.
pub(super) fn within(case: Case, limit: Duration, stop: &AtomicBool) -> Option<Shrunk> {
    let started = Instant::now();
    let bar = bar();
    let shrunk = shrink::shrink(case, &mut |progress| {
        show(&bar, progress);
        started.elapsed() < limit && !stop.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    shrunk
}

pub(super) fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("shrinking {spinner} {msg}").expect("the template is well formed");
    ProgressBar::new_spinner().with_style(style)
}

fn show(bar: &ProgressBar, progress: &Progress<'_>) {
    if !bar.is_hidden() {
        let (before, now) = (progress.before, progress.now);
        bar.set_message(format!("{} of {} actions: {now}; {} runs", now.actions(), before.actions(), progress.replays));
        bar.tick();
    }
}

/// What shrinking led to, told and explained; `limit` is for asking which orders matter. Who has said stop does not wait for
/// that, and what is still a recording of every choice is no story then.
pub(super) fn story(shrunk: &Shrunk, limit: Duration, raw: Option<String>, stop: &AtomicBool) -> Option<Story> {
    if stop.load(Ordering::Relaxed) && !shrunk.smallest.case.scenario.is_finite() {
        return None;
    }
    let (started, bar) = (Instant::now(), bar());
    bar.set_message("which orders matter");
    let explanation = shrink::explain(&shrunk.smallest, &mut || {
        bar.tick();
        started.elapsed() < limit && !stop.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    Some(Story { raw, ..explained(shrunk, &explanation) })
}

/// The same with an explanation that is known already.
pub(crate) fn explained(shrunk: &Shrunk, explanation: &Explanation) -> Story {
    let Shrunk { replays, is_fixed_point, .. } = *shrunk;
    let shrinking = Some(Shrinking { replays, is_fixed_point });
    Story { before: shrunk.before, shrinking, ..told(&shrunk.smallest, explanation) }
}

/// A failing case, told and explained.
pub(super) fn tell(failing: &Failing) -> Story {
    told(failing, &shrink::explain(failing, &mut || true))
}

fn told(failing: &Failing, explanation: &Explanation) -> Story {
    let Failing { case, size, .. } = failing;
    let entries = case.tape.entries().iter().zip(&explanation.freedoms);
    let order = |(entry, freedom): (&TapeEntry, &Freedom)| Order {
        text: entry.id.to_string(),
        note: Some(freedom.name().into()),
    };
    Story {
        programs: case.scenario.clients.iter().map(program_of).collect(),
        orders: entries.map(order).collect(),
        settings: case.scenario.unusual_settings(),
        race: explanation.race.as_ref().map(race_in_words),
        before: *size,
        after: *size,
        shrinking: None,
        certificate: None,
        raw: None,
    }
}

/// What a connection runs, and behind it what it runs beside that in its second slot.
fn program_of(clients: &Clients) -> Vec<String> {
    let Clients { program, beside_program, mix, beside, .. } = clients;
    let drawn = |mix: &BTreeMap<String, u32>| (!mix.is_empty()).then(|| "transactions drawn from its mix".to_owned());
    let first = program.iter().cloned().chain(drawn(mix));
    let mut second = beside_program.iter().cloned().chain(drawn(beside));
    let begins = second.next().map(|statement| format!("beside that, in its second slot: {statement}"));
    first.chain(begins).chain(second).collect()
}

fn race_in_words(race: &Race) -> String {
    let place = |until: Until| {
        let site = until.site.map_or("its end", Site::name);
        let nth = if until.nth > 1 { format!(" (time {})", until.nth) } else { String::new() };
        format!("statement {} at {site}{nth}", until.statement)
    };
    let Race { stopped: (stopped, at), overtook: (overtook, to) } = *race;
    let at = place(at);
    match to {
        Some(to) => format!("{stopped}'s next step from {at} and {overtook}'s step to {}", place(to)),
        None => format!("{stopped}'s next step from {at} and what {overtook} does until it fails"),
    }
}

/// Where the failure as it was found goes, beside the shrunk one.
pub(super) fn raw_path(path: &Path) -> std::path::PathBuf {
    path.with_extension("raw.toml")
}
