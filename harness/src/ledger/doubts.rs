//! What is not on the platter although a later fsync said so, and whether that is the protocol's fault.
//!
//! An fsync that fails may leave its pages marked clean: no later one covers them, unless they are written again. The
//! protocol writes again what an error concerned: the header, the frames of the commit that failed, the pages of the
//! checkpoint that failed. It cannot write again what
//!
//! 1. was published before (a checkpoint's log fsync under NORMAL), or belongs to a commit that somebody else's fsync took
//!    from the committer's own,
//! 2. a process crash has turned from a failed commit into a recovered one,
//! 3. an earlier, partial checkpoint has copied, since nBackfill says that it is done.
//!
//! And without powersafe overwrite it cannot write beside what is not padded:
//!
//! 4. a crash that takes the padding of a commit leaves the log ending within a sector, and recovery does not pad it again
//!    (SQLite's does not either). The next frame that is written there may spoil the commit, until an fsync covers it.
//! 5. under NORMAL a commit is not padded (`walFrames` pads where it is about to sync), so what a checkpoint's fsync of the
//!    log has covered may be spoilt by the next commit. If that checkpoint was held back the log was still needed.
//!
//! Recovery takes sequence number and salts over from a header before it looks at the header's checksum (so does SQLite's), for
//! the next header to have them. So if the power fails while the header of a new generation is written, and
//!
//! 6. the sector tears between the old salts and the new checksum, the next header is the old one again, byte for byte, and
//!    the frames behind it are valid as they were, though the database file has gone on. Until new ones are durable in
//!    their place, another power loss may bring them back.
//!
//! Only such doubts are an excuse for a state that is no committed prefix, and only for what rests on them: commits whose
//! frames lie behind a doubtful one, pages that were copied from there, and pages that lost their log while they were
//! doubtful themselves. Everything else is owed as ever. An fsync that lies leaves the same doubts until an honest one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use falken_models::disk::{FileId, OpId};

use crate::fault::Fault;

/// The number of the log's header among the cells of the log; frames count from 1.
pub(super) const HEADER: u32 = 0;

/// Why a cell is not durable although it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Doubt {
    by: Fault,
    /// The protocol has no occasion to write it again.
    is_excused: bool,
}

/// Frames of the log or pages of the database file.
#[derive(Clone, Debug, Default, Hash)]
struct Cells {
    /// Written; the next fsync covers them.
    dirty: BTreeSet<u32>,
    /// Not durable, whatever an fsync has said.
    doubtful: BTreeMap<u32, Doubt>,
}

impl Cells {
    /// An fsync that covers a cell has failed or lied. What was in doubt before stays so: a part of the cell may have been
    /// written since, and no more.
    fn doubt(&mut self, cell: u32, doubt: Doubt) {
        self.doubtful.entry(cell).or_insert(doubt).is_excused |= doubt.is_excused;
    }

    /// An honest fsync covers a cell: what one that lied has left is durable now, what one that failed has marked clean is
    /// not.
    fn undoubt(&mut self, cell: u32) {
        if self.doubtful.get(&cell).is_some_and(|doubt| doubt.by == Fault::LyingFsync) {
            self.doubtful.remove(&cell);
        }
    }
}

/// Why a page of the database file may be an old one after a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Behind {
    /// The log that it was copied from may be cut off below its frame, so it may be newer than what is recovered.
    CutLog,
    /// It is doubtful, and the log that held it has been restarted.
    NoLog,
}

/// An fsync in flight.
#[derive(Clone, Debug, Hash)]
struct Cover {
    conn: u8,
    file: FileId,
    cells: BTreeSet<u32>,
}

/// Whether anything can be doubtful at all: if not, nothing is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tracking {
    /// Every fsync that succeeds is honest, and every one that fails leaves its pages dirty.
    #[default]
    Off,
    /// Some may not.
    On,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts {
    tracking: Tracking,
    log: Cells,
    /// The generation that the log's header is of, and that of the one that is being written: sequence number and salts.
    generation: (u32, u64),
    next_generation: (u32, u64),
    database: Cells,
    /// Pages that nBackfill says are copied, and that no fsync has covered.
    settled: BTreeSet<u32>,
    exposed: BTreeMap<u32, (Behind, Fault)>,
    covers: BTreeMap<OpId, Cover>,
    /// See [`Unpadded`].
    unpadded: Option<Unpadded>,
    /// The header was torn, and the next one will be the one that it was before: old frames are valid again behind it.
    hides_log: bool,
}

/// The frames that share the sector in which a recovered or synced log ends, if it ends within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Unpadded {
    pub first: u32,
    pub last: u32,
}

impl std::hash::Hash for Doubts {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Ids of operations are only compared.
        let Self {
            tracking,
            log,
            generation,
            next_generation,
            database,
            settled,
            exposed,
            covers,
            unpadded,
            hides_log,
        } = self;
        if *hides_log {
            generation.hash(state);
        }
        if *tracking == Tracking::Off {
            // Nobody asks, so generations must not tell states apart.
            return;
        }
        (unpadded, log, generation, next_generation, database, settled, exposed).hash(state);
        covers.values().for_each(|cover| cover.hash(state));
    }
}

