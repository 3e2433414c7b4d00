//! The lock words of the wal-index: exclusive excludes everybody, shared excludes exclusive, and what a holder wrote is
//! visible to the next one.
//!
//! Bounds: two threads beside the main thread, three with at most 3 preemptions; locks are tried, never waited for.

mod support;

use falken_models_loom::sync::Arc;
use falken_models_loom::wal::{LockId, LockMode, WalShared};
use loom::sync::atomic::{AtomicU32, Ordering::Relaxed, Ordering::SeqCst};
use support::{Bound, expect_failure, explore, join, thread};

/// What a lock protects: plain memory, so to say, whose every access is a place to be interrupted at.
#[derive(Default)]
struct Protected {
    readers: AtomicU32,
    value: AtomicU32,
}

impl Protected {
    /// Adds one in two steps; whoever comes between them is noticed.
    fn change(&self) {
        let before = self.value.load(Relaxed);
        assert_eq!(before % 2, 0, "two holders of an exclusive lock");
        self.value.store(before + 1, Relaxed);
        self.value.store(before + 2, Relaxed);
    }

    fn look(&self) {
        self.readers.fetch_add(1, Relaxed);
        assert_eq!(self.value.load(Relaxed) % 2, 0, "a shared holder beside an exclusive one");
    }
}

/// Two or three contenders for one lock, with a lock built from `try_lock` and `unlock`.
fn contend(modes: &'static [LockMode], try_lock: fn(&WalShared, LockMode) -> bool, unlock: fn(&WalShared, LockMode)) {
    let (shared, data) = (Arc::new(WalShared::default()), Arc::new(Protected::default()));
    let threads: Vec<_> = modes
        .iter()
        .map(|&mode| {
            let (shared, data) = (Arc::clone(&shared), Arc::clone(&data));
            thread(move || {
                if !try_lock(&shared, mode) {
                    return 0;
                }
                match mode {
                    LockMode::Exclusive => data.change(),
                    LockMode::Shared => data.look(),
                }
                unlock(&shared, mode);
                u32::from(mode == LockMode::Exclusive)
            })
        })
        .collect();
    let changes: u32 = threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
    assert_eq!(data.value.load(Relaxed), 2 * changes, "a change was lost");
    assert_eq!(shared.shared_holders(LockId::WRITE), Some(0), "everybody has let go");
}

fn real_try_lock(shared: &WalShared, mode: LockMode) -> bool {
    shared.try_lock(LockId::WRITE, mode)
}

fn real_unlock(shared: &WalShared, mode: LockMode) {
    shared.unlock(LockId::WRITE, mode);
}

use LockMode::{Exclusive, Shared};

#[test]
fn an_exclusive_holder_is_alone_and_the_next_one_sees_its_changes() {
    let rows: [(&str, Bound, &'static [LockMode]); 5] = [
        ("exclusive x exclusive", Bound::Full, &[Exclusive, Exclusive]),
        ("exclusive x shared", Bound::Full, &[Exclusive, Shared]),
        ("shared x shared", Bound::Full, &[Shared, Shared]),
        ("exclusive x shared x shared", Bound::Preemptions(3), &[Exclusive, Shared, Shared]),
        ("exclusive x exclusive x shared", Bound::Preemptions(3), &[Exclusive, Exclusive, Shared]),
    ];
    for (what, bound, modes) in rows {
        explore(what, bound, move || contend(modes, real_try_lock, real_unlock));
    }
}

#[test]
fn shared_holders_do_not_keep_each_other_out() {
    explore("shared beside shared", Bound::Full, || {
        let shared = Arc::new(WalShared::default());
        let threads = [(); 2].map(|()| {
            let shared = Arc::clone(&shared);
            thread(move || assert!(real_try_lock(&shared, Shared), "nobody holds it exclusively"))
        });
        join(threads);
        assert_eq!(shared.shared_holders(LockId::WRITE), Some(2));
        assert!(!real_try_lock(&shared, Exclusive));
    });
}

#[test]
fn different_locks_do_not_touch_each_other() {
    explore("two locks", Bound::Full, || {
        let shared = Arc::new(WalShared::default());
        let threads = [LockId::WRITE, LockId::read(0)].map(|lock| {
            let (shared, scratch) = (Arc::clone(&shared), AtomicU32::new(0));
            thread(move || {
                assert!(shared.try_lock(lock, Exclusive));
                scratch.fetch_add(1, SeqCst);
                shared.unlock(lock, Exclusive);
            })
        });
        join(threads);
    });
}

/// The check and the take as two steps, which is what the compare-and-swap of the real one is there to prevent.
#[test]
fn loom_finds_a_lock_that_looks_before_it_takes() {
    fn look_then_take(shared: &WalShared, _: LockMode) -> bool {
        // Counts itself in, whoever else did so since the look.
        shared.shared_holders(LockId::WRITE) == Some(0) && shared.try_lock(LockId::WRITE, Shared)
    }
    fn unlock(shared: &WalShared, _: LockMode) {
        shared.unlock(LockId::WRITE, Shared);
    }
    expect_failure("look before take", Bound::Preemptions(2), "a change was lost", || {
        contend(&[Exclusive, Exclusive], look_then_take, unlock);
    });
}
