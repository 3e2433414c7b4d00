//! Random histories: whatever survives a power loss was there at some moment since the last fsync.
//!
//! The oracle is deliberately dull: it keeps a full copy of the file after every effect, and calls a sector or a size
//! legal if one of the copies since the durable one has it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::*;
use crate::digest::mix;

/// A seeded generator: enough to vary a test, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = mix(self.0, 1);
        (self.0 % sides as u64) as usize
    }
}

/// One file as a list of full copies.
struct Oracle {
    copies: Vec<Vec<u8>>,
    /// The copy that is durable.
    durable: usize,
}

impl Oracle {
    fn new(bytes: Vec<u8>) -> Self {
        Self { copies: vec![bytes], durable: 0 }
    }

    fn now(&self) -> &[u8] {
        self.copies.last().expect("starts with one")
    }

    fn effect(&mut self, request: &Request, moved: usize) {
        let mut copy = self.now().to_vec();
        match request {
            Request::Write { offset, buffer, .. } if moved > 0 => {
                let start = *offset as usize;
                copy.resize(copy.len().max(start + moved), 0);
                buffer.read(|bytes| copy[start..start + moved].copy_from_slice(&bytes[..moved]));
            }
            Request::Truncate { len, .. } => copy.resize(*len as usize, 0),
            Request::Write { .. }
            | Request::Read { .. }
            | Request::Sync { .. }
            | Request::SyncEntry { .. }
            | Request::Remove { .. } => return,
        }
        self.copies.push(copy);
    }

    /// Sectors to which several operations were in flight may hold any part of them in any order: there only each byte is
    /// looked for.
    fn check(&self, survivor: &[u8], seed: u64, in_flight: &[Range<usize>]) {
        let legal = &self.copies[self.durable..];
        assert!(legal.iter().any(|copy| copy.len() == survivor.len()), "seed {seed}: an invented size");
        for start in (0..survivor.len()).step_by(SECTOR) {
            let end = survivor.len().min(start + SECTOR);
            let seen = |copy: &Vec<u8>| (start..end).all(|at| survivor[at] == copy.get(at).copied().unwrap_or(0));
            let writes = in_flight.iter().filter(|range| range.start < end && range.end > start).count();
            let byte = |at: usize| legal.iter().any(|copy| survivor[at] == copy.get(at).copied().unwrap_or(0));
            let is_legal = legal.iter().any(seen) || (writes > 1 && (start..end).all(byte));
            assert!(is_legal, "seed {seed}: an invented sector at {start}");
        }
    }
}

struct Pending {
    request: Request,
    /// For a sync: how many copies there were when it was submitted.
    copies: usize,
}

/// Two disks in step: the real one and the oracles.
struct History {
    disk: Arc<Disk>,
    oracles: BTreeMap<FileId, Oracle>,
    pending: BTreeMap<OpId, Pending>,
    dice: Dice,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let database = vec![b'-'; dice.roll(4 * SECTOR)];
        let oracles = [(DB, Oracle::new(database.clone())), (WAL, Oracle::new(Vec::new()))].into();
        Self { disk: disk(&database), oracles, pending: BTreeMap::new(), dice }
    }

    fn submit(&mut self) {
        let dice = &mut self.dice;
        let file = FileId::ALL[dice.roll(2)];
        let request = match dice.roll(8) {
            0..=4 => {
                let bytes = vec![b'a' + dice.roll(26) as u8; 1 + dice.roll(2 * SECTOR)];
                write_of(file, dice.roll(4 * SECTOR) as u64, &bytes)
            }
            5 | 6 => Request::Sync { file },
            _ => Request::Truncate { file, len: dice.roll(5 * SECTOR) as u64 },
        };
        let (op, _) = submit(&self.disk, request.clone());
        self.pending.insert(op, Pending { request, copies: self.oracles[&file].copies.len() });
    }

    fn finish(&mut self) {
        let Some(&op) = self.pending.keys().nth(self.dice.roll(self.pending.len().max(1))) else { return };
        let Pending { request, copies } = self.pending.remove(&op).expect("just seen");
        let len = request.range().1;
        let part = self.dice.roll(len as usize + 1) as u32;
        let (ending, moved) = match self.dice.roll(6) {
            0 => (Ending::Short(part), part),
            1 => (failing(part), part),
            _ => (Ending::Success, len),
        };
        let oracle = self.oracles.get_mut(&request.file()).expect("both files are there");
        let failed = matches!(ending, Ending::Error { .. });
        match request {
            Request::Sync { .. } if !failed => oracle.durable = oracle.durable.max(copies - 1),
            Request::Truncate { .. } if failed => {}
            _ => oracle.effect(&request, moved as usize),
        }
        self.disk.finish(op, ending);
        for (&file, oracle) in &self.oracles {
            assert_eq!(self.disk.contents(file), oracle.now());
            assert_eq!(self.disk.durable_contents(file), oracle.copies[oracle.durable]);
        }
    }

    /// The power fails: what is in flight may have happened too.
    fn lose_power(&mut self, seed: u64) {
        let mut in_flight: BTreeMap<FileId, Vec<Range<usize>>> = BTreeMap::new();
        for Pending { request, .. } in std::mem::take(&mut self.pending).into_values() {
            let oracle = self.oracles.get_mut(&request.file()).expect("both files are there");
            oracle.effect(&request, request.range().1 as usize);
            let ((start, len), ranges) = (request.range(), in_flight.entry(request.file()).or_default());
            match request {
                Request::Write { .. } => ranges.push(start as usize..start as usize + len as usize),
                // What lies behind it is cut, or not, before or after any write.
                Request::Truncate { .. } => ranges.push(start as usize..usize::MAX),
                Request::Read { .. } | Request::Sync { .. } | Request::SyncEntry { .. } | Request::Remove { .. } => {}
            }
        }
        let dice = &mut self.dice;
        self.disk.lose_power(&[], &mut |_, versions| {
            assert!(versions > 1, "a question has at least two answers");
            dice.roll(versions)
        });
        for (&file, oracle) in &mut self.oracles {
            let survivor = self.disk.contents(file);
            oracle.check(&survivor, seed, in_flight.get(&file).map_or(&[], Vec::as_slice));
            *oracle = Oracle::new(survivor);
        }
    }

    fn crash_process(&mut self) {
        let mut performed = Vec::new();
        let dice = &mut self.dice;
        self.disk.crash_process(&mut |question, _| {
            let Survivor::InFlight { op } = question else { panic!("{question:?} is about a power loss") };
            let answer = dice.roll(2);
            performed.extend((answer == 1).then_some(op));
            answer
        });
        for (op, Pending { request, .. }) in std::mem::take(&mut self.pending) {
            if performed.contains(&op) {
                let oracle = self.oracles.get_mut(&request.file()).expect("both files are there");
                oracle.effect(&request, request.range().1 as usize);
            }
        }
    }
}

#[test]
fn whatever_survives_was_there_since_the_last_fsync() {
    for seed in 0..3_000 {
        let mut history = History::new(seed);
        for _ in 0..60 {
            match history.dice.roll(40) {
                0 => history.lose_power(seed),
                1 => history.crash_process(),
                2..=21 => history.submit(),
                _ => history.finish(),
            }
        }
        history.lose_power(seed);
    }
}
