//! Making, recovering and judging images.

use std::collections::{BTreeMap, BTreeSet};

use falken_models::connection::{BeginKind, Op};
use falken_models::digest::{digest, mix};
use falken_models::disk::Disk;
use falken_models::event::{EventKind, LogPoint};

use super::process::Process;
use super::walk::{Look, Walk};
use super::{Barrier, Coverage, Explored, Figures, Image};
use crate::action::CrashKind;
use crate::ledger::{Creation, Ledger, Survival};
use crate::parser::{self, LogState, Recovered, Rows};
use crate::run::Oracle;
use crate::scenario::CrashImages;
use crate::subject::Subject;
use crate::verdict::Evidence;

/// The invariant that does not hold, and why.
pub type Broken = (&'static str, Evidence);

/// What is already known: nothing is recovered or judged twice.
#[derive(Default)]
struct Known {
    /// (image, obligations).
    images: BTreeSet<(u64, u64)>,
    /// The class of an image: see [`class_of`].
    recovered: BTreeMap<u64, u64>,
    /// (class, obligations).
    judged: BTreeSet<(u64, u64)>,
    /// The rows of each state.
    states: BTreeMap<u64, Rows>,
    /// The states that each kind of crash has come to.
    reached: BTreeSet<(Figures, u64)>,
    /// The classes from one image of which a process went on.
    classes: BTreeSet<u64>,
}

/// Whether this is the crash of the run or that of a process that went on after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// The run's.
    No,
    /// A process's that went on from the class with this number.
    After(u64),
}

/// A moment at which images are judged.
pub(super) struct Moment<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) owed: Survival,
    duty: u64,
    second: Second,
}

impl Moment<'_> {
    fn figures(&self) -> Figures {
        match self.second {
            Second::No => Figures::of(self.owed.kind),
            Second::After(_) => Figures::Second,
        }
    }
}

/// Enumerates the crash images of one run.
pub struct Explorer<S> {
    options: CrashImages,
    seed: u64,
    recovering: Process<S>,
    /// Taken out while a process goes on in it.
    pub(super) going_on: Option<Process<S>>,
    pub(super) coverage: Coverage,
    known: Known,
}

impl<S: Subject> Explorer<S> {
    /// An explorer of what `subject` leaves on a disk with such sectors.
    pub fn new(options: &CrashImages, seed: u64, subject: &S, sector_size: usize) -> Self {
        Self {
            options: options.clone(),
            seed,
            recovering: Process::like(subject, sector_size),
            going_on: Some(Process::like(subject, sector_size)),
            coverage: Coverage::default(),
            known: Known::default(),
        }
    }

    /// What has been covered so far.
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Whether images are wanted at such barriers.
    pub fn wants(&self, barrier: Barrier) -> bool {
        self.options.barriers.contains(&barrier)
    }

    /// Judges the images that a crash now may leave on `disk`, of which `ledger` knows what is owed.
    ///
    /// # Errors
    /// The first image that does not recover as it must.
    pub fn explore(
        &mut self,
        barrier: Barrier,
        disk: &Disk,
        ledger: &Ledger,
        oracle: &mut Option<Box<dyn Oracle>>,
        second: Second,
    ) -> Result<(), Broken> {
        for kind in CrashKind::ALL {
            if !self.options.crashes.contains(&kind) || !barrier.concerns(kind) {
                continue;
            }
            let owed = ledger.owed(kind);
            let duty = match second {
                Second::No => ledger.duty(owed),
                Second::After(class) => mix(class, ledger.duty(owed)),
            };
            let moment = Moment { ledger, owed, duty, second };
            let limit = match second {
                Second::No => self.options.images_max,
                Second::After(_) => self.options.second_images_max,
            };
            let walk = Walk { barrier, kind, figures: moment.figures(), limit, seed: self.seed };
            let tears = self.options.tears();
            walk.go(disk, &tears, &mut Judging { explorer: self, moment: &moment, oracle })?;
        }
        Ok(())
    }

    fn explored(&mut self, moment: &Moment<'_>) -> &mut Explored {
        self.coverage.of(moment.figures())
    }

