//! The lattice of images that a crash may leave, and one image that moves about in it.
//!
//! A lattice is a list of chains, one for each sector with versions in doubt and one for each file's size. An image is
//! one version of each. Where a name may be left to one of several files there is a lattice for each of them. Moving an image from one choice to another costs as much as the sectors that differ, its key
//! included, so that enumerating is much cheaper than recovering.

use std::ops::Range;

use falken_models::digest::{digest, mix};
use falken_models::disk::{Disk, FileId, FileNumber, Tear, Versions};

use super::raw::Raw;
use crate::action::CrashKind;
use crate::verdict::Evidence;

/// What a chain is of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// The file's size: its versions in bytes.
    Size(Vec<usize>),
    /// A sector: its contents, and the digest of each.
    Sector { number: usize, contents: Vec<Vec<u8>>, digests: Vec<u64> },
}

/// Something of which a crash leaves one of several versions; 0 is the certain one, the last one the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// In which file.
    pub file: FileId,
    part: Part,
}

impl Chain {
    /// How many versions there are; at least two.
    pub fn versions(&self) -> usize {
        match &self.part {
            Part::Size(sizes) => sizes.len(),
            Part::Sector { contents, .. } => contents.len(),
        }
    }

    /// The sector's number; `None` for the chain of sizes.
    pub fn sector(&self) -> Option<usize> {
        match self.part {
            Part::Size(_) => None,
            Part::Sector { number, .. } => Some(number),
        }
    }
}

/// Every image that a crash at one moment can leave, given which files it leaves the names to.
#[derive(Clone, Debug)]
pub struct Lattice {
    sector_size: usize,
    certain: [Vec<u8>; 2],
    chains: Vec<Chain>,
    /// Files whose name goes to one that had it before, or to none.
    lost_names: Vec<FileId>,
}

impl Lattice {
    /// The lattices of what a crash of this kind leaves on a disk, one for each choice of files that the names may be left
    /// to. A power loss may leave sectors torn in the ways of `tears`.
    pub fn all(disk: &Disk, kind: CrashKind, tears: &[Tear]) -> Vec<Self> {
        let [databases, logs] = FileId::ALL.map(|file| match kind {
            CrashKind::Power => disk.holders(file),
            CrashKind::Process => disk.holders_in_cache(file),
        });
        let pairs = databases.iter().flat_map(|database| logs.iter().map(move |log| [*database, *log]));
        let newest = [databases.last(), logs.last()].map(|holder| *holder.expect("the newest is among them"));
        let versions = |holders: [Option<FileNumber>; 2]| {
            [0, 1].map(|at| match kind {
                CrashKind::Power => disk.versions_of(FileId::ALL[at], holders[at], tears),
                CrashKind::Process => disk.versions_in_cache(FileId::ALL[at], holders[at]),
            })
        };
        let lost = |holders: [Option<FileNumber>; 2]| [0, 1].into_iter().filter(move |&at| holders[at] != newest[at]);
        let lost_names = |holders| lost(holders).map(|at| FileId::ALL[at]).collect();
        pairs.map(|holders| Self::of(disk.sector_size(), versions(holders), lost_names(holders))).collect()
    }

    fn of(sector_size: usize, files: [Versions; 2], lost_names: Vec<FileId>) -> Self {
        let mut chains = Vec::new();
        let mut file = FileId::ALL.into_iter();
        let certain = files.map(|versions| {
            let file = file.next().expect("as many files as versions");
            if versions.sizes.len() > 1 {
                chains.push(Chain { file, part: Part::Size(versions.sizes) });
            }
            for (number, contents) in versions.sectors {
                let number = number as usize;
                let digests = contents.iter().map(|content| sector_digest(number, content)).collect();
                chains.push(Chain { file, part: Part::Sector { number, contents, digests } });
            }
            versions.certain
        });
        Self { sector_size, certain, chains, lost_names }
    }

    /// Its chains: the database file's before the log's, sizes before sectors, sectors ascending.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// The places of one file's chains in [`chains`](Self::chains).
    pub fn chains_of(&self, file: FileId) -> Range<usize> {
        let start = self.chains.partition_point(|chain| chain.file < file);
        start..self.chains.partition_point(|chain| chain.file <= file)
    }

    /// How many choices there are: the product of all chains' versions. Different choices may give the same image.
    pub fn raw(&self) -> Raw {
        self.chains.iter().fold(Raw::ONE, |raw, chain| raw.times(chain.versions()))
    }

    /// The image of the certain version of everything.
    pub fn image(&self) -> Image<'_> {
        let end = |file: FileId| {
            let ends = self.chains_of(file).map(|at| match &self.chains[at].part {
                Part::Size(sizes) => sizes.iter().copied().max().unwrap_or(0),
                Part::Sector { number, .. } => (number + 1) * self.sector_size,
            });
            ends.max().unwrap_or(0)
        };
        let files = [0, 1].map(|at| Side::new(&self.certain[at], end(FileId::ALL[at]), self.sector_size));
        Image { lattice: self, picked: vec![0; self.chains.len()], files }
    }
}