/// What a power loss may take away although an fsync said otherwise, and nobody can be blamed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excuse {
    /// The fault that explains it.
    pub by: Fault,
    /// The first frame that may be missing from the log, and its generation.
    pub log_from: Option<(u32, u32)>,
    /// Pages of the database file that may be others.
    pub pages: BTreeSet<u32>,
}

impl Doubts {
    pub(super) fn track(&mut self) {
        self.tracking = Tracking::On;
    }

    fn cells(&mut self, file: FileId) -> &mut Cells {
        match file {
            FileId::Database => &mut self.database,
            FileId::Wal => &mut self.log,
        }
    }

    /// A frame or page was written whole.
    pub(super) fn note_written(&mut self, file: FileId, cell: u32) {
        if self.tracking == Tracking::Off {
            return;
        }
        let cells = self.cells(file);
        cells.dirty.insert(cell);
        cells.doubtful.remove(&cell);
        self.covers.values_mut().filter(|cover| cover.file == file).for_each(|cover| _ = cover.cells.remove(&cell));
        if file == FileId::Database {
            self.settled.remove(&cell);
        }
    }

    /// A part of a frame or page was written, or all of it by a write that failed: the next fsync covers that, and what
    /// was in doubt stays so.
    pub(super) fn note_touched(&mut self, file: FileId, cell: u32) {
        if self.tracking == Tracking::On {
            self.cells(file).dirty.insert(cell);
        }
    }

    /// The header of a generation is being written.
    pub(super) fn note_header(&mut self, seq: u32, salts: u64) {
        self.next_generation = (seq, salts);
    }

    /// The header of a generation was written: what lies behind it belongs to older ones, unless it is the same header once
    /// more. That one is written again for as long as its generation has no commit, and the frames of a commit that failed
    /// are as valid behind it as they were.
    pub(super) fn note_header_written(&mut self) {
        if self.generation != self.next_generation {
            self.hides_log = false;
            self.unpadded = None;
            self.log = Cells::default();
            self.generation = self.next_generation;
            self.covers.values_mut().filter(|cover| cover.file == FileId::Wal).for_each(|cover| cover.cells.clear());
        }
        self.note_written(FileId::Wal, HEADER);
    }

    pub(super) fn note_sync_submit(&mut self, op: OpId, conn: u8, file: FileId) {
        if self.tracking == Tracking::On {
            let cells = self.cells(file).dirty.clone();
            self.covers.insert(op, Cover { conn, file, cells });
        }
    }

    /// An fsync has ended: it succeeded, or `fault` says what else. `own_from` is the first frame of the write transaction of
    /// whoever asked for it, if there is one: the protocol writes those again.
    pub(super) fn note_synced(
        &mut self,
        op: OpId,
        ok: bool,
        fault: Option<Fault>,
        own_from: impl Fn(u8) -> Option<u32>,
    ) {
        let Some(Cover { conn, file, cells: covered }) = self.covers.remove(&op) else { return };
        let own_from = own_from(conn);
        let settled = self.settled.clone();
        let by = match (ok, fault) {
            (true, Some(Fault::LyingFsync)) => Some(Fault::LyingFsync),
            (false, Some(Fault::FsyncMarkedClean)) => Some(Fault::FsyncMarkedClean),
            // Everything stays dirty.
            (false, _) => return,
            (true, _) => None,
        };
        let is_excused = |cell: u32| match file {
            _ if by == Some(Fault::LyingFsync) => true,
            FileId::Wal => own_from.is_none_or(|from| cell < from && cell != HEADER || cell == HEADER && from > 1),
            FileId::Database => settled.contains(&cell),
        };
        let cells = self.cells(file);
        for &cell in &covered {
            match by {
                Some(by) => cells.doubt(cell, Doubt { by, is_excused: is_excused(cell) }),
                None => cells.undoubt(cell),
            }
        }
        if by == Some(Fault::LyingFsync) {
            return;
        }
        cells.dirty.retain(|cell| !covered.contains(cell));
        for other in self.covers.values_mut().filter(|other| other.file == file) {
            other.cells.retain(|cell| !covered.contains(cell));
        }
        if by.is_none() {
            self.note_durable(file, &covered);
        }
    }

    fn note_durable(&mut self, file: FileId, covered: &BTreeSet<u32>) {
        match file {
            FileId::Wal if covered.contains(&HEADER) => self.forget_cut_log(),
            FileId::Wal => {}
            FileId::Database => {
                self.settled.retain(|page| !covered.contains(page));
                let is_covered = |page: &u32, behind: Behind| behind == Behind::NoLog && covered.contains(page);
                self.exposed.retain(|page, (behind, _)| !is_covered(page, *behind));
            }
        }
    }

