//! The lock words of the wal-index: exclusive excludes everybody, shared excludes exclusive, and what a holder wrote is
//! visible to the next one. Locks are tried, never waited for.

use super::Stage;
use crate::sync::{Arc, AtomicU32, Body, Ordering::Relaxed, Unseen, race};
use crate::wal::LockMode::{Exclusive, Shared};
use crate::wal::{LockId, LockMode, WalShared};

const LANES: [&str; 3] = ["first", "second", "third"];

/// What a lock protects: plain memory, so to say, whose every access is a place to be interrupted at.
#[derive(Default)]
struct Protected {
    readers: AtomicU32Zero,
    value: AtomicU32Zero,
}

/// An atomic that begins as zero; not every backend's has a default.
struct AtomicU32Zero(AtomicU32);

impl Default for AtomicU32Zero {
    fn default() -> Self {
        Self(AtomicU32::new(0))
    }
}

impl Protected {
    /// Adds two in two steps; whoever comes between them is noticed.
    fn change(&self) {
        let before = self.value.0.load(Relaxed);
        assert_eq!(before % 2, 0, "WAL-4: two holders of an exclusive lock");
        self.value.0.store(before + 1, Relaxed);
        self.value.0.store(before + 2, Relaxed);
    }

    fn look(&self) {
        self.readers.0.fetch_add(1, Relaxed);
        assert_eq!(self.value.0.load(Relaxed) % 2, 0, "WAL-4: a shared holder beside an exclusive one");
    }
}

/// How a lock is taken and released: the real way, or a wrong one that a test tries.
#[derive(Clone, Copy)]
pub struct Locking {
    /// Takes it if it is free.
    pub try_lock: fn(&WalShared, LockMode) -> bool,
    /// Releases it.
    pub unlock: fn(&WalShared, LockMode),
}

/// The real way.
pub const REAL: Locking = Locking {
    try_lock: |shared, mode| shared.try_lock(LockId::WRITE, mode),
    unlock: |shared, mode| shared.unlock(LockId::WRITE, mode),
};

/// Two or three contenders for one lock.
///
/// # Panics
/// If the lock does not keep them apart.
pub fn contend(stage: &Stage, modes: &[LockMode], locking: Locking) {
    let (shared, data) = (Arc::new(WalShared::default()), Arc::new(Protected::default()));
    let changes = Unseen::new(0);
    let contender = |(lane, &mode): (&'static str, &LockMode)| -> Body {
        let (shared, data) = (Arc::clone(&shared), Arc::clone(&data));
        let (stage, changes) = (stage.clone(), changes.clone());
        Box::new(move || {
            if !(locking.try_lock)(&shared, mode) {
                stage.note(lane, || "finds the lock busy".into());
                return;
            }
            stage.note(lane, || format!("holds the lock: {mode:?}"));
            match mode {
                Exclusive => {
                    data.change();
                    changes.with(|changes| *changes += 1);
                }
                Shared => data.look(),
            }
            (locking.unlock)(&shared, mode);
            stage.note(lane, || "has let go".into());
        })
    };
    race(LANES.into_iter().zip(modes).map(contender).collect(), || {});
    assert_eq!(data.value.0.load(Relaxed), 2 * changes.with(|changes| *changes), "WAL-4: a change was lost");
    assert_eq!(shared.shared_holders(LockId::WRITE), Some(0), "WAL-4: everybody has let go");
}

pub(super) fn exclusive_shared(stage: &Stage) {
    contend(stage, &[Exclusive, Shared], REAL);
}

pub(super) fn exclusive_exclusive(stage: &Stage) {
    contend(stage, &[Exclusive, Exclusive], REAL);
}

pub(super) fn two_writers(stage: &Stage) {
    contend(stage, &[Exclusive, Exclusive, Shared], REAL);
}

/// Two holders that must not keep each other out.
fn beside(stage: &Stage, locks: [LockId; 2], mode: LockMode) -> Arc<WalShared> {
    let shared = Arc::new(WalShared::default());
    let holder = |(lane, lock): (&'static str, LockId)| -> Body {
        let (shared, stage) = (Arc::clone(&shared), stage.clone());
        Box::new(move || {
            assert!(shared.try_lock(lock, mode), "WAL-4: refused, though nobody is in the way");
            stage.note(lane, || format!("holds {}: {mode:?}", lock.name()));
        })
    };
    race(LANES.into_iter().zip(locks).map(holder).collect(), || {});
    shared
}

pub(super) fn shared_shared(stage: &Stage) {
    let shared = beside(stage, [LockId::WRITE; 2], Shared);
    assert_eq!(shared.shared_holders(LockId::WRITE), Some(2), "WAL-4: both hold it");
    assert!(!shared.try_lock(LockId::WRITE, Exclusive), "WAL-4: exclusive beside two shared holders");
}

pub(super) fn two_locks(stage: &Stage) {
    let locks = [LockId::WRITE, LockId::read(0)];
    let shared = beside(stage, locks, Exclusive);
    assert!(locks.iter().all(|lock| shared.shared_holders(*lock).is_none()), "WAL-4: both are held exclusively");
}

pub(super) fn three(stage: &Stage) {
    contend(stage, &[Exclusive, Shared, Shared], REAL);
}
