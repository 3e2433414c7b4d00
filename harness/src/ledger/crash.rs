//! What a crash leaves: which commits must be there, which may be, and which one it was.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use falken_models::digest::digest;
use falken_models::event::LogPoint;
use falken_models::wal::SyncMode;

use super::doubts::{HEADER, Unpadded};
use super::{Attempt, Commit, ConnFacts, Creation, FrameFact, Frames, Ledger};
use crate::action::CrashKind;
use crate::fault::Fault;
use crate::parser::{self, Recovered, Rows};
use crate::trace::RunHash;
use crate::verdict::Evidence;

/// The recovered state must be one of these commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Survival {
    /// The oldest that is good enough.
    pub must: u32,
    /// The newest that was invoked; one more than the published ones if a commit was under way.
    pub may: u32,
    /// After which kind of crash.
    pub kind: CrashKind,
}

/// Commits that are gone for every reader and may yet come back: those that a crash has lost while part of their frames
/// stayed on the platter, and a failed attempt whose frames a later writer has overwritten.
///
/// SQLite keeps sequence number and salts when it recovers a good header without a commit behind it, so frames of the
/// same generation are written twice, with the same salts and the same seed. As long as the newer ones are not durable, a
/// power loss that keeps the older sectors makes the older frames valid again. The result is consistent and loses nothing
/// that was owed, so it is allowed; an fsync that covers a later commit ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ghost {
    /// The commit that they follow.
    pub base: u32,
    /// They, in order.
    pub commits: Vec<Attempt>,
}

impl Ghost {
    /// A commit was published. If it is, byte for byte, the one that was lost first, what had followed that one now follows
    /// this one: its frames chain on the same checksum.
    pub(super) fn follow(&mut self, number: u32, at: LogPoint, page_digests: &BTreeMap<u32, u64>) {
        let again = |lost: &Attempt| lost.at.frame == at.frame && lost.page_digests == *page_digests;
        if self.base + 1 == number && self.commits.first().is_some_and(again) {
            self.base = number;
            self.commits.remove(0);
        }
    }
}

/// Which state a recovered image shows: a commit, followed by some commits of a ghost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The commit.
    pub commit: u32,
    /// What follows it.
    pub revived: Vec<Attempt>,
}

impl Ledger {
    /// What is owed after a crash of this kind: the recovered state is a commit in [must, may].
    pub fn owed(&self, kind: CrashKind) -> Survival {
        let must = match (kind, self.sync) {
            (CrashKind::Process, _) => self.acknowledged,
            (CrashKind::Power, SyncMode::Full) => self.acknowledged.max(self.synced),
            (CrashKind::Power, SyncMode::Normal) => self.synced,
            (CrashKind::Power, SyncMode::Off) => 0,
        };
        Survival { must, may: self.newest(), kind }
    }

    /// The newest commit up to this one that rests on nothing that an fsync may wrongly have called durable.
    pub(super) fn sure_of(&self, commit: u32) -> u32 {
        let Some((from, seq)) = self.doubts.excuse().and_then(|excuse| excuse.log_from) else { return commit };
        let rests_on_it = |number: &u32| {
            let at = self.commits[*number as usize].at;
            at.seq == seq && at.frame >= from
        };
        (0..=commit).rev().find(|number| !rests_on_it(number)).unwrap_or(0)
    }

    /// The fault that explains a recovered image which is none that is owed: it shows a commit that is old enough to rest
    /// on nothing doubtful, but for pages that are doubtful themselves.
    fn excused(&self, recovered: &Recovered, owed: Survival) -> Option<Fault> {
        // Behind a header that was torn and is the old one again, until a frame of it is durable.
        let is_hidden = recovered.log.mx_frame > 0 && self.doubts.hidden_log() == recovered.log.generation;
        if owed.kind == CrashKind::Power && is_hidden && self.frames_synced == 0 {
            return Some(Fault::TornWrites);
        }
        let excuse = self.doubts.excuse().filter(|_| owed.kind == CrashKind::Power)?;
        // Without its header the log of before may be back, cut off anywhere, over a database file that has gone on.
        if excuse.log_from.is_some_and(|(from, _)| from == HEADER) {
            return Some(excuse.by);
        }
        let sure = self.sure_of(owed.must);
        let shows = |(commit, revived): (u32, &[Attempt])| {
            let differing = self.differing_pages(&recovered.image, commit, revived);
            commit >= sure && differing.iter().all(|page| excuse.pages.contains(page))
        };
        self.candidates(owed).any(shows).then_some(excuse.by)
    }

