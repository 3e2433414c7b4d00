//! The scene of a violation: who was where, in a line each.

use falken_harness::ledger::Holders;
use falken_harness::recording::{ConnectionState, PageState, State, StatementState};
use falken_models::wal::{LockId, MARK_UNUSED};

use crate::action;

/// How many pages or operations a line names; of more it says how many.
const NAMED_MAX: usize = 8;

/// Each connection, the log and the disk, with what there is to say of it.
pub(crate) fn lines(state: &State) -> Vec<(String, String)> {
    let told = |(conn, one): (u8, &Option<ConnectionState>)| {
        let text = one.as_ref().map_or_else(|| "closed".into(), |one| connection(conn, one, state));
        (format!("c{conn}"), text)
    };
    let mut lines: Vec<_> = (0..).zip(&state.connections).map(told).collect();
    lines.push(("log".into(), log(state)));
    let operations = listed(state.in_flight.iter().map(action::in_flight));
    lines.push(("disk".into(), operations.map_or("nothing in flight".into(), |all| format!("in flight {all}"))));
    lines
}

fn connection(conn: u8, one: &ConnectionState, state: &State) -> String {
    let mut parts: Vec<String> = (0..).zip(&one.statements).filter_map(statement).collect();
    if parts.is_empty() {
        parts.push("between statements".into());
    }
    if one.in_transaction {
        parts.push("in a transaction".into());
    }
    if let Some(slot) = one.slot {
        let file =
            if one.min_frame > 1 { format!(", frames below {} in the file", one.min_frame) } else { String::new() };
        parts.push(format!("sees frame {} by slot {slot}{file}", one.frame));
    }
    if one.writing {
        parts.push("writes".into());
    }
    parts.extend(locks(conn, state).map(|all| format!("holds {all}")));
    let pages =
        |is: fn(&PageState) -> bool| listed(one.cache.iter().filter(|page| is(page)).map(|p| p.page.to_string()));
    parts.extend(pages(|page| page.dirty).map(|all| format!("dirty pages {all}")));
    parts.extend(pages(|page| page.locked).map(|all| format!("reads pages {all}")));
    parts.join("; ")
}

fn statement((slot, one): (u8, &StatementState)) -> Option<String> {
    let second = if slot == 0 { "" } else { " of the second slot" };
    let waits = if one.waits { ", waiting" } else { "" };
    one.site.map(|site| format!("statement {}{second} at {}{waits}", one.statement, site.name()))
}

fn locks(conn: u8, state: &State) -> Option<String> {
    let held = |(lock, holders): (u8, &Holders)| {
        let is_exclusive = holders.exclusive == Some(conn);
        let how = if is_exclusive { "excl" } else { "shared" };
        (is_exclusive || holders.shared.contains(&conn)).then(|| format!("{} {how}", LockId(lock).name()))
    };
    listed((0..).zip(&state.locks).filter_map(held))
}

fn log(state: &State) -> String {
    let [one, two] = &state.headers;
    let end = if one == two {
        format!("mxFrame {}", one.mx_frame)
    } else {
        format!("two different headers, mxFrame {} and {}", one.mx_frame, two.mx_frame)
    };
    let used = (0..).zip(&state.marks).filter(|(_, mark)| **mark != MARK_UNUSED);
    let marks = used.map(|(slot, mark): (u8, _)| format!("{slot} at {mark}"));
    let marks = listed(marks).map_or(String::new(), |all| format!("; marks {all}"));
    format!("{end}; nBackfill {}{marks}; {} frames in the file", state.backfill, state.log.frames.len())
}

/// Some things in a row; `None` if there are none.
fn listed(things: impl Iterator<Item = String>) -> Option<String> {
    let mut all: Vec<String> = things.collect();
    if all.len() > NAMED_MAX {
        let more = all.len() - NAMED_MAX;
        all.truncate(NAMED_MAX);
        all.push(format!("{more} more"));
    }
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
mod tests {
    use falken_models::site::Site;
    use falken_models::wal::Header;

    use super::*;

    fn writer() -> ConnectionState {
        let page = |page, dirty: bool| PageState { page, loaded: true, locked: !dirty, dirty, spilled: false, pins: 0 };
        let at = |site, waits| StatementState { statement: 3, site, waits };
        ConnectionState {
            in_transaction: true,
            slot: Some(1),
            frame: 7,
            min_frame: 1,
            writing: true,
            cache: [(2..12).map(|number| page(number, true)).collect(), vec![page(40, false)]].concat(),
            statements: vec![at(None, false), at(Some(Site::PagerRead), true)],
        }
    }

    #[test]
    fn each_line_says_what_there_is_and_nothing_else() {
        let idle = ConnectionState { in_transaction: false, slot: None, writing: false, cache: vec![], ..writer() };
        let idle = ConnectionState { statements: vec![], ..idle };
        let write = Holders { shared: vec![], exclusive: Some(0) };
        let state = State {
            headers: [Header { mx_frame: 7, ..Header::default() }; 2],
            backfill: 2,
            marks: vec![0, 7, MARK_UNUSED],
            locks: vec![write],
            connections: vec![Some(writer()), Some(idle), None],
            ..State::default()
        };
        let told: Vec<_> = lines(&state).into_iter().map(|(who, told)| format!("{who} {told}")).collect();
        let expected = [
            "c0 statement 3 of the second slot at pager.read, waiting; in a transaction; sees frame 7 by slot 1; writes; \
             holds WRITE excl; dirty pages 2, 3, 4, 5, 6, 7, 8, 9, 2 more; reads pages 40",
            "c1 between statements",
            "c2 closed",
            "log mxFrame 7; nBackfill 2; marks 0 at 0, 1 at 7; 0 frames in the file",
            "disk nothing in flight",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_header_between_its_two_copies_is_told() {
        let headers = [6, 7].map(|mx_frame| Header { mx_frame, ..Header::default() });
        assert!(log(&State { headers, ..State::default() }).starts_with("two different headers, mxFrame 6 and 7;"));
    }
}
