//! Crash images of an engine that shows no internals: everybody who can read the files of an image must find the same there.
//!
//! Each image is opened by the engine itself (a process of its own, on a thread of its own, with nobody beside it), replayed by
//! the independent [`parser`], and read by an oracle if there is one. They must agree on the rows. Then the engine is asked
//! to checkpoint what it has recovered, and its database file must be the parser's, byte for byte. Whether the rows are right is
//! for the run to say, which knows what clients were told.
//!
//! What this is not: the [`Explorer`](super::Explorer), which needs a ledger. No process goes on from an image here.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use falken_models::connection::Op;
use falken_models::disk::{Disk, FileId};
use falken_models::session::Config;
use falken_models::state::StateHasher;
use falken_models::wal::CheckpointMode;

use super::process::Process;
use super::walk::{Look, Walk};
use super::{Barrier, Broken, Coverage, Explored, Figures, Image};
use crate::action::CrashKind;
use crate::parser::{self, Rows};
use crate::run::{Oracle, differ, read_files};
use crate::scenario::{CrashImages, Scenario};
use crate::subject::{make, on_own_thread};
use crate::verdict::Evidence;

/// A moment at which images are read.
pub struct Moment {
    /// Where the run stands.
    pub barrier: Barrier,
    /// What goes down.
    pub kind: CrashKind,
    /// What is owed, as one number: the rows of an image are judged again when it changes.
    pub owed: u64,
}

/// Says whether these rows may be what a crash now leaves.
pub type Judge<'a> = &'a mut dyn FnMut(&Rows) -> Result<(), Broken>;

/// Enumerates the crash images of one run, and has them read.
pub struct Readers<'a> {
    options: &'a CrashImages,
    scenario: &'a Scenario,
    config: Config,
    /// Whether a log must be of the format that SQLite reads.
    is_format_checked: bool,
    coverage: Coverage,
    /// (image, what is owed).
    images: BTreeSet<(u64, u64)>,
    /// The state of each image that was read: nothing is read twice.
    read: BTreeMap<u64, u64>,
    /// The rows of each state.
    states: BTreeMap<u64, Rows>,
    /// (state, what is owed).
    judged: BTreeSet<(u64, u64)>,
    /// The states that each kind of crash has come to.
    reached: BTreeSet<(Figures, u64)>,
}

impl<'a> Readers<'a> {
    /// Readers of what the scenario's engine leaves.
    pub fn new(options: &'a CrashImages, scenario: &'a Scenario, config: Config, is_format_checked: bool) -> Self {
        Self {
            options,
            scenario,
            config,
            is_format_checked,
            coverage: Coverage::default(),
            images: BTreeSet::new(),
            read: BTreeMap::new(),
            states: BTreeMap::new(),
            judged: BTreeSet::new(),
            reached: BTreeSet::new(),
        }
    }

    /// What has been covered so far.
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Whether images of such a crash are wanted at such barriers.
    pub fn wants(&self, barrier: Barrier, kind: CrashKind) -> bool {
        self.options.barriers.contains(&barrier) && self.options.crashes.contains(&kind) && barrier.concerns(kind)
    }

    /// Has the images read that a crash at this moment may leave on `disk`, and their rows judged.
    ///
    /// # Errors
    /// The first image on which readers disagree, or whose rows the judge refuses.
    pub fn explore(
        &mut self,
        moment: &Moment,
        disk: &Disk,
        oracle: &mut Option<Box<dyn Oracle>>,
        judge: Judge<'_>,
    ) -> Result<(), Broken> {
        let (barrier, kind) = (moment.barrier, moment.kind);
        let (figures, limit, seed) = (Figures::of(kind), self.options.images_max, self.config.salt_seed);
        let tears = self.options.tears();
        let walk = Walk { barrier, kind, figures, limit, seed };
        walk.go(disk, &tears, &mut Reading { readers: self, moment, oracle, judge })
    }

    fn explored(&mut self, kind: CrashKind) -> &mut Explored {
        self.coverage.of(Figures::of(kind))
    }

    fn look(
        &mut self,
        image: &Image<'_>,
        moment: &Moment,
        oracle: &mut Option<Box<dyn Oracle>>,
        judge: Judge<'_>,
    ) -> Result<(), Broken> {
        let key = image.key();
        self.explored(moment.kind).images += 1;
        if !self.images.insert((key, moment.owed)) {
            return Ok(());
        }
        self.explored(moment.kind).distinct += 1;
        let state = match self.read.get(&key) {
            Some(state) => *state,
            None => {
                self.explored(moment.kind).recovered += 1;
                let rows = self.read(image.files(), oracle)?;
                let state = state_of(&rows);
                self.read.insert(key, state);
                self.states.insert(state, rows);
                state
            }
        };
        if self.reached.insert((Figures::of(moment.kind), state)) {
            self.explored(moment.kind).states += 1;
        }
        if self.judged.insert((state, moment.owed)) { judge(&self.states[&state]) } else { Ok(()) }
    }

    /// The rows of an image, on which all its readers agree.
    fn read(&self, files: [&[u8]; 2], oracle: &mut Option<Box<dyn Oracle>>) -> Result<Rows, Broken> {
        let page_size = self.config.page_size;
        let rows = read_files(files, page_size, self.is_format_checked, oracle)?;
        let found = on_own_thread(|| {
            let (scenario, sector_size) = (self.scenario, self.scenario.disk.sector_size);
            let mut process = Process::of(sector_size, |disk, log| make(scenario, self.config, disk, log));
            process.start(files);
            let own = process.audit();
            let checkpointed = process.run(Op::Checkpoint(CheckpointMode::Truncate));
            (own, checkpointed, process.disk.contents(FileId::Database))
        });
        let (own, checkpointed, database) = found;
        let broken = match (own, checkpointed) {
            (Err(damage), _) => Some(Evidence::new("the engine finds its database damaged").with("found", damage)),
            (Ok(own), checkpointed) => own.as_ref().and_then(|own| differ(own, &rows)).or(match checkpointed {
                Some(Ok(_)) => None,
                Some(Err(error)) => Some(Evidence::new(format!("a recovered image cannot be checkpointed: {error}"))),
                None => Some(Evidence::new("the checkpoint of a recovered image does not come to an end")),
            }),
        };
        let place = parser::first_difference(files, page_size, &database);
        match (broken, place) {
            (None, None) => Ok(rows),
            (None, Some(place)) => {
                let summary = "the engine recovers other bytes than an independent reader of its files";
                Err(("FILES", Evidence::new(summary).with("first byte that differs", place)))
            }
            (Some(evidence), place) => {
                let place = place.unwrap_or_else(|| "none: it reads the same bytes in another way".into());
                Err(("FILES", evidence.with("first byte that differs", place)))
            }
        }
    }
}

/// The images of a moment, each of which all its readers read.
struct Reading<'r, 'a, 'j> {
    readers: &'r mut Readers<'a>,
    moment: &'r Moment,
    oracle: &'r mut Option<Box<dyn Oracle>>,
    judge: Judge<'j>,
}

impl Look for Reading<'_, '_, '_> {
    fn explored(&mut self) -> &mut Explored {
        self.readers.explored(self.moment.kind)
    }

    fn look(&mut self, image: &Image<'_>) -> Result<(), Broken> {
        self.readers.look(image, self.moment, self.oracle, self.judge)
    }
}

/// Rows as one number.
fn state_of(rows: &Rows) -> u64 {
    let mut state = StateHasher::default();
    rows.hash(&mut state);
    state.finish()
}
