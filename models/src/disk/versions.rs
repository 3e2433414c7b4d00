//! What a crash may leave of a file: a chain of versions for each sector that an effect in doubt touches, and one for the
//! size. The crash keeps any one version of each chain, whatever it keeps of the others. In doubt are, to a power loss,
//! every effect that no fsync has covered; to a crash of the process, only the operations in flight.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::file::{Effect, File};
use super::{Disk, FileId, FileNumber};

/// Versions of a sector that a disk may leave besides whole ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tear {
    /// Of the bytes being written in this sector only those before a cut arrived, or only those behind it.
    Parted {
        /// Where the cut is, in eighths of these bytes.
        eighths: u8,
    },
    /// The bytes being written read as zeros.
    Zeros,
    /// The bytes being written read as noise.
    Noise,
    /// The whole sector reads as noise, also what lay beside the bytes being written: only without powersafe overwrite.
    Spoilt,
}

/// What a crash may leave of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The bytes that it cannot take away; sectors without versions keep them.
    pub certain: Vec<u8>,
    /// The file's sizes in bytes, all different: the certain one first, the newest last.
    pub sizes: Vec<usize>,
    /// Every sector with more than one version: its contents, all different, each a whole sector, the certain one first and
    /// the newest last.
    pub sectors: BTreeMap<u64, Vec<Vec<u8>>>,
}

/// What a crash cannot take away of a file, and the effects since then.
struct Doubt<'a> {
    certain: &'a [u8],
    /// How many of the ended effects no fsync will cover.
    clean: usize,
    ended: Vec<&'a Effect>,
    in_flight: &'a [Effect],
}

impl Versions {
    /// `order(sector, left)` says which of the operations in flight to a sector, of which `left` are left, comes next.
    fn of(doubt: &Doubt<'_>, sector_size: usize, tears: &[Tear], order: &mut dyn FnMut(u64, usize) -> usize) -> Self {
        let Doubt { certain, clean, ended, in_flight } = doubt;
        let effects = || ended.iter().copied().chain(*in_flight);
        let sizes = sizes(certain.len(), effects());
        let mut versions = Self { certain: certain.to_vec(), sizes, sectors: BTreeMap::new() };
        for number in sectors_written(effects(), sector_size) {
            let start = number * sector_size;
            let here = |effect: &&Effect| effect.changes(start..start + sector_size);
            let mut chain = Chain::new(sector_of(certain, number, sector_size), start, tears);
            if *clean > 0 {
                // A page that counts as clean may leave the cache. Then what is written next lands on what is durable.
                ended[*clean..].iter().copied().filter(here).for_each(|effect| chain.add(effect));
                chain.begin_again();
            }
            ended.iter().copied().filter(here).for_each(|effect| chain.add(effect));
            // Nothing orders what is in flight.
            let mut left: Vec<&Effect> = in_flight.iter().filter(here).collect();
            while !left.is_empty() {
                let next = if left.len() > 1 { order(number as u64, left.len()).min(left.len() - 1) } else { 0 };
                chain.add(left.remove(next));
            }
            if chain.contents.len() > 1 {
                versions.sectors.insert(number as u64, chain.contents);
            }
        }
        versions
    }

    /// One image of the file: `choose` picks the version of the size, then of each sector in turn.
    pub(super) fn pick(&self, sector_size: usize, mut choose: impl FnMut(Option<u64>, usize) -> usize) -> Vec<u8> {
        let mut pick = |sector, versions: usize| {
            if versions < 2 { 0 } else { choose(sector, versions).min(versions - 1) }
        };
        let size = self.sizes[pick(None, self.sizes.len())];
        let mut image = self.certain.clone();
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

/// The sizes that a file has had since the certain one, all different, in order of age.
fn sizes<'a>(certain: usize, effects: impl Iterator<Item = &'a Effect>) -> Vec<usize> {
    let (mut sizes, mut size) = (vec![certain], certain);
    for effect in effects {
        size = match effect {
            Effect::Write { offset, bytes } => size.max(*offset as usize + bytes.len()),
            Effect::Resize { len } => *len as usize,
        };
        if !sizes.contains(&size) {
            sizes.push(size);
        }
    }
    sizes
}

/// The sectors that effects write to. A change of size writes none: where the old size survives, so does what lay there.
fn sectors_written<'a>(effects: impl Iterator<Item = &'a Effect>, sector_size: usize) -> BTreeSet<usize> {
    let written = effects.filter_map(|effect| match effect {
        Effect::Write { offset, bytes } if !bytes.is_empty() => Some((*offset as usize, bytes.len())),
        Effect::Write { .. } | Effect::Resize { .. } => None,
    });
    written.flat_map(|(start, len)| start / sector_size..(start + len).div_ceil(sector_size)).collect()
}

