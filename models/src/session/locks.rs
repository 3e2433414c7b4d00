//! The locks of a connection: taken once, remembered, and told to the event log.

use super::Session;
use crate::event::EventKind;
use crate::wal::{Header, LockId, LockMode};

impl Session {
    /// Tries a lock once and remembers it.
    pub(crate) fn try_lock(&mut self, lock: LockId, mode: LockMode) -> bool {
        let taken = self.shared.wal.try_lock(lock, mode);
        if taken {
            self.held[usize::from(lock.0)] = Some(mode);
            self.emit(EventKind::Lock { lock, mode });
        } else {
            self.emit(EventKind::LockBusy { lock, mode });
        }
        taken
    }

    /// Releases a lock that this connection holds; nothing happens if it does not.
    pub(crate) fn unlock(&mut self, lock: LockId) {
        if let Some(mode) = self.held[usize::from(lock.0)].take() {
            self.shared.wal.unlock(lock, mode);
            self.emit(EventKind::Unlock { lock, mode });
        }
    }

    /// Opens the database file, unless it is open. Returns false while another connection closes it for good.
    pub(crate) fn open_database(&mut self) -> bool {
        self.open = self.open || self.lock_database();
        self.open
    }

    /// Whether no other connection has the database file open; then none can open it until this one is gone.
    pub(crate) fn is_last_to_close(&mut self) -> bool {
        std::mem::take(&mut self.open) && self.upgrade_database()
    }

    /// Takes the database file's lock, which every connection that has the file open holds.
    ///
    /// While it was not held others may have made a new log, which may come to stand at the same point as the old one: the
    /// private header must not be taken for that one's, nor the cache.
    pub(crate) fn lock_database(&mut self) -> bool {
        let locked = self.try_lock(LockId::DATABASE, LockMode::Shared);
        if locked {
            self.view.header = Header::default();
            self.pages.clear();
        }
        locked
    }

    /// Makes that lock exclusive, if no other connection holds it.
    pub(crate) fn upgrade_database(&mut self) -> bool {
        let alone = self.shared.wal.try_upgrade(LockId::DATABASE);
        if alone {
            self.note_conversion(LockMode::Shared, LockMode::Exclusive);
        } else {
            self.emit(EventKind::LockBusy { lock: LockId::DATABASE, mode: LockMode::Exclusive });
        }
        alone
    }

    /// Lets others open the file again.
    pub(crate) fn downgrade_database(&mut self) {
        self.shared.wal.downgrade(LockId::DATABASE);
        self.note_conversion(LockMode::Exclusive, LockMode::Shared);
    }

    fn note_conversion(&mut self, from: LockMode, to: LockMode) {
        let lock = LockId::DATABASE;
        self.held[usize::from(lock.0)] = Some(to);
        self.emit(EventKind::Unlock { lock, mode: from });
        self.emit(EventKind::Lock { lock, mode: to });
    }

    /// How this connection holds a lock.
    pub fn held(&self, lock: LockId) -> Option<LockMode> {
        self.held[usize::from(lock.0)]
    }

    /// Whether its transaction calls for this lock.
    pub(crate) fn owes_lock(&self, lock: LockId) -> bool {
        (lock == LockId::WRITE && self.view.writing)
            || (lock == LockId::DATABASE && self.open)
            || self.view.slot.is_some_and(|slot| lock == LockId::read(slot))
    }
}
