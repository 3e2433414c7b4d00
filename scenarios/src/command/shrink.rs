//! `falken shrink`: a failure as a page that a person reads.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use falken_harness::case::Case;
use falken_harness::shrink::{self, Progress, Shrunk};
use falken_reports::{Order, Story};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Shrink;
use crate::exit::{Exit, Failure};
use crate::repro_file;

/// Shrinks a repro file.
///
/// # Errors
/// The file cannot be read or is none, its case does not fail, or the result cannot be written.
pub fn shrink(options: &Shrink) -> Result<Exit, Failure> {
    let name = options.file.display().to_string();
    let repro = repro_file::read(&options.file)?;
    let started = Instant::now();
    let Some(shrunk) = within(repro.case.clone(), Duration::from_secs(options.seconds.into())) else {
        return Err(Failure::Input(format!("{name} does not fail any more, so there is nothing to shrink")));
    };
    let smaller = repro_file::repro(shrunk.smallest.case.clone(), &repro.strategy, &shrunk.smallest.report);
    let path = options.output.clone().unwrap_or_else(|| options.file.with_extension("shrunk.toml"));
    repro_file::write_whole(&path, &smaller.to_toml())
        .map_err(|error| Failure::Harness(format!("cannot write {}: {error}", path.display())))?;
    let found = super::replay::found(&smaller.case, &shrunk.smallest.report, Ok(path.display().to_string()));
    let found = falken_reports::Failure { story: Some(story(&shrunk, Some(name))), ..found };
    let violation = found.violation.clone();
    let summary = super::replay::summarise(&smaller.case, &shrunk.smallest.report, Some(found), started.elapsed());
    super::print(&falken_reports::write(if options.json { "json" } else { "text" }, &summary))?;
    Ok(super::exit_of(Some(&violation)))
}

/// Shrinks a case for at most this long, with a bar on a terminal.
pub(super) fn within(case: Case, limit: Duration) -> Option<Shrunk> {
    let started = Instant::now();
    let bar = bar();
    let shrunk = shrink::shrink(case, &mut |progress| {
        show(&bar, progress);
        started.elapsed() < limit
    });
    bar.finish_and_clear();
    shrunk
}

fn bar() -> ProgressBar {
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

/// What shrinking led to, told.
pub(super) fn story(shrunk: &Shrunk, raw: Option<String>) -> Story {
    let case = &shrunk.smallest.case;
    Story {
        programs: case.scenario.clients.iter().map(|clients| clients.program.clone()).collect(),
        orders: case.tape.to_lines().into_iter().map(|text| Order { text, note: None }).collect(),
        settings: case.scenario.unusual_settings(),
        before: shrunk.before,
        after: shrunk.smallest.size,
        replays: shrunk.replays,
        is_fixed_point: shrunk.is_fixed_point,
        raw,
    }
}

/// Where the failure as it was found goes, beside the shrunk one.
pub(super) fn raw_path(path: &Path) -> std::path::PathBuf {
    path.with_extension("raw.toml")
}
