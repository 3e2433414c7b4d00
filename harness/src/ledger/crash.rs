//! What a crash leaves: which commits must be there, which may be, and which one it was.

use falken_models::digest::digest;
use falken_models::wal::SyncMode;

use super::{Commit, ConnFacts, FrameFact, Ledger};
use crate::action::CrashKind;
use crate::parser::Recovered;
use crate::verdict::Evidence;

/// The recovered state must be one of these commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survival {
    /// The oldest that is good enough.
    pub must: u32,
    /// The newest that was invoked; one more than the published ones if a commit was under way.
    pub may: u32,
}

impl Ledger {
    /// What is owed after a crash of this kind (`wal.md` D.4: [must, may]).
    pub fn owed(&self, kind: CrashKind) -> Survival {
        let must = match (kind, self.sync) {
            (CrashKind::Process, _) => self.acknowledged,
            (CrashKind::Power, SyncMode::Full) => self.acknowledged.max(self.synced),
            (CrashKind::Power, SyncMode::Normal) => self.synced,
            (CrashKind::Power, SyncMode::Off) => 0,
        };
        Survival { must, may: self.newest() + u32::from(self.attempt.is_some()) }
    }

    /// The pages in which a recovered image differs from a commit.
    fn differing_pages(&self, image: &[u8], commit: u32) -> Vec<u32> {
        let attempt = self.attempt.as_ref().filter(|_| commit > self.newest());
        let pages = attempt.map_or_else(|| self.commits[commit as usize].pages, |attempt| attempt.pages);
        let expected = |page: u32| {
            let attempted = attempt.and_then(|attempt| attempt.page_digests.get(&page).copied());
            attempted.or_else(|| self.versions.page(page, commit))
        };
        let found = |page: u32| {
            let start = (page as usize - 1) * self.page_size;
            image.get(start..start + self.page_size).map(digest)
        };
        // A page that was never written (a free page at the end) has no expected content.
        (1..=pages).filter(|&page| expected(page).is_some_and(|digest| found(page) != Some(digest))).collect()
    }

    /// Finds out which commit a recovered image shows.
    ///
    /// # Errors
    /// Evidence that it shows none of those that it may show.
    pub fn identify(&self, recovered: &Recovered, owed: Survival) -> Result<u32, (&'static str, Evidence)> {
        let all = (0..=owed.may).rev();
        let found = all.clone().find(|&commit| self.differing_pages(&recovered.image, commit).is_empty());
        let describe = |evidence: Evidence| {
            evidence
                .with("owed", format!("a commit from {} to {}", owed.must, owed.may))
                .with("acknowledged", self.acknowledged)
                .with("covered by a log fsync", self.synced)
                .with(
                    "recovered log",
                    format!("generation {:?}, last commit frame {}", recovered.log.generation, recovered.log.mx_frame),
                )
        };
        match found {
            Some(commit) if commit >= owed.must => Ok(commit),
            Some(commit) => {
                let summary = format!("the crash lost commits {} to {}", commit + 1, owed.must);
                Err(("DUR-1", describe(Evidence::new(summary).with("recovered state", format!("commit {commit}")))))
            }
            None => {
                let nearest =
                    all.min_by_key(|&commit| self.differing_pages(&recovered.image, commit).len()).unwrap_or(0);
                let pages = self.differing_pages(&recovered.image, nearest);
                let summary = "the recovered database equals the state after no prefix of the commits";
                let evidence = Evidence::new(summary)
                    .with("nearest prefix", format!("commit {nearest}"))
                    .with("pages that differ from it", format!("{pages:?}"));
                Err(("DUR-2", describe(evidence)))
            }
        }
    }

    /// The files now show `commit`: forgets what came after it and everything that was in memory.
    pub fn rewind(&mut self, commit: u32, recovered: &Recovered, database: &[u8], kind: CrashKind) {
        if let Some(attempt) = self.attempt.take()
            && commit > self.newest()
        {
            self.versions.commit(commit, &attempt.page_digests, attempt.rows);
            self.commits.push(Commit { at: attempt.at, pages: attempt.pages });
        }
        self.versions.rewind(commit);
        self.commits.truncate(commit as usize + 1);
        self.acknowledged = self.acknowledged.min(commit);
        self.synced = if kind == CrashKind::Power { commit } else { self.synced.min(commit) };
        self.points.clear();
        self.syncs.clear();
        self.backfill = 0;
        self.frames_synced = 0;
        self.frames = recovered
            .frame_pages
            .iter()
            .map(|&page| {
                let digest = self.versions.page(page, commit).unwrap_or(0);
                FrameFact { page, digest, commit_pages: 0, conn: u8::MAX, written: true }
            })
            .collect();
        self.database = database.chunks(self.page_size).map(digest).collect();
        if kind == CrashKind::Power {
            self.database_synced = self.database_effects;
        }
        self.locks = Default::default();
        self.conns.iter_mut().for_each(|conn| *conn = ConnFacts::default());
    }
}
