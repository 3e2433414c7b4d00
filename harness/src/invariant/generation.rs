//! Every restart changes the salts and increases the sequence number, and the header is in the file before the first frame.

use falken_models::disk::FileId;
use falken_models::event::{Actor, Event, EventKind, LogPoint};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct Generation {
    current: Option<LogPoint>,
    header: Option<(u32, u64)>,
}

impl Invariant for Generation {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        match event.kind {
            EventKind::Restart { at } => {
                let before = self.current.replace(at);
                match before {
                    Some(before) if at.seq <= before.seq || at.salts == before.salts => {
                        let summary =
                            format!("{} restarted the log into a generation that is not new", name(event.actor));
                        Err(Evidence::new(summary).with("before", before).with("after", at))
                    }
                    _ => Ok(()),
                }
            }
            EventKind::Recovered { at, .. } => {
                self.current = Some(at);
                Ok(())
            }
            EventKind::WalHeader { seq, salts } => {
                self.header = Some((seq, salts));
                Ok(())
            }
            EventKind::Frame { frame: 1, .. } => self.check_header(event, view),
            EventKind::SavepointUndo { at, .. } => check_position(at, event, view),
            _ => Ok(()),
        }
    }
}

/// A position that a savepoint gives back to a writer is one of this generation: its log is that long.
fn check_position(at: LogPoint, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
    let Actor::Conn(conn) = event.actor else { return Ok(()) };
    if !view.ledger.conns[usize::from(conn)].writing || at.frame == 0 || view.ledger.frames.get(at.frame).is_some() {
        return Ok(());
    }
    let summary = format!("{} goes back to a position that the log has not had in this generation", name(event.actor));
    Err(Evidence::new(summary).with("position", at).with("published", view.ledger.published))
}

impl Generation {
    /// The first frame of a generation is about to be written: the file must begin with that generation's header.
    fn check_header(&self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        let word =
            |bytes: &[u8], at: usize| bytes.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        let in_file = internals.shared.disk.with_contents(FileId::Wal, |bytes| {
            (word(bytes, 12), u64::from(word(bytes, 16)) << 32 | u64::from(word(bytes, 20)))
        });
        let expected = self.current.filter(|at| at.seq > 0).map(|at| (at.seq, at.salts)).or(self.header);
        if expected == Some(in_file) {
            return Ok(());
        }
        let summary =
            format!("{} writes the first frame of a generation whose header is not in the file", name(event.actor));
        Err(Evidence::new(summary)
            .with("header in the file", format!("{in_file:x?}"))
            .with("generation", format!("{expected:x?}")))
    }
}