    fn forget_cut_log(&mut self) {
        self.exposed.retain(|_, (behind, _)| *behind != Behind::CutLog);
    }

    /// The log is published up to a frame, and if an fsync has just ended, `end` is where what it covered is not padded. What
    /// was unpadded before is safe once the frame behind it is durable and will not be written again.
    pub(super) fn note_published(&mut self, frame: u32, end: Option<Unpadded>) {
        let end = end.filter(|_| self.tracking == Tracking::On);
        let Some(before) = self.unpadded.or(end) else { return };
        let is_safe = frame > before.last && !self.log.dirty.contains(&(before.last + 1));
        self.unpadded = match end {
            Some(end) if !is_safe => {
                Some(Unpadded { first: before.first.min(end.first), last: before.last.max(end.last) })
            }
            _ => end.or(self.unpadded.filter(|_| !is_safe)),
        };
        if self.log_from().is_none() {
            self.forget_cut_log();
        }
    }

    /// A checkpoint copies a frame into the database file, which may spoil `pages`. `committed_below` is the last frame of
    /// the last commit that ends below a frame: a commit that misses one of its frames is lost whole.
    pub(super) fn note_copy(&mut self, pages: RangeInclusive<u32>, frame: u32, committed_below: impl Fn(u32) -> u32) {
        if let Some((_, by)) = self.log_from().filter(|(from, _)| frame > committed_below(*from)) {
            self.exposed.extend(pages.map(|page| (page, (Behind::CutLog, by))));
        }
    }

    /// nBackfill was published: nobody will copy these pages again.
    pub(super) fn note_backfill(&mut self) {
        if self.tracking == Tracking::On {
            self.settled = self.database.dirty.clone();
        }
    }

    /// The log was restarted: doubtful pages have nothing but the database file.
    pub(super) fn note_restart(&mut self) {
        let excused = self.database.doubtful.iter().filter(|(_, doubt)| doubt.is_excused);
        self.exposed.extend(excused.map(|(page, doubt)| (*page, (Behind::NoLog, doubt.by))));
    }

    /// The process has crashed. What it knew of errors is gone, and what it had written seems to be there.
    pub(super) fn note_process_crash(&mut self, unpadded: Option<Unpadded>) {
        self.unpadded = unpadded.filter(|_| self.tracking == Tracking::On);
        self.covers.clear();
        self.settled.clear();
        let doubts = self.log.doubtful.values_mut().chain(self.database.doubtful.values_mut());
        doubts.for_each(|doubt| doubt.is_excused = true);
    }

    /// The power was lost: what is there is durable, a log of this generation among it.
    pub(super) fn note_power_loss(&mut self, generation: (u32, u64), unpadded: Option<Unpadded>) {
        let unpadded = unpadded.filter(|_| self.tracking == Tracking::On);
        // What was copied from an unpadded commit stays newer than a log without it.
        let mut exposed = std::mem::take(&mut self.exposed);
        exposed.retain(|_, (behind, _)| *behind == Behind::CutLog && unpadded.is_some());
        *self = Self { tracking: self.tracking, generation, unpadded, exposed, ..Self::default() };
    }

    /// A crash has left a log of this generation, and maybe commits that are hidden behind a torn header.
    pub(super) fn note_hidden(&mut self, generation: (u32, u64), hides_log: bool) {
        self.hides_log = hides_log;
        if hides_log {
            self.generation = generation;
        }
    }

    /// The generation whose old frames may be valid again.
    pub(super) fn hidden_log(&self) -> Option<(u32, u64)> {
        self.hides_log.then_some(self.generation)
    }

    /// What is unpadded now may be cut off below these pages, which were copied before.
    pub(super) fn note_ahead(&mut self, pages: Vec<u32>) {
        if self.unpadded.is_some() {
            let by = Fault::SpoiltSectors;
            self.exposed.extend(pages.into_iter().map(|page| (page, (Behind::CutLog, by))));
        }
    }

    /// The first frame that may be missing without anybody's fault.
    fn log_from(&self) -> Option<(u32, Fault)> {
        let unpadded = self.unpadded.map(|unpadded| (unpadded.first, Fault::SpoiltSectors));
        let excused = self.log.doubtful.iter().filter(|(_, doubt)| doubt.is_excused);
        let first = excused.map(|(frame, doubt)| (*frame, doubt.by)).next();
        first.into_iter().chain(unpadded).min()
    }

    /// What a power loss now is excused for.
    pub(super) fn excuse(&self) -> Option<Excuse> {
        let log_from = self.log_from();
        let exposed = self.exposed.values().map(|(_, by)| *by).next();
        let by = log_from.map(|(_, by)| by).or(exposed)?;
        let pages = self.exposed.keys().copied().collect();
        Some(Excuse { by, log_from: log_from.map(|(frame, _)| (frame, self.generation.0)), pages })
    }
}
