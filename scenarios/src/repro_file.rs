//! Repro files on the disk: written whole or not at all, and while a run is under way.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use falken_harness::case::Case;
use falken_harness::choice::Tape;
use falken_harness::repro::Repro;
use falken_harness::run::RunReport;
use falken_harness::scenario::Scenario;
use falken_models::bug::Planted;

use crate::exit::Failure;
use crate::subject::must_be_runnable;

/// Reads a repro file, and says if another version of falken has written it.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read(path: &Path) -> Result<Repro, Failure> {
    let repro = read_again(path)?;
    note_version(path, &repro.version);
    Ok(repro)
}

/// Reads a repro file of which that has been said, or which is falken's own.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read_again(path: &Path) -> Result<Repro, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| Failure::Input(format!("cannot read {name}: {error}")))?;
    let repro = Repro::from_toml(&text).map_err(|error| Failure::Input(format!("in {name}: {error}")))?;
    must_be_runnable(&repro.case.scenario)?;
    Ok(repro)
}

/// Says that another version of falken has written a file: its models may do something else with the same tape.
pub fn note_version(path: &Path, version: &str) {
    let own = env!("CARGO_PKG_VERSION");
    if version != own {
        eprintln!("note: {} was written by falken {version}; this is {own}", path.display());
    }
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
        is_unfinished: false,
        case,
    }
}

/// The name of the file for a failure.
pub fn path(dir: &Path, repro: &Repro) -> PathBuf {
    let invariant = repro.verdict.split(':').next().unwrap_or_default().to_lowercase();
    dir.join(format!("{}-{invariant}-{:x}.toml", repro.case.scenario.name, repro.case.seed))
}

/// Writes a file under another name first: a full disk, a kill or a power failure leaves the old file or the new one, never
/// half of one and never neither. What was written of a file that could not be finished is removed; only a kill leaves a
/// `.partial`, which the next writer of the same file overwrites.
///
/// # Errors
/// The disk's.
pub fn write_whole(path: &Path, content: &(impl AsRef<[u8]> + ?Sized)) -> std::io::Result<()> {
    // A device or a pipe, such as /dev/stdout, is written to and not replaced.
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return OpenOptions::new().write(true).open(path)?.write_all(content.as_ref());
    }
    let unfinished = path.with_extension("partial");
    let written = write_synced(&unfinished, content.as_ref()).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
        return written;
    }
    // Not every file system can sync a directory. Where it cannot, a power failure may bring back the old file: whole.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
    Ok(())
}

/// Without the sync, a rename may reach the disk before the bytes do, and then the power takes both files.
fn write_synced(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Writes a repro file, and its directory if that is not there: its name, or one line that says why there is none.
///
/// # Errors
/// Says which file, and what the disk answered.
pub fn save(path: &Path, text: &str) -> Result<String, String> {
    let name = path.display().to_string();
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let made = dir.map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| write_whole(path, text)).map_err(|error| format!("cannot write {name}: {error}"))?;
    Ok(name)
}

/// The same; what the disk does not take goes to stderr, so that nothing is lost that was found.
///
/// # Errors
/// Says which file, and what the disk answered.
pub fn save_or_print(path: &Path, text: &str) -> Result<String, String> {
    let saved = save(path, text);
    if saved.is_err() {
        eprintln!("{} cannot be written, so what would be in it follows\n\n{text}", path.display());
    }
    saved
}

/// Complains about a directory for repros that nobody could ever make. It is made when there is something to write: a batch
/// that passes leaves nothing behind, and needs no directory that it may write to.
///
/// # Errors
/// There is something else of that name, or of the name of a directory above.
pub fn prepare(dir: &Path) -> Result<(), Failure> {
    match dir.ancestors().find_map(|above| fs::metadata(above).ok()) {
        Some(found) if !found.is_dir() => {
            Err(Failure::Input(format!("cannot write to directory {}: there is a file of that name", dir.display())))
        }
        Some(_) | None => Ok(()),
    }
}