    /// The pages in which a recovered image differs from a state.
    fn differing_pages(&self, image: &[u8], commit: u32, revived: &[Attempt]) -> Vec<u32> {
        let pages = revived.last().map_or(self.commits[commit as usize].pages, |attempt| attempt.pages);
        let expected = |page: u32| {
            let attempted = revived.iter().rev().find_map(|attempt| attempt.page_digests.get(&page).copied());
            attempted.or_else(|| self.versions.page(page, commit))
        };
        let found = |page: u32| {
            let start = (page as usize - 1) * self.page_size;
            image.get(start..start + self.page_size).map(digest)
        };
        // A page that was never written (a free page at the end) has no expected content.
        (1..=pages).filter(|&page| expected(page).is_some_and(|digest| found(page) != Some(digest))).collect()
    }

    /// Every state that a crash may leave, the likeliest first.
    fn candidates(&self, owed: Survival) -> impl Iterator<Item = (u32, &[Attempt])> {
        let attempt = self.attempt.as_ref().filter(|_| owed.may == self.newest());
        let attempted = attempt.map(|attempt| (owed.may, std::slice::from_ref(attempt)));
        let commits = (0..=owed.may).rev().map(|commit| (commit, &[][..]));
        let ghosts = self
            .ghosts
            .iter()
            .flat_map(|ghost| (1..=ghost.commits.len()).map(|len| (ghost.base, &ghost.commits[..len])));
        attempted.into_iter().chain(commits).chain(ghosts)
    }

    /// Finds out which state a recovered image shows.
    ///
    /// # Errors
    /// Evidence that it shows none of those that it may show.
    pub fn identify(&self, recovered: &Recovered, owed: Survival) -> Result<Found, (&'static str, Evidence)> {
        let differing = |(commit, revived): (u32, &[Attempt])| self.differing_pages(&recovered.image, commit, revived);
        let mut best = None;
        for (commit, revived) in self.candidates(owed) {
            if !differing((commit, revived)).is_empty() {
                continue;
            }
            if commit >= owed.must {
                let (commit, revived) = self.by_log_end((commit, revived), recovered, owed);
                return Ok(Found { commit, revived: revived.to_vec() });
            }
            best = best.or(Some(commit));
        }
        let mx_frame = recovered.log.mx_frame;
        let excused = self.excused(recovered, owed);
        let describe = |evidence: Evidence| {
            evidence
                .explained_by(excused)
                .with("owed", format!("a commit from {} to {}", owed.must, owed.may))
                .with("acknowledged", self.acknowledged)
                .with("covered by a log fsync", self.synced)
                .with("recovered log", format!("{}, last commit frame {mx_frame}", recovered.log.header_text()))
        };
        if let Some(commit) = best {
            let summary = format!("commits {} to {} are lost", commit + 1, owed.must);
            return Err((
                "DUR-1",
                describe(Evidence::new(summary).with("recovered state", format!("commit {commit}"))),
            ));
        }
        let nearest = self.candidates(owed).min_by_key(|candidate| differing(*candidate).len()).expect("commit 0");
        let summary = "the recovered database equals the state after no prefix of the commits";
        let evidence = Evidence::new(summary)
            .with("nearest prefix", format!("commit {}", nearest.0))
            .with("pages that differ from it", format!("{:?}", differing(nearest)));
        Err(("DUR-2", describe(evidence)))
    }

    /// Two commits may leave the same bytes: then the one that ends where the recovered log does is the one that is there.
    /// If nothing was recovered from the log, it is the oldest that is good enough: what lies in the database file was
    /// durable in the log before it was copied.
    fn by_log_end<'a>(
        &'a self,
        first: (u32, &'a [Attempt]),
        recovered: &Recovered,
        owed: Survival,
    ) -> (u32, &'a [Attempt]) {
        let is_shown = |(commit, revived)| self.differing_pages(&recovered.image, commit, revived).is_empty();
        let good = self.candidates(owed).filter(|(commit, _)| *commit >= owed.must);
        let mut shown = good.filter(|candidate| is_shown(*candidate));
        let log = &recovered.log;
        if log.mx_frame == 0 {
            let commits = shown.filter(|(_, revived)| revived.is_empty());
            return commits.min_by_key(|(commit, _)| *commit).unwrap_or(first);
        }
        let (seq, salts) = log.generation.unwrap_or_default();
        let log_end = LogPoint { seq, salts, frame: log.mx_frame };
        let ends_there = |(commit, revived): (u32, &[Attempt])| {
            log_end == revived.last().map_or(self.commits[commit as usize].at, |attempt| attempt.at)
        };
        match ends_there(first) {
            true => first,
            false => shown.find(|candidate| ends_there(*candidate)).unwrap_or(first),
        }
    }

