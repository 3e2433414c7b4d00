//! Only the holder of WRITE writes frames, directly behind the published ones and its own.

use falken_models::event::{Actor, Event, EventKind};
use falken_models::wal::LockId;

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct SingleWriter;

impl Invariant for SingleWriter {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let Actor::Conn(conn) = event.actor else { return Ok(()) };
        let holder = view.ledger.locks[usize::from(LockId::WRITE.0)].exclusive;
        let what = match event.kind {
            EventKind::Frame { frame, .. } => {
                let published = view.ledger.published.frame;
                // Directly behind the published ones and its own: over a hole nobody could follow the checksums.
                let follows = frame == published + 1 || view.ledger.frames.get(frame - 1).is_some_and(|before| before.page != 0);
                if holder == Some(conn) && frame > published && follows {
                    return Ok(());
                }
                format!("writes frame {frame}, but {published} are published")
            }
            EventKind::Overwrite { frame, page, .. } => {
                let own = view.ledger.frames.get(frame).is_some_and(|fact| fact.page == page);
                if holder == Some(conn) && frame > view.ledger.published.frame && own {
                    return Ok(());
                }
                format!("writes page {page} over frame {frame}, which is not its own")
            }
            EventKind::Restart { .. } if holder != Some(conn) => "restarts the log".into(),
            _ => return Ok(()),
        };
        let holder = holder.map_or("nobody".into(), |holder| format!("c{holder}"));
        Err(Evidence::new(format!("connection c{conn} {what}")).with("WRITE is held by", holder))
    }
}
