//! The state directory of a night: everything that must survive a kill, and everything that a report is made from.
//!
//! | file | what it holds |
//! |---|---|
//! | `state.json` | the plan, the shard, the versions; written once |
//! | `results-N.jsonl` | one line per run, in the order in which they ended; a line is written before anything else is done |
//! | `sums.json` | the sums of the closed `results-N.jsonl`, and which runs are in them; replaced whole |
//! | `known.json` | what became of known repros and of the canary |
//! | `shrunk.jsonl`, `repros/` | failed runs that were shrunk, and their repro files |
//! | `corpus/` | one repro per group, of this night and of those before it |
//! | `night.json` | the finished night, which reports are made from |
//! | `lock` | locked by the process that works here; the system lets go of it when the process ends, however it ends |
//!
//! A night that has ended has one `results.jsonl`, ascending by run.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use falken_harness::invariant;
use falken_harness::probe;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::known::Replays;
use super::plan::{Plan, Shard};
use super::ranges::Ranges;
use super::record::{RunLine, Shrunk};
use super::sums::{Clocks, Sums};
use crate::exit::Failure;
use crate::repro_file::write_whole;

/// The version of the directory's form.
pub const FORMAT: u32 = 1;

/// Runs per `results-N.jsonl`.
const SEGMENT: u64 = 5_000;

/// What is decided when the directory is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// `FORMAT`.
    pub format: u32,
    /// The version of falken.
    pub falken: String,
    /// The plan.
    pub plan: Plan,
    /// Which part of it is made here.
    pub shard: Shard,
    /// The result lines that are kept: those of the last so many runs of the plan.
    pub keep_results: u64,
    /// The invariants that counts are about.
    pub invariants: Vec<String>,
    /// The probes that hits are about.
    pub probes: Vec<String>,
}

impl Head {
    /// For this version of falken.
    pub fn new(plan: Plan, shard: Shard, keep_results: u64) -> Self {
        Self {
            format: FORMAT,
            falken: env!("CARGO_PKG_VERSION").into(),
            plan,
            shard,
            keep_results,
            invariants: invariant::TABLE.iter().map(|entry| entry.id.into()).collect(),
            probes: probe::TABLE.iter().map(|probe| probe.name.into()).collect(),
        }
    }
}

/// What `sums.json` holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Folded {
    /// The runs that are in the sums, each divided by the number of shards.
    pub done: Ranges,
    /// Result files before this number are in the sums.
    pub segments: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
    /// The sums.
    pub sums: Sums,
    /// What clocks add to them.
    pub clocks: Clocks,
}

/// A state directory that this process works in.
pub struct State {
    /// Where.
    pub dir: PathBuf,
    /// What was decided when it was made.
    pub head: Head,
    /// The sums of all runs so far.
    pub so_far: Folded,
    /// The failed runs that were shrunk, by number.
    pub shrunk: BTreeMap<u64, Shrunk>,
    /// What became of known repros; `None` before they were replayed.
    pub known: Option<Replays>,
    results: Option<(File, u64)>,
    _lock: File,
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Harness(format!("cannot {what} {}: {error}", path.display()))
}

fn lock(dir: &Path) -> Result<File, Failure> {
    let path = dir.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
    let mut file = file.map_err(|error| Failure::Input(format!("cannot write to {}: {error}", dir.display())))?;
    if file.try_lock().is_err() {
        let mut owner = String::new();
        let _ = file.read_to_string(&mut owner);
        return Err(Failure::Input(format!(
            "another nightly works in {} (process {}); give each its own --state-dir",
            dir.display(),
            owner.trim()
        )));
    }
    // For whoever is refused. That it is there says nothing: what counts is the lock.
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|error| cannot("write", &path, &error))?;
    Ok(file)
}

/// Reads one JSON file of a state directory.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| Failure::Input(format!("cannot read {name}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Failure::Input(format!("in {name}: {error}")))
}

/// Writes one JSON file of a state directory, whole or not at all.
///
/// # Errors
/// The disk's.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).expect("it has a JSON form");
    text.push('\n');
    write_whole(path, &text).map_err(|error| cannot("write", path, &error))
}

/// Reads the head of a state directory.
///
/// # Errors
/// It is none, or another version has written it.
pub fn read_head(dir: &Path) -> Result<Head, Failure> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let path = dir.join("state.json");
    if !path.exists() {
        return Err(Failure::Input(format!("{} is no state directory: it has no state.json", dir.display())));
    }
    let Version { format } = read_json(&path)?;
    let head: Head = if format == FORMAT {
        read_json(&path)?
    } else {
        let says = format!("{} has format {format}; this version of falken reads format {FORMAT}", path.display());
        return Err(Failure::Input(says));
    };
    let now = Head::new(head.plan.clone(), head.shard, head.keep_results);
    if (&now.invariants, &now.probes) != (&head.invariants, &head.probes) {
        let says = "was made by a falken with other invariants or probes, so its counts mean something else";
        return Err(Failure::Input(format!("{} {says}; begin a new night", dir.display())));
    }
    Ok(head)
}

