//! Events in a few words.

use std::fmt;

use super::{EventKind, PageSource};
use crate::disk::IoResult;
use crate::wal::{LockId, LockMode};

fn lock_name(lock: LockId, mode: LockMode) -> String {
    let mode = match mode {
        LockMode::Shared => "shared",
        LockMode::Exclusive => "excl",
    };
    format!("{} {mode}", lock.name())
}

fn source(source: PageSource) -> String {
    match source {
        PageSource::Database => "db".into(),
        PageSource::Frame(frame) => format!("frame {frame}"),
    }
}

/// How the second statement of a connection is told from the first.
fn second(slot: u8) -> &'static str {
    if slot == 0 { "" } else { "(2) " }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe(self))
    }
}

/// What happened, in a few words. Made only when somebody reads it.
fn describe(kind: &EventKind) -> String {
    match *kind {
        EventKind::StatementBegin { slot, kind, key: 0 } => format!("{}{} …", second(slot), kind.name()),
        EventKind::StatementBegin { slot, kind, key } => format!("{}{} k={key} …", second(slot), kind.name()),
        EventKind::StatementEnd { slot, kind, ok } => {
            format!("… {}{} {}", second(slot), kind.name(), if ok { "ok" } else { "failed" })
        }
        EventKind::SavepointOpen { depth } => format!("savepoint {depth}"),
        EventKind::SavepointRelease { depth } => format!("release savepoint {depth}"),
        EventKind::SpillGivenUp { frame } => format!("spill of frame {frame} given up"),
        EventKind::SavepointUndo { depth, at } => format!("undo to savepoint {depth}, frame {}", at.frame),
        EventKind::Submit { op, file, io, offset, len, .. } => {
            format!("#{} {} {} {offset}+{len}", op.0, io.name(), file.name())
        }
        EventKind::Finish { op, file, io, result: IoResult::Ok(n), .. } => {
            format!("#{} {} {} ok {n}", op.0, io.name(), file.name())
        }
        EventKind::Finish { op, file, io, result: IoResult::Error(error), .. } => {
            format!("#{} {} {} {error}", op.0, io.name(), file.name())
        }
        EventKind::Refused { file, io, offset, len, error } => {
            format!("{} {} {offset}+{len} REFUSED: {error}", io.name(), file.name())
        }
        EventKind::Overflow { left } => format!("ring full, {left} left"),
        EventKind::Cancel { op, hit: Some(_) } => format!("cancel #{}", op.0),
        EventKind::Cancel { op, hit: None } => format!("cancel #{}: not in flight", op.0),
        EventKind::CancelOutcome { op, outcome } => format!("cancel of #{}: {}", op.0, outcome.name()),
        EventKind::Injected { fault } => format!("INJECTED {fault}"),
        EventKind::Drained => "drained".into(),
        EventKind::Callback { op, runs, .. } => format!("#{} callback (run {runs})", op.0),
        EventKind::Lock { lock, mode } => format!("lock {}", lock_name(lock, mode)),
        EventKind::LockBusy { lock, mode } => format!("busy {}", lock_name(lock, mode)),
        EventKind::Unlock { lock, mode } => format!("unlock {}", lock_name(lock, mode)),
        EventKind::ReadBegin { slot, mark, at, changed, .. } => {
            format!(
                "snapshot frame {} slot {slot} mark {mark}{}",
                at.frame,
                if changed { ", cache dropped" } else { "" }
            )
        }
        EventKind::ReadEnd => "read ends".into(),
        EventKind::WriteBegin { at } => format!("writes from frame {}", at.frame),
        EventKind::WriteEnd { committed } => if committed { "write ends" } else { "write undone" }.into(),
        EventKind::PageLoaded { page, source: from, .. } => format!("page {page} from {}", source(from)),
        EventKind::PageUsed { page, dirty, .. } => format!("use page {page}{}", if dirty { " (dirty)" } else { "" }),
        EventKind::Lookup { page, source: from } => format!("find page {page}: {}", source(from)),
        EventKind::Dirtied { page, .. } => format!("dirty page {page}"),
        EventKind::Evicted { page, .. } => format!("evict page {page}"),
        EventKind::WalHeader { seq, .. } => format!("log header, seq {seq}"),
        EventKind::Frame { frame, page, commit_pages: 0, .. } => format!("frame {frame} = page {page}"),
        EventKind::Frame { frame, page, commit_pages, .. } => {
            format!("frame {frame} = page {page}, commit ({commit_pages} pages)")
        }
        EventKind::Overwrite { frame, page, .. } => format!("frame {frame} = page {page} again"),
        EventKind::Publish { at, commit, .. } => {
            format!("PUBLISH frame {}{}", at.frame, if commit { "" } else { " (no commit)" })
        }
        EventKind::Restart { at } => format!("RESTART log, seq {}", at.seq),
        EventKind::Rollback => "rollback".into(),
        EventKind::CheckpointBegin { mode, at } => format!("{} checkpoint to frame {}", mode.name(), at.frame),
        EventKind::CheckpointSafe { frame } => format!("safe frame {frame}"),
        EventKind::CheckpointCopy { page, frame, .. } => format!("copy frame {frame} to page {page}"),
        EventKind::Backfill { frame } => format!("nBackfill = {frame}"),
        EventKind::WalTruncate => "cut the log".into(),
        EventKind::DatabaseReady { created: true } => "the database is created".into(),
        EventKind::DatabaseReady { created: false } => "the database is found".into(),
        EventKind::NoBuffer { left } => format!("no free buffer, {left} wait"),
        EventKind::AllSpilled => "all changes are spilled".into(),
        EventKind::TrunkAdded { page, next } => format!("page {page} is a trunk before {next}"),
        EventKind::TrunkEmptied { page, next } => format!("trunk {page} is used, {next} is first"),
        EventKind::WalRemove => "removes the log file".into(),
        EventKind::NameLost { file } => {
            format!("the name of the {} file is left to an older one, or to none", file.name())
        }
        EventKind::DbTruncate { pages } => format!("cut the db to {pages} pages"),
        EventKind::CheckpointEnd { busy, log, backfilled, .. } => {
            format!("checkpoint: busy {}, {log} log, {backfilled} done", u8::from(busy))
        }
        EventKind::Recovered { at, pages } => format!("recovered frame {}, {pages} pages", at.frame),
        EventKind::Yield { site } => format!("· {}", site.name()),
        EventKind::Abandon { dropped: false } => "ABANDONED".into(),
        EventKind::Abandon { dropped: true } => "DROPPED".into(),
        EventKind::Interrupt => "INTERRUPTED".into(),
        EventKind::Crash { power: true, .. } => "POWER LOSS".into(),
        EventKind::Crash { power: false, .. } => "PROCESS CRASH".into(),
        EventKind::LayoutUsed { cookie, root } => format!("layout of cookie {cookie}: root {root}"),
        EventKind::LayoutChanged { cookie, root } => format!("NEW LAYOUT, cookie {cookie}: root {root}"),
        EventKind::PerformedUnheard { file, io, offset, len } => {
            format!("{} {} {len} bytes at {offset} was performed all the same", file.name(), io.name())
        }
    }
}
