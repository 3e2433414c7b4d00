//! `falken report`: the report of a night again, in any format, or of several machines' nights joined.

use falken_reports::format::{self, FORMATS, FormatEntry, Report};
use falken_reports::night::{self, Kind, Night, Standing};

use crate::cli::{ReportCommand, ReportOf};
use crate::exit::{Exit, Failure, suggest};
use crate::nightly::{self, read_head, read_json};
use crate::report_files;
use crate::repro_file::{self, write_whole};

/// A format that can be named on the command line.
#[derive(Clone, Copy)]
pub struct Format(&'static FormatEntry);

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

/// Finds a format.
///
/// # Errors
/// Names the known ones.
pub fn format(name: &str) -> Result<Format, String> {
    format::find(name).map(Format).ok_or_else(|| {
        let known: Vec<&str> = FORMATS.iter().map(|entry| entry.name).collect();
        format!("there is no format `{name}`{}; known are {}", suggest(name, known.iter().copied()), known.join(", "))
    })
}

/// Writes a report, or joins nights.
///
/// # Errors
/// The directory holds no night that has ended, or something cannot be read or written.
pub fn report(options: &ReportOf) -> Result<Exit, Failure> {
    match (&options.merge, &options.dir) {
        (Some(ReportCommand::Merge { dirs, out, json }), _) => {
            let (night, broken) = nightly::merge(dirs, out)?;
            print(&night, *json)?;
            broken.map_or_else(|| Ok(exit_of(&night)), Err)
        }
        (None, Some(dir)) => {
            read_head(dir)?;
            let path = dir.join("night.json");
            if !path.exists() {
                let says = "has not ended: it has no night.json; `falken nightly --resume` goes on";
                return Err(Failure::Input(format!("the night in {} {says}", dir.display())));
            }
            let night: Night = read_json(&path)?;
            if night.format != night::FORMAT {
                let says = format!(
                    "{} has format {}; this version of falken reads {}",
                    path.display(),
                    night.format,
                    night::FORMAT
                );
                return Err(Failure::Input(says));
            }
            write(options, night)
        }
        (None, None) => Err(Failure::Input("name the state directory of a night".into())),
    }
}

fn write(options: &ReportOf, night: Night) -> Result<Exit, Failure> {
    let Format(entry) = options.format;
    let beside = || options.dir.as_ref().map(|dir| dir.join(format!("report.{}", entry.name)));
    let path = options.output.clone().or_else(|| beside().filter(|_| options.open));
    path.as_deref().map(repro_file::must_be_writable).transpose()?;
    let text = entry.format.write(&report_files::of_night(night, entry.shows));
    let Some(path) = path else { return super::print(&text) };
    write_whole(&path, &text).map_err(|error| Failure::Harness(format!("cannot write {}: {error}", path.display())))?;
    eprintln!("report: {}", path.display());
    if options.open {
        open::that(&path).map_err(|error| Failure::Harness(format!("cannot open {}: {error}", path.display())))?;
    }
    Ok(Exit::Pass)
}

/// Prints a night as a person reads it, or as JSON.
pub(super) fn print(night: &Night, json: bool) -> Result<Exit, Failure> {
    let report = Report { night: night.clone(), ..Report::default() };
    let name = if json { "json" } else { "text" };
    super::print(&format::find(name).expect("it is in the table").format.write(&report))
}

/// The exit code that a night calls for.
pub(super) fn exit_of(night: &Night) -> Exit {
    let failing = night.facts.groups.iter().filter(|group| group.standing == Standing::Failing);
    let is_liveness = |kind| match kind {
        Kind::Liveness | Kind::Hung => true,
        Kind::Violation | Kind::Memory | Kind::Died => false,
    };
    let kinds: Vec<Kind> = failing.map(|group| group.kind).collect();
    if !kinds.is_empty() {
        if kinds.into_iter().all(is_liveness) { Exit::Liveness } else { Exit::Violation }
    } else if !night.facts.determinism.differences.is_empty() {
        Exit::Nondeterminism
    } else if night.failed_gates().next().is_some() {
        Exit::Gate
    } else if night.interrupted {
        Exit::Unknown
    } else {
        Exit::Pass
    }
}