    /// Commits that were tried and have failed, or were lost in a crash, and may yet be seen in the files.
    pub fn failed_transactions(&self) -> impl Iterator<Item = &Attempt> {
        self.attempt.iter().chain(self.ghosts.iter().flat_map(|ghost| &ghost.commits))
    }

    /// Whether a recovered image that is no prefix of the commits is one with a part of the next transaction.
    pub fn half_a_transaction(&self, recovered: &Recovered, owed: Survival) -> Option<Evidence> {
        let found = |page: u32| {
            let start = (page as usize - 1) * self.page_size;
            recovered.image.get(start..start + self.page_size).map(digest)
        };
        let next = |commit: u32| match &self.attempt {
            Some(attempt) if commit == self.newest() => attempt.page_digests.clone(),
            _ => self.versions.changes(commit + 1).0,
        };
        (0..=owed.may).rev().find_map(|commit| {
            let (differing, next) = (self.differing_pages(&recovered.image, commit, &[]), next(commit));
            let is_new = |page: &u32| found(*page) == next.get(page).copied();
            let (new, old): (Vec<u32>, Vec<u32>) = next.keys().partition(|page| is_new(page));
            let only_new_differ = !differing.is_empty() && differing.iter().all(|page| new.contains(page));
            (only_new_differ && !old.is_empty()).then(|| {
                Evidence::new(format!("the transaction after commit {commit} has survived in part"))
                    .with("pages that are new", format!("{new:?}"))
                    .with("pages that are old", format!("{old:?}"))
            })
        })
    }

    /// Judges a recovered image: finds out which state it shows, and holds its structure and rows to that state.
    ///
    /// # Errors
    /// The invariant that is broken, and evidence.
    pub fn judge(&self, recovered: &Recovered, owed: Survival) -> Result<(Found, Rows), (&'static str, Evidence)> {
        if self.creation == Creation::Pending && !parser::is_database(&recovered.image) {
            // Nobody was told anything, and whoever opens the file creates it anew.
            return Ok((Found { commit: 0, revived: Vec::new() }, Rows::new()));
        }
        let found = self.identify(recovered, owed)?;
        let rows = parser::read_rows(&recovered.image, self.page_size)
            .map_err(|problem| ("PG-5", Evidence::new(format!("page {} {}", problem.page, problem.what))))?;
        if rows == self.rows_of(&found) {
            return Ok((found, rows));
        }
        let commit = found.commit + found.revived.len() as u32;
        Err(("DUR-2", Evidence::new(format!("the pages are those of commit {commit}, but the rows are not"))))
    }

    /// Whether a state shows commits that were lost or overwritten before, and not just one that was under way.
    pub fn is_ghost(&self, found: &Found) -> bool {
        let under_way = self.attempt.as_slice();
        !found.revived.is_empty() && found.revived != under_way
    }

    /// The rows of a state that a crash may leave.
    fn rows_of(&self, found: &Found) -> Rows {
        let mut rows: Rows = self.versions.rows(found.commit).map(|(key, value)| (key, value.to_vec())).collect();
        for (key, value) in found.revived.iter().flat_map(|attempt| &attempt.rows) {
            match value {
                Some(value) => rows.insert(*key, value.to_vec()),
                None => rows.remove(key),
            };
        }
        rows
    }

    /// What [`judge`](Self::judge) depends on besides the image, as one number: at two moments with the same number every
    /// image is judged alike. Commits only grow between crashes, so their count stands for their contents.
    pub fn duty(&self, owed: Survival) -> u64 {
        let mut hash = RunHash::default();
        (self.crashes, owed, self.creation, &self.doubts).hash(&mut hash);
        let ghosts = self.ghosts.iter().map(|ghost| (ghost.base, ghost.commits.as_slice()));
        let attempt = self.attempt.iter().map(|attempt| (u32::MAX, std::slice::from_ref(attempt)));
        for (base, attempts) in ghosts.chain(attempt) {
            base.hash(&mut hash);
            for attempt in attempts {
                (attempt.at, attempt.pages, &attempt.page_digests).hash(&mut hash);
            }
        }
        hash.finish()
    }