/// The bugs that the night in a directory plants, whatever else has changed since it was made; `None` if there is no night.
pub fn planted_in(dir: &Path) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Planting {
        planted: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Planned {
        plan: Planting,
    }
    let Planned { plan } = read_json(&dir.join("state.json")).ok()?;
    Some(plan.planted)
}

/// Reads JSON lines; lines that make no sense are left out and counted.
fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<(Vec<T>, u64), Failure> {
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    let (mut lines, mut unreadable) = (Vec::new(), 0);
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(|error| cannot("read", path, &error))?;
        match serde_json::from_slice(&line) {
            Ok(value) => lines.push(value),
            Err(_) => unreadable += u64::from(!line.is_empty()),
        }
    }
    Ok((lines, unreadable))
}

/// The result files that are there, by number.
fn segments(dir: &Path) -> Result<Vec<(u64, PathBuf)>, Failure> {
    let entries = fs::read_dir(dir).map_err(|error| cannot("read", dir, &error))?;
    let number =
        |path: &Path| path.file_name()?.to_str()?.strip_prefix("results-")?.strip_suffix(".jsonl")?.parse::<u64>().ok();
    let mut found: Vec<(u64, PathBuf)> =
        entries.flatten().filter_map(|entry| Some((number(&entry.path())?, entry.path()))).collect();
    found.sort();
    Ok(found)
}

impl State {
    /// Makes a directory for a new night.
    ///
    /// # Errors
    /// There is a night in it, somebody works in it, or it cannot be written to.
    pub fn create(dir: &Path, head: Head) -> Result<Self, Failure> {
        for dir in [dir.to_path_buf(), dir.join("repros"), dir.join("corpus")] {
            fs::create_dir_all(&dir)
                .map_err(|error| Failure::Input(format!("cannot write to directory {}: {error}", dir.display())))?;
        }
        let lock = lock(dir)?;
        let path = dir.join("state.json");
        if path.exists() {
            let says = "there is a night in it already; go on with --resume, or give another --state-dir";
            return Err(Failure::Input(format!("{}: {says}", dir.display())));
        }
        write_json(&path, &head)?;
        let so_far = Folded::default();
        Ok(Self { dir: dir.into(), head, so_far, shrunk: BTreeMap::new(), known: None, results: None, _lock: lock })
    }

