//! Repro files on the disk: written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use falken_harness::case::Case;
use falken_harness::repro::Repro;
use falken_harness::run::RunReport;

use crate::exit::Failure;

/// Reads a repro file.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read(path: &Path) -> Result<Repro, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| Failure::Input(format!("cannot read {name}: {error}")))?;
    Repro::from_toml(&text).map_err(|error| Failure::Input(format!("in {name}: {error}")))
}

/// The repro of a run that has failed.
///
/// # Panics
/// If it has not.
pub fn repro(case: Case, strategy: &str, report: &RunReport) -> Repro {
    let violation = report.verdict.violation().expect("the run has failed");
    Repro {
        version: env!("CARGO_PKG_VERSION").into(),
        strategy: strategy.into(),
        verdict: format!("{}: {}", violation.invariant, violation.evidence.summary),
        step: violation.step,
        hash: report.hash,
        case,
    }
}

/// The name of the file for a failure.
pub fn path(dir: &Path, repro: &Repro) -> PathBuf {
    let invariant = repro.verdict.split(':').next().unwrap_or_default().to_lowercase();
    dir.join(format!("{}-{invariant}-{:x}.toml", repro.case.scenario.name, repro.case.seed))
}

/// Writes a file under another name first: a full disk or a kill leaves the old file or none, never half of one.
///
/// # Errors
/// The disk's.
pub fn write_whole(path: &Path, content: &(impl AsRef<[u8]> + ?Sized)) -> std::io::Result<()> {
    let unfinished = path.with_extension("partial");
    fs::write(&unfinished, content)?;
    fs::rename(&unfinished, path)
}