fn sector_digest(number: usize, content: &[u8]) -> u64 {
    mix(digest(content), number as u64)
}

/// One file of an image.
#[derive(Clone, Debug)]
struct Side {
    /// Everything that any image holds, whatever its size: what lies behind the size is not part of the file.
    bytes: Vec<u8>,
    size: usize,
    digests: Vec<u64>,
    /// The sum of the digests of the whole sectors below the size.
    sum: u64,
}

impl Side {
    fn new(certain: &[u8], end: usize, sector_size: usize) -> Self {
        let mut bytes = certain.to_vec();
        bytes.resize(certain.len().max(end).next_multiple_of(sector_size), 0);
        let digests = bytes.chunks(sector_size).enumerate().map(|(at, content)| sector_digest(at, content)).collect();
        let mut side = Self { bytes, size: 0, digests, sum: 0 };
        side.resize(certain.len(), sector_size);
        side
    }

    fn resize(&mut self, size: usize, sector_size: usize) {
        self.size = size;
        let whole = &self.digests[..size / sector_size];
        self.sum = whole.iter().fold(0, |sum: u64, digest| sum.wrapping_add(*digest));
    }

    fn put(&mut self, number: usize, content: &[u8], digest: u64) {
        let start = number * content.len();
        self.bytes[start..start + content.len()].copy_from_slice(content);
        if start + content.len() <= self.size {
            self.sum = self.sum.wrapping_add(digest).wrapping_sub(self.digests[number]);
        }
        self.digests[number] = digest;
    }

    /// Equal for equal files.
    fn key(&self, sector_size: usize) -> u64 {
        let tail = &self.bytes[self.size - self.size % sector_size..self.size];
        mix(mix(self.sum, self.size as u64), digest(tail))
    }
}

/// One image.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    lattice: &'a Lattice,
    picked: Vec<usize>,
    files: [Side; 2],
}

impl Image<'_> {
    /// Takes another version of one chain.
    pub fn pick(&mut self, chain: usize, version: usize) {
        if self.picked[chain] == version {
            return;
        }
        self.picked[chain] = version;
        let Chain { file, part } = &self.lattice.chains[chain];
        let side = &mut self.files[usize::from(*file == FileId::Wal)];
        match part {
            Part::Size(sizes) => side.resize(sizes[version], self.lattice.sector_size),
            Part::Sector { number, contents, digests } => side.put(*number, &contents[version], digests[version]),
        }
    }

    /// The image that holds the newest version of everything.
    pub fn newest(&self) -> Self {
        let mut newest = self.clone();
        (0..self.picked.len()).for_each(|at| newest.pick(at, self.lattice.chains[at].versions() - 1));
        newest
    }

    /// The version of each chain.
    pub fn picked(&self) -> &[usize] {
        &self.picked
    }

    /// The bytes of the database file and of the log.
    pub fn files(&self) -> [&[u8]; 2] {
        self.files.each_ref().map(|side| &side.bytes[..side.size])
    }

    /// The same for equal images, and for others with a probability of 2^-64.
    pub fn key(&self) -> u64 {
        let [database, log] = self.files.each_ref().map(|side| side.key(self.lattice.sector_size));
        mix(database, log)
    }

    /// Adds to evidence what of each file was kept and lost.
    pub fn describe(&self, mut evidence: Evidence) -> Evidence {
        for (file, side) in FileId::ALL.into_iter().zip(&self.files) {
            let chains = self.lattice.chains_of(file);
            let sector_size = self.lattice.sector_size;
            let label = match file {
                FileId::Database => "image: db",
                FileId::Wal => "image: wal",
            };
            if self.lattice.lost_names.contains(&file) {
                evidence = evidence.with(label, "a file that had the name before, or none");
            }
            if chains.is_empty() {
                evidence = evidence.with(label, format!("{} bytes, none in doubt", side.size));
                continue;
            }
            let mut parts = vec![format!("{} bytes", side.size)];
            for name in ["newest sectors", "sectors in between", "lost sectors"] {
                let sectors = chains.clone().filter_map(|at| {
                    let chain = &self.lattice.chains[at];
                    let found = match self.picked[at] {
                        0 => "lost sectors",
                        version if version + 1 == chain.versions() => "newest sectors",
                        _ => "sectors in between",
                    };
                    chain.sector().filter(|_| found == name)
                });
                let sectors = ranges(sectors);
                if !sectors.is_empty() {
                    parts.push(format!("{name} {sectors}"));
                }
            }
            evidence = evidence.with(label, format!("{} (of {sector_size} bytes)", parts.join("; ")));
        }
        evidence
    }
}

/// Ascending numbers as ranges: `0-2, 5`.
fn ranges(numbers: impl Iterator<Item = usize>) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let text = |&(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.iter().map(text).collect::<Vec<_>>().join(", ")
}