/// Makes sure, before any work is done, that a file can be written; an existing one is not touched.
///
/// # Errors
/// Says why not.
pub fn must_be_writable(path: &Path) -> Result<(), Failure> {
    let cannot = |why: String| Failure::Input(format!("cannot write to {}: {why}", path.display()));
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let probe = dir.join(format!(".falken-write-test-{}", std::process::id()));
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(cannot("it is a directory".into())),
        Ok(_) => OpenOptions::new().append(true).open(path).map(|_| ()).map_err(|error| cannot(error.to_string())),
        Err(_) if !dir.is_dir() => Err(cannot("its directory does not exist".into())),
        Err(_) => {
            fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(|error| cannot(error.to_string()))
        }
    }
}

/// What is left when a run is killed, aborted, or never ends: one file for each job, which names the run under way.
///
/// A run is decided by its scenario, strategy and seed, so that is all the file holds, and what changes from run to run
/// are two lines of fixed length at its beginning, overwritten in place. A tape written as it grows would survive a change of the code too, but
/// costs a run more than a write of forty bytes does.
pub struct Unfinished {
    files: Vec<Mutex<Option<Slot>>>,
    /// The directory, if it was made for them.
    made: Option<PathBuf>,
}

struct Slot {
    file: File,
    path: PathBuf,
    /// Of the run under way.
    seed: u64,
}

/// Longer than the name of any strategy.
const STRATEGY_WIDTH: usize = 24;

fn changing_line(seed: u64, strategy: &str) -> String {
    // The padding stands behind the string, where TOML does not care.
    format!("seed = \"{seed:#018x}\"\nstrategy = {:STRATEGY_WIDTH$}\n", format!("\"{strategy}\""))
}

impl Unfinished {
    /// Makes a file for each job. Where that is not possible there is none: it is no reason not to run.
    pub fn new(dir: &Path, scenario: &Scenario, planted: Planted, jobs: usize) -> Self {
        let made = (!dir.exists() && fs::create_dir_all(dir).is_ok()).then(|| dir.to_owned());
        let case = Case { scenario: scenario.clone(), seed: 0, planted, tape: Tape::default() };
        let repro = Repro {
            version: env!("CARGO_PKG_VERSION").into(),
            strategy: String::new(),
            verdict: "unfinished: the run was under way".into(),
            step: 0,
            hash: 0,
            is_unfinished: true,
            case,
        };
        let text = repro.to_toml();
        // Sections follow the plain fields, so these two lines can stand first.
        let rest: String = text
            .lines()
            .filter(|line| !line.starts_with("seed = ") && !line.starts_with("strategy = "))
            .fold(String::new(), |rest, line| rest + line + "\n");
        let slot = |job| {
            let path = dir.join(format!("unfinished-{}-{job}.toml", std::process::id()));
            write_whole(&path, &(changing_line(0, "") + &rest)).ok()?;
            match OpenOptions::new().write(true).open(&path) {
                Ok(file) => Some(Slot { file, path, seed: 0 }),
                Err(_) => {
                    let _ = fs::remove_file(&path);
                    None
                }
            }
        };
        Self { files: (0..jobs).map(|job| Mutex::new(slot(job))).collect(), made }
    }

    /// A job begins a run.
    pub fn begin(&self, job: usize, strategy: &str, seed: u64) {
        let mut slot = self.files[job].lock().expect("nobody panics while holding it");
        if let Some(Slot { file, seed: of, .. }) = &mut *slot {
            *of = seed;
            // A full disk must not end a run that has nothing to do with it.
            let _ =
                file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(changing_line(seed, strategy).as_bytes()));
        }
    }

    /// Leaves the file of the run with this seed on the disk, if it has one: it will never end. The process does, so those of
    /// the other runs go.
    pub fn leave(&self, seed: u64) -> Option<PathBuf> {
        let slots = self.files.iter().filter_map(|slot| slot.lock().expect("nobody panics while holding it").take());
        let (stuck, others): (Vec<Slot>, Vec<Slot>) = slots.partition(|slot| slot.seed == seed);
        others.iter().for_each(|slot| _ = fs::remove_file(&slot.path));
        stuck.into_iter().next().map(|slot| slot.path)
    }
}

impl Drop for Unfinished {
    /// Every run has ended.
    fn drop(&mut self) {
        for slot in &mut self.files {
            if let Ok(Some(slot)) = slot.get_mut() {
                let _ = fs::remove_file(&slot.path);
            }
        }
        // It stays if something else is in it.
        self.made.iter().for_each(|dir| _ = fs::remove_dir(dir));
    }
}
