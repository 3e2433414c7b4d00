//! Hashing the ledger: what it knows decides what the checks will say. See [`falken_models::state`] for the contract.

use std::hash::{Hash, Hasher};

use falken_models::disk::OpId;

use super::{Attempt, Frames, Ghost, Holders, Ledger, Submitter};

impl Ledger {
    /// Hashes what does not belong to one connection.
    pub fn hash_shared<H: Hasher>(&self, state: &mut H) {
        let Self {
            // The same in the whole run.
            sync: _,
            page_size: _,
            padded_to: _,
            commits,
            versions,
            acknowledged,
            synced,
            published,
            frames,
            frames_synced,
            backfill,
            ended,
            database,
            database_effects,
            database_synced,
            attempt,
            creation,
            ghosts,
            points,
            page_in_parts,
            doubts,
            injected,
            // The run counts them too.
            crashes: _,
            // See `hash_connection`.
            conns: _,
            locks: _,
            syncs: _,
            owners: _,
        } = self;
        commits.hash(state);
        versions.hash(state);
        (acknowledged, synced, published, frames_synced, backfill, ended, creation).hash(state);
        frames.hash(state);
        database.hash(state);
        (database_effects, database_synced).hash(state);
        attempt.as_slice().iter().for_each(|attempt| hash_attempt(attempt, state));
        for Ghost { base, commits } in ghosts {
            base.hash(state);
            commits.len().hash(state);
            commits.iter().for_each(|attempt| hash_attempt(attempt, state));
        }
        (points, page_in_parts, doubts, injected).hash(state);
    }

    /// Hashes what belongs to one connection; `in_flight` are its operations in flight, oldest first.
    pub fn hash_connection<H: Hasher>(&self, conn: u8, in_flight: impl Iterator<Item = OpId>, state: &mut H) {
        let facts = &self.conns[usize::from(conn)];
        facts.hash(state);
        for Holders { shared, exclusive } in &self.locks {
            // In which order shared holders came does not matter to anybody.
            shared.iter().filter(|holder| **holder == conn).count().hash(state);
            (*exclusive == Some(conn)).hash(state);
        }
        self.attempt.as_ref().is_some_and(|attempt| attempt.conn == conn).hash(state);
        for op in in_flight {
            self.syncs.get(&op).hash(state);
            // Statements are counted up, and only compared: an older one never becomes the current one again.
            let current = |by: &Submitter| facts.statements[usize::from(by.slot)].ordinal == by.ordinal;
            self.owners.get(&op).map(|by| (by.slot, current(by), by.cancelled)).hash(state);
        }
    }
}

/// Whose attempt it is belongs to that connection.
fn hash_attempt<H: Hasher>(attempt: &Attempt, state: &mut H) {
    let Attempt { conn: _, at, pages, page_digests, rows } = attempt;
    (at, pages).hash(state);
    page_digests.hash(state);
    rows.hash(state);
}

impl Hash for Frames {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The lists by page follow from the facts, and how many frames are known to be written can be counted again.
        let Self { facts, by_page: _, written: _ } = self;
        facts.hash(state);
    }
}
