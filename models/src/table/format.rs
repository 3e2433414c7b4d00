//! Varints, records, payload sizes and the first 100 bytes ("Database File Format" §1.3, §1.6, §2.1).

use crate::session::Error;

/// The first bytes of every database file.
pub const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The text of the schema's one row.
pub const SCHEMA_SQL: &str = "CREATE TABLE kv(k INTEGER PRIMARY KEY, v BLOB)";
/// The `SQLITE_VERSION_NUMBER` that is written as that of the last writer.
const VERSION_NUMBER: u32 = 3_040_001;

/// Offsets of the fields of page 1 that change.
pub mod page1 {
    /// The change counter.
    pub const CHANGE_COUNTER: usize = 24;
    /// The database size in pages.
    pub const PAGES: usize = 28;
    /// The first freelist trunk page.
    pub const FREELIST_HEAD: usize = 32;
    /// How many pages are on the freelist.
    pub const FREELIST_COUNT: usize = 36;
    /// The schema cookie: another one means that the schema has changed.
    pub const SCHEMA_COOKIE: usize = 40;
    /// The change counter for which the size is valid.
    pub const VERSION_VALID_FOR: usize = 92;
}

/// Appends `value` as a varint.
pub fn push_varint(out: &mut Vec<u8>, value: u64) {
    if value >> 56 != 0 {
        (1..=8).rev().for_each(|group| out.push((value >> (7 * group + 1)) as u8 | 0x80));
        out.push(value as u8);
        return;
    }
    let groups = (64 - (value | 1).leading_zeros()).div_ceil(7);
    for group in (0..groups).rev() {
        let more = if group > 0 { 0x80 } else { 0 };
        out.push((value >> (7 * group)) as u8 & 0x7f | more);
    }
}