    fn look(
        &mut self,
        image: &Image<'_>,
        moment: &Moment<'_>,
        oracle: &mut Option<Box<dyn Oracle>>,
    ) -> Result<(), Broken> {
        let key = image.key();
        self.explored(moment).images += 1;
        if !self.known.images.insert((key, moment.duty)) {
            return Ok(());
        }
        self.explored(moment).distinct += 1;
        let known = self.known.recovered.get(&key).copied();
        if known.is_some_and(|class| self.known.judged.contains(&(class, moment.duty))) {
            return Ok(());
        }
        let [database, log] = image.files();
        let recovered = parser::recover(database, log, moment.ledger.page_size);
        let state = state_of(&recovered, moment.ledger.page_size);
        let class = class_of(state, &recovered.log);
        if known.is_none() {
            self.explored(moment).recovered += 1;
            self.recover(image, &recovered, moment.ledger)?;
            self.known.recovered.insert(key, class);
        }
        if self.known.judged.insert((class, moment.duty))
            && let Err(broken) = self.judge([state, class], image, &recovered, moment, oracle)
        {
            if !parser::collide(log, image.newest().files()[1], moment.ledger.page_size) {
                return Err(broken);
            }
            self.coverage.collisions += 1;
            return Ok(());
        }
        // A collision has left no rows that anybody could expect.
        match (oracle, known, self.known.states.get(&state)) {
            // Before its creation is finished a file is no database to SQLite either.
            (Some(oracle), None, Some(rows)) if parser::is_database(database) => {
                oracle.judge(database, log, rows).map_err(|evidence| ("ORACLE", evidence))
            }
            _ => Ok(()),
        }
    }

    /// The subject opens the image and must find in its log what the parser has found.
    fn recover(&mut self, image: &Image<'_>, expected: &Recovered, ledger: &Ledger) -> Result<(), Broken> {
        let failed = |summary: String| Err(("DUR-3", Evidence::new(summary)));
        self.recovering.start(image.files());
        // A transaction that writes stands on the newest commit that there is.
        match self.recovering.run(Op::Begin(BeginKind::Immediate)) {
            Some(Ok(_)) => {}
            Some(Err(error)) => return failed(format!("the image cannot be opened: {error}")),
            None => return failed("opening the image does not come to an end".into()),
        }
        let found = self.recovering.drain().iter().find_map(|event| match event.kind {
            EventKind::Recovered { at, pages } => Some((at, pages)),
            _ => None,
        });
        let (seq, salts) = expected.log.generation.unwrap_or_default();
        let at = LogPoint { seq, salts, frame: expected.log.mx_frame };
        let pages = match (parser::is_database(&expected.image), ledger.creation) {
            (true, _) => expected.log.pages,
            // What was no database yet has been created anew.
            (false, Creation::Pending) => ledger.commits[0].pages,
            // What is none any more is for the state's judge: whoever opens it learns nothing else.
            (false, Creation::Done) => return Ok(()),
        };
        if found == Some((at, pages)) {
            return Ok(());
        }
        let evidence = Evidence::new("the process and an independent parser recover different logs from an image");
        Err(("DUR-3", evidence.with("process", format!("{found:x?}")).with("parser", format!("{:x?}", expected.log))))
    }

    /// The state must be one that the ledger allows; from the first image of each class a process goes on.
    fn judge(
        &mut self,
        [state, class]: [u64; 2],
        image: &Image<'_>,
        recovered: &Recovered,
        moment: &Moment<'_>,
        oracle: &mut Option<Box<dyn Oracle>>,
    ) -> Result<(), Broken> {
        let (found, rows) = moment.ledger.judge(recovered, moment.owed)?;
        self.known.states.insert(state, rows);
        if self.known.reached.insert((moment.figures(), state)) {
            self.explored(moment).states += 1;
        }
        let goes_on = moment.second == Second::No && self.options.second_images_max > 0;
        if goes_on && self.known.classes.insert(class) {
            self.coverage.went_on += 1;
            self.go_on(image.files(), found, recovered, moment, class, oracle)?;
        }
        Ok(())
    }
}

/// The images of a moment, each of which the ledger judges.
struct Judging<'a, S> {
    explorer: &'a mut Explorer<S>,
    moment: &'a Moment<'a>,
    oracle: &'a mut Option<Box<dyn Oracle>>,
}

impl<S: Subject> Look for Judging<'_, S> {
    fn explored(&mut self) -> &mut Explored {
        self.explorer.explored(self.moment)
    }

    fn look(&mut self, image: &Image<'_>) -> Result<(), Broken> {
        self.explorer.look(image, self.moment, self.oracle)
    }
}

/// What a process can tell about an image after recovery, as one number: the state, and where and on what its next frame
/// will be written.
fn class_of(state: u64, log: &LogState) -> u64 {
    let (seq, salts) = log.generation.map_or((0, 0), |(seq, salts)| (u64::from(seq) + 1, salts));
    [seq, salts, log.mx_frame.into(), log.tail.into()].into_iter().fold(state, mix)
}

/// The database that was recovered, as one number: the pages that belong to it.
fn state_of(recovered: &Recovered, page_size: usize) -> u64 {
    let pages = parser::page_count(&recovered.image) as usize;
    digest(&recovered.image[..recovered.image.len().min(pages * page_size)])
}
