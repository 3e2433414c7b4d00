//! Replaying a log: the longest valid prefix, cut back to a commit.

use super::u32_at;

/// What the log says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogState {
    /// The sequence number and both salts as one word, if the header can be read.
    pub generation: Option<(u32, u64)>,
    /// The last frame of the last commit.
    pub mx_frame: u32,
    /// The database size in pages: from the last commit, else from the file.
    pub pages: u32,
    /// The running checksum at the last commit.
    pub checksum: (u32, u32),
    /// Valid frames behind the last commit, which belong to none.
    pub tail: u32,
    /// Behind a header with a wrong checksum: the last frame of the last commit that is valid once its checksum is right. Who
    /// writes the header again keeps its sequence number and salts, as SQLite does, and so makes these frames valid.
    pub hidden: u32,
}

impl LogState {
    /// What the header says, in words.
    pub fn header_text(&self) -> String {
        let text = |(seq, salts)| format!("the header is that of log {seq} (salts {salts:016x})");
        self.generation.map_or("there is no header".into(), text)
    }
}

/// A recovered database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// What the log said.
    pub log: LogState,
    /// The page of every committed frame, in order.
    pub frame_pages: Vec<u32>,
    /// The database's bytes with the log applied.
    pub image: Vec<u8>,
}

fn sum(mut state: (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    for half in bytes.chunks_exact(8) {
        let word = |i: usize| {
            let b = [half[i], half[i + 1], half[i + 2], half[i + 3]];
            if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
        };
        state.0 = state.0.wrapping_add(word(0)).wrapping_add(state.1);
        state.1 = state.1.wrapping_add(word(4)).wrapping_add(state.0);
    }
    state
}

/// Whether the first 32 bytes of a log have the checksum that they say.
pub(super) fn header_is_whole(log: &[u8]) -> bool {
    sum((0, 0), &log[..24], u32_at(log, 0) == 0x377f_0683) == (u32_at(log, 24), u32_at(log, 28))
}

/// How far a database may reach behind the last page that was ever written, in pages. A log that says more is damaged, and
/// the image is left shorter than it says, which whoever reads the rows reports.
const UNWRITTEN_PAGES_MAX: usize = 1024;

/// Whether two logs have a frame under the same header, checksum included, that both accept, but with another page: then the
/// checksum cannot tell a page that was written from one that was left.
pub fn collide(one: &[u8], other: &[u8], page_size: usize) -> bool {
    let frame_len = 24 + page_size;
    let accepted = |log: &[u8]| 32 + recover(&[], log, page_size).log.mx_frame as usize * frame_len;
    let end = accepted(one).min(accepted(other));
    (32..end).step_by(frame_len).any(|at| {
        let (header, page) = (at..at + 24, at + 24..at + frame_len);
        one[header.clone()] == other[header] && one[page.clone()] != other[page]
    })
}

/// Recovers a database from the bytes of its two files.
pub fn recover(database: &[u8], log: &[u8], page_size: usize) -> Recovered {
    let mut state = LogState { pages: database.len().div_ceil(page_size) as u32, ..LogState::default() };
    let mut image = database.to_vec();
    let magic = u32_at(log, 0);
    let known = magic == 0x377f_0682 || magic == 0x377f_0683;
    if log.len() <= 32 || !known || u32_at(log, 8) as usize != page_size {
        return Recovered { log: state, frame_pages: Vec::new(), image };
    }
    let big = magic == 0x377f_0683;
    state.generation = Some((u32_at(log, 12), u64::from(u32_at(log, 16)) << 32 | u64::from(u32_at(log, 20))));
    let mut running = sum((0, 0), &log[..24], big);
    if !header_is_whole(log) {
        let checksum = [running.0.to_be_bytes(), running.1.to_be_bytes()].concat();
        state.hidden = recover(&[], &[&log[..24], &checksum, &log[32..]].concat(), page_size).log.mx_frame;
        return Recovered { log: state, frame_pages: Vec::new(), image };
    }
    let mut frames: Vec<(u32, usize)> = Vec::new();
    let mut committed = 0;
    for (i, frame) in log[32..].chunks_exact(24 + page_size).enumerate() {
        let (page, size) = (u32_at(frame, 0), u32_at(frame, 4));
        if page == 0 || frame[8..16] != log[16..24] {
            break;
        }
        running = sum(sum(running, &frame[..8], big), &frame[24..], big);
        if running != (u32_at(frame, 16), u32_at(frame, 20)) {
            break;
        }
        frames.push((page, 32 + i * (24 + page_size) + 24));
        if size != 0 {
            committed = frames.len();
            (state.pages, state.checksum) = (size, running);
        }
    }
    state.tail = (frames.len() - committed) as u32;
    frames.truncate(committed);
    state.mx_frame = committed as u32;
    let last = frames.iter().map(|(page, _)| *page).filter(|page| *page <= state.pages).max().unwrap_or(0) as usize;
    let size_max = image.len().div_ceil(page_size).max(last) + UNWRITTEN_PAGES_MAX;
    for &(page, at) in frames.iter().filter(|(page, _)| *page <= state.pages) {
        let start = (page as usize - 1) * page_size;
        if image.len() < start + page_size {
            image.resize(start + page_size, 0);
        }
        image[start..start + page_size].copy_from_slice(&log[at..at + page_size]);
    }
    if committed > 0 {
        image.resize((state.pages as usize).min(size_max) * page_size, 0);
    }
    Recovered { log: state, frame_pages: frames.into_iter().map(|(page, _)| page).collect(), image }
}

/// Where the database that somebody else has recovered from the same two files departs from the one that is recovered here, and
/// in which of the files that byte lies; `None` if nowhere. Bytes behind the last page are not compared.
pub fn first_difference([database, log]: [&[u8]; 2], page_size: usize, other: &[u8]) -> Option<String> {
    let recovered = recover(database, log, page_size);
    let len = (recovered.log.pages as usize * page_size).min(recovered.image.len());
    let at = (0..len).find(|&at| other.get(at) != Some(&recovered.image[at]))?;
    let (page, within) = (at / page_size + 1, at % page_size);
    let frame = recovered.frame_pages.iter().rposition(|framed| *framed as usize == page);
    let source = match frame {
        Some(frame) => format!("wal, offset {}", 32 + frame * (24 + page_size) + 24 + within),
        None => format!("db, offset {at}"),
    };
    let theirs = other.get(at).map_or("nothing".into(), |byte| format!("{byte:02x}"));
    Some(format!("{source} (byte {within} of page {page}): {theirs} instead of {:02x}", recovered.image[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of one commit of page 1.
    fn log_of(page: &[u8]) -> Vec<u8> {
        let word = |value: u32| value.to_be_bytes();
        let mut log: Vec<u8> =
            [0x377f_0682, 3_007_000, page.len() as u32, 1, 5, 6].into_iter().flat_map(word).collect();
        let header = sum((0, 0), &log, false);
        log.extend([header.0, header.1, 1, 1, 5, 6].into_iter().flat_map(word));
        let frame = sum(sum(header, &log[32..40], false), page, false);
        log.extend([frame.0, frame.1].into_iter().flat_map(word));
        log.extend(page);
        log
    }

    #[test]
    fn three_words_that_cancel_are_a_collision_and_nothing_else_is() {
        let zeros = vec![0; 512];
        let (mut cancels, mut differs) = (zeros.clone(), zeros.clone());
        for (at, value) in [(500, -1_i32), (504, 1), (508, 1)] {
            cancels[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        differs[500] = 1;
        let torn = |page: &[u8]| [&log_of(&zeros)[..56], page].concat();
        assert_eq!(recover(&[], &torn(&cancels), 512).log.mx_frame, 1, "the checksum takes it");
        assert!(collide(&torn(&cancels), &log_of(&zeros), 512));
        assert!(!collide(&torn(&differs), &log_of(&zeros), 512), "the checksum does not take it");
        assert!(!collide(&log_of(&differs), &log_of(&zeros), 512), "another checksum");
        assert!(!collide(&log_of(&zeros), &log_of(&zeros), 512));
        assert!(!collide(&[], &log_of(&zeros), 512));
    }

    #[test]
    fn a_byte_that_differs_is_found_in_the_file_that_it_was_read_from() {
        let (page, old) = (vec![7; 512], vec![3; 1024]);
        let log = [log_of(&page)].concat();
        let files = [&old[..], &log[..]];
        let place = |other: &[u8]| first_difference(files, 512, other);
        assert_eq!(place(&page), None, "the log says that there is one page");
        assert_eq!(place(&old).unwrap(), "wal, offset 56 (byte 0 of page 1): 03 instead of 07");
        assert_eq!(place(&page[..2]).unwrap(), "wal, offset 58 (byte 2 of page 1): nothing instead of 07");
        let place = first_difference([&old, &[]], 512, &[&old[..513], &page].concat());
        assert_eq!(place.unwrap(), "db, offset 513 (byte 1 of page 2): 07 instead of 03");
    }
}
