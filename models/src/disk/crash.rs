//! The two kinds of crash. A process crash keeps everything that was completed; a power loss keeps, sector by sector,
//! the durable version or any later one.

use super::file::Effect;
use super::{Disk, FileId, OpId, Request, Tear};
use crate::event::{Actor, EventKind};

/// One question that a crash asks of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are explained by their variant")]
pub enum Survivor {
    /// Process crash: did the kernel still perform this operation? 0 no, 1 yes.
    InFlight { op: OpId },
    /// Power loss: which of the files that had the name since its directory was synced has it now, or none?
    /// 0 is the durable answer.
    Entry { file: FileId },
    /// Power loss: which of the operations in flight to this sector, of those that are left, comes next? 0 is the oldest.
    Next { file: FileId, sector: u64 },
    /// Power loss: which version of this sector is on the platter? 0 is the durable one.
    Sector { file: FileId, sector: u64 },
    /// Power loss: which of the file's sizes since the last fsync? 0 is the durable one.
    Size { file: FileId },
}

impl Disk {
    /// The process dies. Completed writes stay visible and stay un-synced; each write, truncate or removal in flight is performed
    /// or not, as `choose(question, 2)` says. No completion is finished: nobody is left to be told.
    pub fn crash_process(&self, choose: &mut dyn FnMut(Survivor, usize) -> usize) {
        let mut inner = self.inner.lock();
        for op in inner.take_in_flight() {
            let (effect, removes) = (Effect::of(&op.request), matches!(op.request, Request::Remove { .. }));
            if (effect.is_none() && !removes) || choose(Survivor::InFlight { op: op.info.op }, 2) == 0 {
                continue;
            }
            let (file, io, offset, len) = (op.info.file, op.info.kind, op.info.offset, op.info.len);
            self.log.push(Actor::Disk, EventKind::PerformedUnheard { file, io, offset, len });
            let entry = &mut inner.files[file.index()];
            match (effect, entry.file_mut(op.number)) {
                (Some(effect), Some(file)) => file.apply(effect),
                (Some(_), None) => {}
                (None, _) => entry.remove(),
            }
        }
    }

    /// The power fails. `choose(question, versions)` picks the file that survives under each name, and, for each sector that an un-synced effect touches and for each
    /// file's size, which version survives; versions are in order of age. Operations in flight count as effects that
    /// may have reached the platter, in any order; `tears` says in which ways sectors may be torn besides.
    pub fn lose_power(&self, tears: &[Tear], choose: &mut dyn FnMut(Survivor, usize) -> usize) {
        let survivors = FileId::ALL.map(|file| {
            let holders = self.holders(file);
            let held = if holders.len() < 2 {
                0
            } else {
                choose(Survivor::Entry { file }, holders.len()).min(holders.len() - 1)
            };
            if held + 1 < holders.len() {
                self.log.push(Actor::Disk, EventKind::NameLost { file });
            }
            let mut next = |sector, left| choose(Survivor::Next { file, sector }, left);
            let versions = self.versions_in_order(file, holders[held], tears, &mut next);
            versions.pick(self.sector_size, |sector, versions| {
                let question = match sector {
                    Some(sector) => Survivor::Sector { file, sector },
                    None => Survivor::Size { file },
                };
                choose(question, versions)
            })
        });
        self.hold(survivors.each_ref().map(Vec::as_slice));
    }
}