/// The versions of one sector.
struct Chain<'a> {
    contents: Vec<Vec<u8>>,
    /// What it holds after the effects so far.
    now: Vec<u8>,
    /// Where it begins in its file.
    start: usize,
    tears: &'a [Tear],
}

impl<'a> Chain<'a> {
    fn new(certain: Vec<u8>, start: usize, tears: &'a [Tear]) -> Self {
        Self { contents: vec![certain.clone()], now: certain, start, tears }
    }

    fn begin_again(&mut self) {
        self.now.clone_from(&self.contents[0]);
    }

    fn add(&mut self, effect: &Effect) {
        let size = self.now.len();
        let place = |offset: u64| (offset as usize).clamp(self.start, self.start + size) - self.start;
        let (offset, bytes) = match effect {
            Effect::Write { offset, bytes } => (*offset, bytes),
            Effect::Resize { len } => return self.now[place(*len)..].fill(0),
        };
        let part = place(offset)..place(offset + bytes.len() as u64);
        let before = self.now.clone();
        let from = self.start + part.start - offset as usize;
        self.now[part.clone()].copy_from_slice(&bytes[from..from + part.len()]);
        let torn = self.tears.iter().flat_map(|tear| tear.apply(&before, &self.now, part.clone()));
        let torn: Vec<Vec<u8>> = torn.collect();
        for content in torn.into_iter().chain([self.now.clone()]) {
            if !self.contents.contains(&content) {
                self.contents.push(content);
            }
        }
    }
}

/// No pattern of the file formats, and the same on every machine.
fn noise(at: usize) -> u8 {
    (at as u8).wrapping_mul(167) ^ 0x5a
}

impl Tear {
    /// What a sector may hold besides `before` and `after` when `part` of it was being written.
    fn apply(self, before: &[u8], after: &[u8], part: Range<usize>) -> Vec<Vec<u8>> {
        let with = |part: Range<usize>, byte: &dyn Fn(usize) -> u8| {
            let mut sector = before.to_vec();
            part.for_each(|at| sector[at] = byte(at));
            sector
        };
        match self {
            Self::Parted { eighths } => {
                let cut = part.start + part.len() * usize::from(eighths.min(8)) / 8;
                vec![with(part.start..cut, &|at| after[at]), with(cut..part.end, &|at| after[at])]
            }
            Self::Zeros => vec![with(part, &|_| 0)],
            Self::Noise => vec![with(part, &noise)],
            Self::Spoilt => vec![with(0..before.len(), &noise)],
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
        self.versions_in_order(file, holder, tears, &mut |_, _| 0)
    }

    /// The same, with operations in flight in another order than they were submitted in: see [`Versions::of`].
    pub(super) fn versions_in_order(
        &self,
        file: FileId,
        holder: Option<FileNumber>,
        tears: &[Tear],
        order: &mut dyn FnMut(u64, usize) -> usize,
    ) -> Versions {
        self.with_holder(file, holder, |held, in_flight| {
            let (clean, certain) = (held.abandoned().len(), held.durable_bytes());
            let ended = held.abandoned().iter().chain(held.unsynced()).collect();
            Versions::of(&Doubt { certain, clean, ended, in_flight }, self.sector_size, tears, order)
        })
    }

    /// What a crash of the process now may leave of a file, if the name is left to `holder`, one of its
    /// [`holders_in_cache`](Self::holders_in_cache): all that has ended, and any part of the operations in flight.
    pub fn versions_in_cache(&self, file: FileId, holder: Option<FileNumber>) -> Versions {
        self.with_holder(file, holder, |held, in_flight| {
            let doubt = Doubt { certain: held.current(), clean: 0, ended: Vec::new(), in_flight };
            Versions::of(&doubt, self.sector_size, &[], &mut |_, _| 0)
        })
    }

    /// What a crash now leaves of a file if it loses nothing, and every operation in flight has reached the file.
    pub fn newest_contents(&self, file: FileId) -> Vec<u8> {
        let number = self.inner.lock().files[file.index()].number();
        self.versions_in_cache(file, Some(number)).pick(self.sector_size, |_, versions| versions - 1)
    }

    /// Lends a file that has or had a name, and the effects that are in flight to it.
    fn with_holder(
        &self,
        file: FileId,
        holder: Option<FileNumber>,
        versions: impl FnOnce(&File, &[Effect]) -> Versions,
    ) -> Versions {
        let inner = self.inner.lock();
        let held = holder.and_then(|number| inner.files[file.index()].file(number));
        let in_flight = inner.in_flight.iter().filter(|op| op.info.file == file && Some(op.number) == holder);
        let effects: Vec<Effect> = in_flight.filter_map(|op| Effect::of(&op.request)).collect();
        match held {
            Some(held) => versions(held, &effects),
            None => Versions { certain: Vec::new(), sizes: vec![0], sectors: BTreeMap::new() },
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
