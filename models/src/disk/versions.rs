//! What the platter may hold of a file: a chain of versions for each sector that an un-synced effect touches, and one for
//! the size. A power loss keeps any one version of each chain, whatever it keeps of the others.

use std::collections::BTreeMap;
use std::ops::Range;

use super::file::{Effect, File};
use super::{Disk, FileId, FileNumber};

/// Versions of a sector that a disk may leave besides whole ones, all of them on the bytes that were being written.
/// What lay beside those bytes is never harmed (powersafe overwrite).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tear {
    /// Only the first half of the bytes in this sector arrived, or only the second.
    Halves,
    /// The bytes read as zeros.
    Zeros,
    /// The bytes read as noise.
    Noise,
}

/// What the platter may hold of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The durable bytes; sectors without versions keep them.
    pub durable: Vec<u8>,
    /// The file's sizes in bytes, all different: the durable one first, the newest last.
    pub sizes: Vec<usize>,
    /// Every sector with more than one version: its contents, all different, each a whole sector, the durable one first and
    /// the newest last.
    pub sectors: BTreeMap<u64, Vec<Vec<u8>>>,
}

impl Versions {
    fn of(file: &File, in_flight: impl Iterator<Item = Effect>, sector_size: usize, tears: &[Tear]) -> Self {
        let durable = file.durable_bytes().to_vec();
        let mut content = durable.clone();
        let mut versions = Self { sizes: vec![durable.len()], durable, sectors: BTreeMap::new() };
        for effect in file.unsynced() {
            versions.add(effect, &mut content, sector_size, tears);
        }
        for effect in in_flight {
            versions.add(&effect, &mut content, sector_size, tears);
        }
        versions.sectors.retain(|_, contents| contents.len() > 1);
        versions
    }

    /// Adds what `effect` makes of `content`.
    fn add(&mut self, effect: &Effect, content: &mut Vec<u8>, sector_size: usize, tears: &[Tear]) {
        let written = match effect {
            Effect::Write { offset, bytes } => *offset as usize..*offset as usize + bytes.len(),
            // A change of size writes no sector: where the old size survives, so does what lay there.
            Effect::Resize { .. } => 0..0,
        };
        let touched = written.start / sector_size..written.end.div_ceil(sector_size);
        let before: Vec<Vec<u8>> =
            touched.clone().filter(|_| !written.is_empty()).map(|at| sector_of(content, at, sector_size)).collect();
        effect.apply_to(content);
        if !self.sizes.contains(&content.len()) {
            self.sizes.push(content.len());
        }
        for (at, before) in touched.zip(before) {
            let start = at * sector_size;
            let part = written.start.max(start) - start..written.end.min(start + sector_size) - start;
            let after = sector_of(content, at, sector_size);
            let torn: Vec<Vec<u8>> = tears.iter().flat_map(|tear| tear.apply(&before, &after, part.clone())).collect();
            let durable = &self.durable;
            let chain = self.sectors.entry(at as u64).or_insert_with(|| vec![sector_of(durable, at, sector_size)]);
            for content in torn.into_iter().chain([after]) {
                if !chain.contains(&content) {
                    chain.push(content);
                }
            }
        }
    }

    /// One image of the file: `choose` picks the version of the size, then of each sector in turn.
    pub(super) fn pick(&self, sector_size: usize, mut choose: impl FnMut(Option<u64>, usize) -> usize) -> Vec<u8> {
        let mut pick = |sector, versions: usize| {
            if versions < 2 { 0 } else { choose(sector, versions).min(versions - 1) }
        };
        let size = self.sizes[pick(None, self.sizes.len())];
        let mut image = self.durable.clone();
        for (sector, contents) in &self.sectors {
            let (start, end) = (*sector as usize * sector_size, (*sector as usize + 1) * sector_size);
            if image.len() < end {
                image.resize(end, 0);
            }
            image[start..end].copy_from_slice(&contents[pick(Some(*sector), contents.len())]);
        }
        image.resize(size, 0);
        image
    }
}

impl Tear {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Halves, Self::Zeros, Self::Noise];

    /// What a sector may hold besides `before` and `after` when `part` of it was being written.
    fn apply(self, before: &[u8], after: &[u8], part: Range<usize>) -> Vec<Vec<u8>> {
        let with = |part: Range<usize>, byte: &dyn Fn(usize) -> u8| {
            let mut sector = before.to_vec();
            part.for_each(|at| sector[at] = byte(at));
            sector
        };
        let middle = part.start + part.len() / 2;
        match self {
            Self::Halves => vec![with(part.start..middle, &|at| after[at]), with(middle..part.end, &|at| after[at])],
            Self::Zeros => vec![with(part, &|_| 0)],
            // No pattern of the file formats, and the same on every machine.
            Self::Noise => vec![with(part, &|at| (at as u8).wrapping_mul(167) ^ 0x5a)],
        }
    }
}

/// A sector's bytes; what lies behind the end of the file reads as zeros.
fn sector_of(bytes: &[u8], sector: usize, sector_size: usize) -> Vec<u8> {
    let start = (sector * sector_size).min(bytes.len());
    let end = (start + sector_size).min(bytes.len());
    let mut out = bytes[start..end].to_vec();
    out.resize(sector_size, 0);
    out
}

impl Disk {
    /// What a power loss now may leave of a file. Operations in flight count: they may have reached the platter. With
    /// `tears` a sector may also be left torn in these ways.
    pub fn versions(&self, file: FileId, tears: &[Tear]) -> Versions {
        let number = self.inner.lock().files[file.index()].number();
        self.versions_of(file, Some(number), tears)
    }

    /// The same, if the power loss leaves the name to `holder`, one of its [`holders`](Self::holders).
    pub fn versions_of(&self, file: FileId, holder: Option<FileNumber>, tears: &[Tear]) -> Versions {
        let inner = self.inner.lock();
        let held = holder.and_then(|number| inner.files[file.index()].file(number));
        let in_flight = inner.in_flight.iter().filter(|op| op.info.file == file && Some(op.number) == holder);
        let effects = in_flight.filter_map(|op| Effect::of(&op.request));
        match held {
            Some(held) => Versions::of(held, effects, self.sector_size, tears),
            None => Versions { durable: Vec::new(), sizes: vec![0], sectors: BTreeMap::new() },
        }
    }

    /// The machine starts with these bytes on its platter: the database file's and the log's. What was in flight is gone.
    pub fn hold(&self, [database, log]: [&[u8]; 2]) {
        let mut inner = self.inner.lock();
        drop(inner.take_in_flight());
        inner.files[FileId::Database.index()].hold(database);
        inner.files[FileId::Wal.index()].hold(log);
    }
}
