//! The two kinds of crash. A process crash keeps everything that was completed; a power loss keeps, sector by sector,
//! the durable version or any later one.

use std::collections::BTreeMap;

use super::file::{Effect, File};
use super::{Disk, FileId, OpId};

/// One question that a crash asks of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are explained by their variant")]
pub enum Survivor {
    /// Process crash: did the kernel still perform this operation? 0 no, 1 yes.
    InFlight { op: OpId },
    /// Power loss: which version of this sector is on the platter? 0 is the durable one.
    Sector { file: FileId, sector: u64 },
    /// Power loss: which of the file's sizes since the last fsync? 0 is the durable one.
    Size { file: FileId },
}

impl Disk {
    /// The process dies. Completed writes stay visible and stay un-synced; each write or truncate in flight is performed
    /// or not, as `choose(question, 2)` says. No completion is finished: nobody is left to be told.
    pub fn crash_process(&self, choose: &mut dyn FnMut(Survivor, usize) -> usize) {
        let mut inner = self.inner.lock();
        for op in std::mem::take(&mut inner.in_flight) {
            let Some(effect) = Effect::of(&op.request) else {
                continue;
            };
            if choose(Survivor::InFlight { op: op.info.op }, 2) == 1 {
                inner.files[op.info.file.index()].apply(effect);
            }
        }
    }

    /// The power fails. `choose(question, versions)` picks, for each sector that an un-synced effect touches and for each
    /// file's size, which version survives; versions are in order of age. Operations in flight count as effects that
    /// may have reached the platter.
    pub fn lose_power(&self, choose: &mut dyn FnMut(Survivor, usize) -> usize) {
        let mut inner = self.inner.lock();
        for op in std::mem::take(&mut inner.in_flight) {
            if let Some(effect) = Effect::of(&op.request) {
                inner.files[op.info.file.index()].apply(effect);
            }
        }
        for id in FileId::ALL {
            let file = &mut inner.files[id.index()];
            let survivors = survivors(file, id, self.sector_size, choose);
            file.become_durable(survivors);
        }
    }
}

/// One image that the platter may hold.
fn survivors(file: &File, id: FileId, sector_size: usize, choose: &mut dyn FnMut(Survivor, usize) -> usize) -> Vec<u8> {
    let (chains, sizes) = versions(file, sector_size);
    let size = sizes[pick(choose, Survivor::Size { file: id }, sizes.len())];
    let mut image = file.durable_bytes().to_vec();
    for (sector, chain) in &chains {
        let start = sector * sector_size;
        let version = &chain[pick(choose, Survivor::Sector { file: id, sector: *sector as u64 }, chain.len())];
        if image.len() < start + sector_size {
            image.resize(start + sector_size, 0);
        }
        image[start..start + sector_size].copy_from_slice(version);
    }
    image.resize(size, 0);
    image
}

fn pick(choose: &mut dyn FnMut(Survivor, usize) -> usize, question: Survivor, versions: usize) -> usize {
    if versions < 2 { 0 } else { choose(question, versions).min(versions - 1) }
}

type Chains = BTreeMap<usize, Vec<Vec<u8>>>;

/// The version chain of every touched sector, and the chain of sizes; both start with the durable version.
fn versions(file: &File, sector_size: usize) -> (Chains, Vec<usize>) {
    let mut chains = Chains::new();
    let mut sizes = vec![file.durable_bytes().len()];
    let mut content = file.durable_bytes().to_vec();
    for effect in file.unsynced() {
        let touched = match effect {
            Effect::Write { offset, bytes } => *offset as usize..*offset as usize + bytes.len(),
            // A change of size writes no sector: where the old size survives, so does what lay there.
            Effect::Resize { .. } => 0..0,
        };
        effect.apply_to(&mut content);
        if *sizes.last().expect("starts with one size") != content.len() {
            sizes.push(content.len());
        }
        if touched.is_empty() {
            continue;
        }
        for sector in touched.start / sector_size..=(touched.end - 1) / sector_size {
            let chain =
                chains.entry(sector).or_insert_with(|| vec![sector_of(file.durable_bytes(), sector, sector_size)]);
            let version = sector_of(&content, sector, sector_size);
            if chain.last() != Some(&version) {
                chain.push(version);
            }
        }
    }
    (chains, sizes)
}

/// A sector's bytes; what lies behind the end of the file reads as zeros.
fn sector_of(bytes: &[u8], sector: usize, sector_size: usize) -> Vec<u8> {
    let start = (sector * sector_size).min(bytes.len());
    let end = (start + sector_size).min(bytes.len());
    let mut out = bytes[start..end].to_vec();
    out.resize(sector_size, 0);
    out
}