/// Reads a varint at the start of `bytes`: its value and its length.
pub fn read_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().enumerate().take(9) {
        if i == 8 {
            return Some((value << 8 | u64::from(byte), 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

/// The record of a row: its key is the rowid and stored as NULL, its value a blob.
pub fn encode_record(value: &[u8]) -> Vec<u8> {
    let mut types = vec![0];
    push_varint(&mut types, 12 + 2 * value.len() as u64);
    let mut record = Vec::with_capacity(types.len() + 1 + value.len());
    // Up to 9 bytes of serial types fit a one-byte header length that counts itself.
    record.push(types.len() as u8 + 1);
    record.append(&mut types);
    record.extend_from_slice(value);
    record
}

/// The blob in a record.
///
/// # Errors
/// [`Error::Corrupt`] if it is not a record of this table.
pub fn decode_record(record: &[u8]) -> Result<&[u8], Error> {
    let bad = Error::Corrupt("a record is not (NULL, BLOB)");
    let (header, at) = read_varint(record).ok_or(bad)?;
    let types = record.get(at..header as usize).ok_or(bad)?;
    let [0, blob @ ..] = types else {
        return Err(bad);
    };
    let (kind, len) = read_varint(blob).ok_or(bad)?;
    let value = &record[header as usize..];
    let is_blob = kind >= 12 && kind % 2 == 0 && len == blob.len();
    (is_blob && value.len() as u64 == (kind - 12) / 2).then_some(value).ok_or(bad)
}

/// How many bytes of a payload of `payload` bytes are stored in the leaf itself.
pub fn local_len(usable: usize, payload: usize) -> usize {
    let most = usable - 35;
    let least = (usable - 12) * 32 / 255 - 23;
    if payload <= most {
        return payload;
    }
    let fitting = least + (payload - least) % (usable - 4);
    if fitting <= most { fitting } else { least }
}

/// The bytes of a database file that holds the empty table: page 1 with the schema, page 2 an empty leaf.
pub fn initial_database(page_size: usize) -> Vec<u8> {
    let mut file = vec![0; 2 * page_size];
    let (first, root) = file.split_at_mut(page_size);
    let mut put = |at: usize, bytes: &[u8]| first[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, MAGIC);
    put(16, &(page_size as u16).to_be_bytes());
    // Write and read version 2: write-ahead log.
    put(18, &[2, 2, 0, 64, 32, 32]);
    for (at, value) in [(page1::CHANGE_COUNTER, 1), (page1::VERSION_VALID_FOR, 1), (page1::PAGES, 2)] {
        put(at, &u32::to_be_bytes(value));
    }
    for (at, value) in [(page1::SCHEMA_COOKIE, 1), (44, 4), (56, 1), (96, VERSION_NUMBER)] {
        put(at, &u32::to_be_bytes(value));
    }
    write_schema(first, super::ROOT);
    root[0] = 13;
    root[5..7].copy_from_slice(&(page_size as u16).to_be_bytes());
    file
}

/// Bytes of page 1 before its b-tree page header.
const FILE_HEADER_LEN: usize = 100;

/// Writes page 1's b-tree page with the one row of `sqlite_schema`: ('table', 'kv', 'kv', root, sql).
pub(super) fn write_schema(first: &mut [u8], root: u32) {
    // Serial types 1, 2 and 4 are integers of as many bytes; the shortest that holds the number is the one to use.
    let (kind, len) = match root {
        0..=0x7f => (1, 1),
        0x80..=0x7fff => (2, 2),
        _ => (4, 4),
    };
    let mut record = vec![6, 0x17, 0x11, 0x11, kind, 13 + 2 * SCHEMA_SQL.len() as u8];
    record.extend_from_slice(b"tablekvkv");
    record.extend_from_slice(&root.to_be_bytes()[4 - len..]);
    record.extend_from_slice(SCHEMA_SQL.as_bytes());
    let mut cell = vec![record.len() as u8, 1];
    cell.append(&mut record);
    let start = first.len() - cell.len();
    first[FILE_HEADER_LEN..].fill(0);
    first[start..].copy_from_slice(&cell);
    first[FILE_HEADER_LEN..][..5].copy_from_slice(&[13, 0, 0, 0, 1]);
    for at in [105, 108] {
        first[at..][..2].copy_from_slice(&(start as u16).to_be_bytes());
    }
}

/// Reads the root page from page 1.
///
/// # Errors
/// [`Error::Corrupt`] if the row is not one that [`write_schema`] writes.
pub(super) fn read_schema(first: &[u8]) -> Result<u32, Error> {
    let bad = Error::Corrupt("page 1 holds another schema");
    let start = usize::from(u16::from_be_bytes([first[108], first[109]]));
    let root = first.get(start..).and_then(|cell| cell.get(2 + 6 + b"tablekvkv".len()..)).ok_or(bad)?;
    let len = match first[start + 6] {
        kind @ (1 | 2 | 4) => usize::from(kind),
        _ => return Err(bad),
    };
    let bytes = root.get(..len).ok_or(bad)?;
    Ok(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_those_of_the_file_format() {
        let vectors: &[(u64, &[u8])] = &[
            (0, &[0]),
            (127, &[0x7f]),
            (128, &[0x81, 0]),
            (16383, &[0xff, 0x7f]),
            (16384, &[0x81, 0x80, 0]),
            (u64::from(u32::MAX), &[0x8f, 0xff, 0xff, 0xff, 0x7f]),
            ((1 << 56) - 1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            (1 << 56, &[0x80, 0xc0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]),
            (u64::MAX, &[0xff; 9]),
            (i64::MAX as u64, &[0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (i64::MIN as u64, &[0xc0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]),
        ];
        for (value, bytes) in vectors {
            let mut out = Vec::new();
            push_varint(&mut out, *value);
            assert_eq!(out, *bytes, "{value}");
            assert_eq!(read_varint(bytes), Some((*value, bytes.len())));
        }
    }

    #[test]
    fn the_largest_blob_without_overflow_is_that_of_the_file_format() {
        for (usable, blob) in [(480, 441), (512, 473), (1024, 985), (4096, 4057)] {
            let payload = |len: usize| encode_record(&vec![0; len]).len();
            assert_eq!(local_len(usable, payload(blob)), payload(blob));
            assert!(local_len(usable, payload(blob + 1)) < payload(blob + 1));
        }
    }

    #[test]
    fn records_are_read_back_and_damaged_ones_refused() {
        for len in [0, 1, 57, 58, 8185, 8186] {
            let value = vec![5; len];
            let record = encode_record(&value);
            assert_eq!(decode_record(&record), Ok(&value[..]));
            assert!(decode_record(&record[..record.len() - 1]).is_err());
        }
        assert_eq!(encode_record(&[0x61]), [3, 0, 0x0e, 0x61]);
        assert_eq!(&encode_record(&[0; 58])[..4], [4, 0, 0x81, 0]);
    }
}
