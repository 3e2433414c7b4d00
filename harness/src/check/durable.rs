//! What must survive a crash: a prefix of the commits, with everything in it that the sync mode promised to keep.
//!
//! The commit order and the survivors are given; finding them (from the log, from reads after recovery) is not done
//! here. Nor is the content of the database compared: that a survivor survived whole is for the caller to know.

use std::collections::BTreeSet;

use falken_models::wal::SyncMode;
use thiserror::Error;

/// What went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// The process, with its memory. Every completed write is still there.
    Process,
    /// The power, with whatever was not synced.
    Power,
}

/// A commit, and how far it had come when the crash struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// The transaction.
    pub transaction: usize,
    /// Whether the client had been told.
    pub acknowledged: bool,
    /// Whether a successful sync had covered it.
    pub synced: bool,
}

impl Commit {
    /// Whether the commit had to survive.
    pub fn must_survive(&self, sync: SyncMode, loss: Loss) -> bool {
        match (loss, sync) {
            (Loss::Process, SyncMode::Off | SyncMode::Normal | SyncMode::Full) => self.acknowledged,
            (Loss::Power, SyncMode::Full) => self.acknowledged || self.synced,
            (Loss::Power, SyncMode::Normal) => self.synced,
            (Loss::Power, SyncMode::Off) => false,
        }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Durability {
    /// What survived is what had to.
    Kept,
    /// It is not.
    Broken(Vec<DurabilityFault>),
    /// The sync mode promises nothing after such a loss, not even a prefix.
    NotPromised,
}

/// One way in which the survivors are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DurabilityFault {
    /// A commit that had to survive is gone.
    #[error("transaction {transaction} had to survive and is lost")]
    Lost {
        /// The transaction.
        transaction: usize,
    },
    /// A later commit survived an earlier one.
    #[error("transaction {survivor} survived although {missing}, which committed before it, did not")]
    Hole {
        /// The first commit that is missing.
        missing: usize,
        /// The commit that came later.
        survivor: usize,
    },
    /// Something survived that never committed.
    #[error("transaction {transaction} never committed and is there after the crash")]
    Ghost {
        /// The transaction.
        transaction: usize,
    },
}

/// Judges what survived a crash, given all commits in their order.
pub fn durable_prefix(commits: &[Commit], survivors: &BTreeSet<usize>, sync: SyncMode, loss: Loss) -> Durability {
    if (loss, sync) == (Loss::Power, SyncMode::Off) {
        return Durability::NotPromised;
    }
    let mut faults = Vec::new();
    let mut missing = None;
    for commit in commits {
        let transaction = commit.transaction;
        match (survivors.contains(&transaction), missing) {
            (true, Some(missing)) => faults.push(DurabilityFault::Hole { missing, survivor: transaction }),
            (true, None) => {}
            (false, _) => {
                missing = missing.or(Some(transaction));
                if commit.must_survive(sync, loss) {
                    faults.push(DurabilityFault::Lost { transaction });
                }
            }
        }
    }
    let committed: BTreeSet<usize> = commits.iter().map(|c| c.transaction).collect();
    faults.extend(survivors.difference(&committed).map(|&transaction| DurabilityFault::Ghost { transaction }));
    if faults.is_empty() { Durability::Kept } else { Durability::Broken(faults) }
}

#[cfg(test)]
mod tests {
    use super::DurabilityFault::{Ghost, Hole, Lost};
    use super::*;

    /// Commits in order: `a` acknowledged, `s` synced, `b` both, `-` neither.
    fn commits(stages: &str) -> Vec<Commit> {
        let commit = |(transaction, stage)| Commit {
            transaction,
            acknowledged: matches!(stage, 'a' | 'b'),
            synced: matches!(stage, 's' | 'b'),
        };
        stages.chars().enumerate().map(commit).collect()
    }

    #[test]
    fn survivors_are_a_prefix_with_all_that_was_promised() {
        use Loss::{Power, Process};
        use SyncMode::{Full, Normal, Off};
        type Case<'a> = (&'a str, &'a [usize], SyncMode, Loss, &'a [DurabilityFault]);
        let cases: &[Case<'_>] = &[
            ("", &[], Full, Power, &[]),
            ("aaa", &[0, 1, 2], Full, Power, &[]),
            ("aa-", &[0, 1], Full, Power, &[]),
            ("aa-", &[0, 1, 2], Full, Power, &[]),
            ("aaa", &[0, 1], Full, Power, &[Lost { transaction: 2 }]),
            ("aaa", &[0, 1], Normal, Power, &[]),
            ("baa", &[], Normal, Power, &[Lost { transaction: 0 }]),
            ("aas", &[0, 1], Normal, Power, &[Lost { transaction: 2 }]),
            ("aaa", &[0, 2], Normal, Power, &[Hole { missing: 1, survivor: 2 }]),
            ("-a", &[1], Full, Power, &[Hole { missing: 0, survivor: 1 }]),
            ("aa", &[0], Off, Process, &[Lost { transaction: 1 }]),
            ("a-", &[0], Normal, Process, &[]),
            ("a", &[0, 7], Full, Power, &[Ghost { transaction: 7 }]),
        ];
        for &(stages, survivors, sync, loss, faults) in cases {
            let survivors: BTreeSet<usize> = survivors.iter().copied().collect();
            let expected = if faults.is_empty() { Durability::Kept } else { Durability::Broken(faults.to_vec()) };
            assert_eq!(durable_prefix(&commits(stages), &survivors, sync, loss), expected, "{stages} {survivors:?}");
        }
        let anything = BTreeSet::from([1]);
        assert_eq!(durable_prefix(&commits("aa"), &anything, Off, Power), Durability::NotPromised);
    }
}