    /// The files now show `found`: forgets what came after it and everything that was in memory.
    pub fn rewind(&mut self, found: Found, recovered: &Recovered, database: &[u8], kind: CrashKind) -> u32 {
        let found_commit = found.commit;
        self.crashes += 1;
        self.remember_lost(found_commit);
        self.versions.rewind(found.commit);
        self.commits.truncate(found.commit as usize + 1);
        found.revived.into_iter().for_each(|attempt| self.revive(attempt));
        let commit = self.newest();
        self.acknowledged = self.acknowledged.min(commit);
        self.synced = if kind == CrashKind::Power { commit } else { self.synced.min(commit) };
        // What has come back is durable now as it is; a ghost that follows an older commit may still replace it only as
        // long as that commit is the newest durable one.
        let durable = self.sure_of(self.synced).min(found_commit);
        self.ghosts.retain(|ghost| ghost.base >= durable);
        self.points.clear();
        self.syncs.clear();
        self.owners.clear();
        self.backfill = 0;
        self.ended = None;
        self.adopt_log(recovered);
        self.database = database.chunks(self.page_size).map(digest).collect();
        if kind == CrashKind::Power {
            self.database_synced = self.database_effects;
        }
        self.published = LogPoint::default();
        self.locks = Default::default();
        let unpadded = self.unpadded(recovered.log.mx_frame);
        let generation = recovered.log.generation.unwrap_or_default();
        let ahead = unpadded.map_or_else(Vec::new, |unpadded| {
            self.pages_ahead(LogPoint { seq: generation.0, salts: generation.1, frame: unpadded.first })
        });
        match kind {
            CrashKind::Process => self.doubts.note_process_crash(unpadded),
            CrashKind::Power => {
                self.doubts.note_power_loss(generation, unpadded);
            }
        }
        self.doubts.note_ahead(ahead);
        let stays_hidden = kind == CrashKind::Process && self.doubts.hidden_log() == Some(generation);
        self.doubts.note_hidden(generation, recovered.log.hidden > 0 || stays_hidden);
        self.injected = None;
        self.conns.iter_mut().for_each(|conn| *conn = ConnFacts::default());
        commit
    }

    /// A log is about to be recovered, or has survived: its frames are those that the file holds.
    pub fn adopt_log(&mut self, recovered: &Recovered) {
        self.frames = Frames::default();
        self.frames_synced = 0;
        for (frame, &page) in (1..).zip(&recovered.frame_pages) {
            let digest = self.versions.page(page, self.newest()).unwrap_or(0);
            self.frames.put(frame, FrameFact { page, digest, written: true, in_flight: 0 });
        }
    }

    /// What was no commit is one now.
    pub(super) fn revive(&mut self, attempt: Attempt) {
        self.versions.commit(self.newest() + 1, &attempt.page_digests, attempt.rows);
        self.commits.push(Commit { at: attempt.at, pages: attempt.pages });
    }

    /// The pages of the database file that a log cut off at this frame would leave newer than itself: those that show
    /// nothing that the last commit below it, or one before that, has made of them. A copy that was torn is among them.
    fn pages_ahead(&self, cut: LogPoint) -> Vec<u32> {
        let is_below =
            |commit: &Commit| (commit.at.seq, commit.at.salts) != (cut.seq, cut.salts) || commit.at.frame < cut.frame;
        let below = self.commits.iter().rposition(is_below).unwrap_or(0) as u32;
        let is_ahead = |page: u32, digest: u64| {
            let is_known = self.versions.page(page, below).is_some();
            is_known && !(0..=below).any(|commit| self.versions.page(page, commit) == Some(digest))
        };
        let pages = (1..).zip(&self.database);
        pages.filter(|(page, digest)| is_ahead(*page, **digest)).map(|(page, _)| page).collect()
    }

    /// The frames that share a sector with what will be written behind the last one.
    pub(super) fn unpadded(&self, last: u32) -> Option<Unpadded> {
        let (sector, frame) = (self.padded_to? as u64, 24 + self.page_size as u64);
        let end = 32 + u64::from(last) * frame;
        let first_byte = end - end % sector;
        let first = first_byte.saturating_sub(32) / frame + 1;
        (last > 0 && end != first_byte).then_some(Unpadded { first: first as u32, last })
    }

    /// What the crash takes away may come back as long as nothing newer is durable.
    fn remember_lost(&mut self, kept: u32) {
        let lost = (kept + 1..=self.newest()).map(|number| {
            let (page_digests, rows) = self.versions.changes(number);
            let Commit { at, pages } = self.commits[number as usize];
            Attempt { conn: u8::MAX, at, pages, page_digests, rows }
        });
        let lost: Vec<Attempt> = lost.collect();
        for ghost in self.ghosts.iter_mut().filter(|ghost| ghost.base > kept) {
            // What it followed is lost itself, so it now follows that.
            let before = &lost[..(ghost.base - kept) as usize];
            ghost.commits.splice(0..0, before.iter().cloned());
            ghost.base = kept;
        }
        let commits: Vec<Attempt> = lost.into_iter().chain(self.attempt.take()).collect();
        if !commits.is_empty() {
            self.ghosts.push(Ghost { base: kept, commits });
        }
    }
}
