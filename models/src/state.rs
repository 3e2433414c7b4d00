//! Hashing the whole state of the models, so that a search can tell whether it has been there before.
//!
//! Two states with equal hashes must have the same future: the same enabled actions, events, results, and again states
//! with equal hashes. Anything that can influence the future is therefore hashed; what is left out says why at its place.
//! Plain machines derive [`Hash`], so that a new field is included by default; hand-written implementations take their
//! struct apart without `..`, so that a new field does not compile until somebody has decided about it.
//!
//! Objects that several others point to (buffers, pages, completions) have an *identity*: two pages with equal bytes
//! are not one page. An address would differ from run to run, so [`StateHasher`] numbers identities in the order in which
//! it first meets them.

use std::hash::Hasher;

use crate::digest::{digest, mix};

/// Hashes who an object is. Inside a [`StateHasher`] that is a small number, the same in every run.
pub(crate) fn hash_identity<T: ?Sized>(object: &T, state: &mut impl Hasher) {
    // The one use of 128-bit words: no field has that width, which is how the hasher knows an address when it meets one.
    state.write_u128(std::ptr::from_ref(object).cast::<()>().addr() as u128);
}

/// A 64-bit hasher for states: fast, the same on every machine, and blind to addresses.
#[derive(Debug, Default)]
pub struct StateHasher {
    hash: u64,
    /// The objects met so far, by address; their numbers are their positions.
    identities: Vec<u128>,
}

impl Hasher for StateHasher {
    fn finish(&self) -> u64 {
        self.hash
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.write_u64(digest(bytes));
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.hash = mix(self.hash.rotate_left(5), value);
    }

    #[inline]
    fn write_u128(&mut self, address: u128) {
        let met = self.identities.iter().position(|known| *known == address);
        let number = met.unwrap_or_else(|| {
            self.identities.push(address);
            self.identities.len() - 1
        });
        self.write_usize(number);
    }

    #[inline]
    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }

    #[inline]
    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
}

#[cfg(all(test, not(any(falken_loom, falken_shuttle))))]
mod tests {
    use std::hash::Hash;

    use super::*;
    use crate::disk::{Disk, Ending, FileId, Outlook, Request};
    use crate::io::{Buffer, Completion, CompletionError, CompletionGroup, CompletionKind};
    use crate::sync::Arc;
    use crate::wal::{LockId, LockMode, WalShared};

    fn hash(value: &impl Hash) -> u64 {
        let mut hasher = StateHasher::default();
        value.hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn sharing_counts_and_addresses_do_not() {
        let [a, b] = [(); 2].map(|()| Buffer::from_vec(vec![7; 8]));
        assert_eq!(hash(&a), hash(&b));
        assert_ne!(hash(&(Arc::clone(&a), Arc::clone(&a))), hash(&(Arc::clone(&a), Arc::clone(&b))));
        assert_eq!(hash(&(Arc::clone(&a), Arc::clone(&b))), hash(&(Arc::clone(&b), Arc::clone(&a))));
    }

    #[test]
    fn every_part_of_a_completion_counts() {
        let new = || Completion::new_sync(|_| {});
        let changed: Vec<Completion> = [
            |c: &Completion| {
                c.complete(0);
            },
            |c: &Completion| {
                c.complete(1);
            },
            |c: &Completion| {
                c.error(CompletionError::Io);
            },
            |c: &Completion| c.abort(),
            |c: &Completion| c.set_label(3),
            |c: &Completion| c.set_waker(std::task::Waker::noop()),
            |c: &Completion| c.keep_buffer_alive(Buffer::zeroed(1)),
        ]
        .into_iter()
        .map(|change| {
            let completion = new();
            change(&completion);
            completion
        })
        .chain([Completion::new_yield(), Completion::new_write(|_| {}), CompletionGroup::new(|_| {}).build()])
        .collect();
        let mut hashes: Vec<u64> = changed.iter().map(hash).chain([hash(&new())]).collect();
        assert_eq!(hash(&new()), hash(&new()));
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 11);
        assert_eq!(changed[9].kind(), CompletionKind::Group);
    }

    #[test]
    fn every_word_of_the_wal_index_counts() {
        let changes: [fn(&WalShared); 13] = [
            |_| {},
            |wal| wal.store_header_word(0, 0, 1),
            |wal| wal.store_header_word(1, 0, 1),
            |wal| wal.set_backfill(1),
            |wal| wal.set_backfill_attempted(1),
            |wal| wal.set_mark(1, 1),
            |wal| wal.set_unsynced(true),
            |wal| wal.set_entry_synced(),
            |wal| wal.set_database_synced(),
            |wal| _ = wal.draw_salt(),
            |wal| _ = wal.try_lock(LockId::WRITE, LockMode::Shared),
            |wal| _ = wal.try_lock(LockId::WRITE, LockMode::Exclusive),
            |wal| wal.index.lock().append(0, &[1]),
        ];
        let mut hashes: Vec<u64> = changes
            .iter()
            .map(|change| {
                let wal = WalShared::default();
                change(&wal);
                hash(&wal)
            })
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), changes.len());
    }

    #[test]
    fn durable_bytes_count_only_while_the_power_may_fail() {
        let hashes = |synced: bool| {
            let disk = Disk::new(Arc::default(), 512, vec![0; 512]);
            let finish = |request| {
                let ticket = disk.submit(0, request, Completion::new_sync(|_| {})).unwrap();
                disk.finish(ticket.op, Ending::Success);
            };
            finish(Request::write(FileId::Wal, 0, Buffer::from_vec(vec![1; 8])));
            if synced {
                finish(Request::Sync { file: FileId::Wal });
            }
            [Outlook::PowerStays, Outlook::PowerMayFail].map(|outlook| {
                let mut hasher = StateHasher::default();
                disk.hash_files(outlook, &mut hasher);
                hasher.finish()
            })
        };
        let ([stays, may_fail], [stays_synced, may_fail_synced]) = (hashes(false), hashes(true));
        assert_eq!(stays, stays_synced);
        assert_ne!(may_fail, may_fail_synced);
    }

    #[test]
    fn an_operation_in_flight_counts_and_its_name_does_not() {
        let hash_of = |before: usize, file, bytes: u8| {
            let disk = Disk::new(Arc::default(), 512, vec![0; 512]);
            for _ in 0..before {
                let op = disk.submit(0, Request::Sync { file: FileId::Wal }, Completion::new_sync(|_| {}));
                disk.finish(op.unwrap().op, Ending::Success);
            }
            let request = Request::write(file, 0, Buffer::from_vec(vec![bytes; 8]));
            disk.submit(0, request, Completion::new_write(|_| {})).unwrap();
            let mut hasher = StateHasher::default();
            disk.hash_in_flight(0, Outlook::PowerMayFail, &mut hasher);
            hasher.finish()
        };
        assert_eq!(hash_of(0, FileId::Wal, 1), hash_of(3, FileId::Wal, 1));
        assert_ne!(hash_of(0, FileId::Wal, 1), hash_of(0, FileId::Wal, 2));
        assert_ne!(hash_of(0, FileId::Wal, 1), hash_of(0, FileId::Database, 1));
    }

    #[test]
    fn a_group_counts_which_of_its_members_have_finished() {
        let make = |finished: usize| {
            let members = [(); 3].map(|()| Completion::new_sync(|_| {}));
            let mut group = CompletionGroup::new(|_| {});
            members.iter().for_each(|member| group.add(member));
            let group = group.build();
            members[finished].complete(0);
            (group, members)
        };
        let hashes: Vec<u64> = (0..3).map(|finished| hash(&make(finished))).collect();
        assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
    }
}