    /// Opens the directory of a night, finished or not. Lines that cannot be read are left out and counted.
    ///
    /// # Errors
    /// It is none, another version has written it, or somebody works in it.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let head = read_head(dir)?;
        let lock = lock(dir)?;
        let optional = |name: &str| Some(dir.join(name)).filter(|path| path.exists());
        let mut so_far: Folded =
            optional("sums.json").map_or_else(|| Ok(Folded::default()), |path| read_json(&path))?;
        let known = optional("known.json").map(|path| read_json(&path)).transpose()?;
        let folded = so_far.segments;
        for (number, path) in segments(dir)?.into_iter().filter(|(number, _)| *number >= folded) {
            let (lines, unreadable) = read_lines(&path)?;
            so_far.unreadable += unreadable;
            lines.iter().for_each(|line| so_far.take(&head, line));
            // New lines go to a new file: the last line of this one may be cut off.
            so_far.segments = number + 1;
        }
        let mut shrunk = BTreeMap::new();
        if let Some(path) = optional("shrunk.jsonl") {
            let (lines, unreadable) = read_lines::<Shrunk>(&path)?;
            so_far.unreadable += unreadable;
            shrunk.extend(lines.into_iter().map(|line| (line.spec.run, line)));
        }
        Ok(Self { dir: dir.into(), head, so_far, shrunk, known, results: None, _lock: lock })
    }

    /// Goes on with a night: what is in the result files is folded into the sums, so that it is read once.
    ///
    /// # Errors
    /// The disk's.
    pub fn reopen(&mut self) -> Result<(), Failure> {
        self.fold()
    }

    /// Writes a run down and takes it in.
    ///
    /// # Errors
    /// The disk's; the run has not been made then.
    pub fn add(&mut self, line: &RunLine) -> Result<(), Failure> {
        let mut text = serde_json::to_string(line).expect("a run has a JSON form");
        text.push('\n');
        let number = self.so_far.segments;
        let path = self.dir.join(format!("results-{number:06}.jsonl"));
        let failed = |error| cannot("write", &path, &error);
        let (file, lines) = match &mut self.results {
            Some(open) => open,
            none => none.insert((File::create(&path).map_err(failed)?, 0)),
        };
        // One write, so that a kill leaves a whole line or a part of the last one.
        file.write_all(text.as_bytes()).map_err(failed)?;
        *lines += 1;
        let is_full = *lines >= SEGMENT;
        self.so_far.take(&self.head, line);
        if is_full { self.fold() } else { Ok(()) }
    }

    /// Closes the result file and writes the sums.
    fn fold(&mut self) -> Result<(), Failure> {
        if self.results.take().is_some() {
            self.so_far.segments += 1;
        }
        write_json(&self.dir.join("sums.json"), &self.so_far)?;
        let newest = self.so_far.newest(&self.head);
        // The oldest files go once none of their runs is wanted any more.
        for (_, path) in segments(&self.dir)? {
            let (lines, _) = read_lines::<RunLine>(&path)?;
            let is_wanted = |line: &RunLine| line.spec.run + self.head.keep_results > newest;
            if lines.iter().any(is_wanted) {
                break;
            }
            fs::remove_file(&path).map_err(|error| cannot("remove", &path, &error))?;
        }
        Ok(())
    }

    /// Writes a shrunk run down, and its repro file.
    ///
    /// # Errors
    /// The disk's.
    pub fn add_shrunk(&mut self, shrunk: Shrunk) -> Result<(), Failure> {
        let path = self.dir.join("shrunk.jsonl");
        let mut text = serde_json::to_string(&shrunk).expect("it has a JSON form");
        text.push('\n');
        let written = OpenOptions::new().create(true).append(true).open(&path);
        written.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| cannot("write", &path, &error))?;
        self.shrunk.insert(shrunk.spec.run, shrunk);
        Ok(())
    }

    /// Writes down what became of known repros.
    ///
    /// # Errors
    /// The disk's.
    pub fn set_known(&mut self, known: Replays) -> Result<(), Failure> {
        write_json(&self.dir.join("known.json"), &known)?;
        self.known = Some(known);
        Ok(())
    }

    /// The result lines that are still there, ascending by run.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn results(&self) -> Result<Vec<RunLine>, Failure> {
        let mut paths: Vec<PathBuf> = segments(&self.dir)?.into_iter().map(|(_, path)| path).collect();
        paths.extend(Some(self.dir.join("results.jsonl")).filter(|path| path.exists()));
        let mut lines: BTreeMap<u64, RunLine> = BTreeMap::new();
        for path in paths {
            lines.extend(read_lines::<RunLine>(&path)?.0.into_iter().map(|line| (line.spec.run, line)));
        }
        Ok(lines.into_values().collect())
    }

    /// Brings the directory into the form in which it is the same whoever made the runs: what is derived is given.
    ///
    /// # Errors
    /// The disk's.
    pub fn settle(&mut self, results: Vec<RunLine>) -> Result<(), Failure> {
        self.fold()?;
        let newest = self.so_far.newest(&self.head);
        let mut text = String::new();
        for line in results.iter().filter(|line| line.spec.run + self.head.keep_results > newest) {
            text += &serde_json::to_string(line).expect("a run has a JSON form");
            text.push('\n');
        }
        let path = self.dir.join("results.jsonl");
        write_whole(&path, &text).map_err(|error| cannot("write", &path, &error))?;
        for (_, path) in segments(&self.dir)? {
            fs::remove_file(&path).map_err(|error| cannot("remove", &path, &error))?;
        }
        self.so_far.segments = 0;
        write_json(&self.dir.join("sums.json"), &self.so_far)?;
        let mut text = String::new();
        for shrunk in self.shrunk.values() {
            text += &serde_json::to_string(shrunk).expect("it has a JSON form");
            text.push('\n');
        }
        let path = self.dir.join("shrunk.jsonl");
        write_whole(&path, &text).map_err(|error| cannot("write", &path, &error))
    }
}

impl Folded {
    /// Takes a run in, unless it is in.
    fn take(&mut self, head: &Head, line: &RunLine) {
        if self.done.insert(line.spec.run / head.shard.of) {
            self.sums.add_run(line);
            self.clocks.add_run(line);
        }
    }

    /// The highest run so far.
    fn newest(&self, head: &Head) -> u64 {
        self.done.last().map_or(0, |last| last * head.shard.of + head.shard.number - 1)
    }
}
