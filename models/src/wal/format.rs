//! The bytes of the log file: header, frames, checksums ("Database File Format" §4.1, §4.2).

/// Bytes of the log header.
pub const HEADER_LEN: usize = 32;
/// Bytes of a frame's own header; the page follows.
pub const FRAME_HEADER_LEN: usize = 24;
/// The magic number whose low bit 0 says that checksum words are read little-endian.
pub const MAGIC_LITTLE_ENDIAN: u32 = 0x377f_0682;
/// The format version that SQLite writes.
pub const FORMAT_VERSION: u32 = 3_007_000;

/// The running checksum of a log.
pub type Checksum = [u32; 2];

/// Where frame `frame` (1-based) starts.
pub const fn frame_offset(frame: u32, page_size: usize) -> u64 {
    HEADER_LEN as u64 + (frame as u64 - 1) * frame_len(page_size) as u64
}

/// Bytes of one frame.
pub const fn frame_len(page_size: usize) -> usize {
    FRAME_HEADER_LEN + page_size
}

/// Continues a checksum over `bytes`, whose length is a multiple of 8.
pub fn checksum(seed: Checksum, bytes: &[u8], big_endian: bool) -> Checksum {
    let word = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let [mut s0, mut s1] = seed;
    for pair in bytes.as_chunks::<8>().0 {
        let [a, b, c, d, e, f, g, h] = *pair;
        s0 = s0.wrapping_add(word([a, b, c, d])).wrapping_add(s1);
        s1 = s1.wrapping_add(word([e, f, g, h])).wrapping_add(s0);
    }
    [s0, s1]
}

/// The big-endian word at `at`.
pub fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn put(out: &mut [u8], at: usize, value: u32) {
    out[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// The fields of a log header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogHeader {
    /// Whether checksum words are read big-endian.
    pub big_endian: bool,
    /// The page size in bytes.
    pub page_size: u32,
    /// The checkpoint sequence number.
    pub seq: u32,
    /// Both salts.
    pub salts: [u32; 2],
    /// The header's checksum: the seed of frame 1.
    pub checksum: Checksum,
}

/// The bytes of a header and the checksum in them.
pub fn encode_header(page_size: usize, seq: u32, salts: [u32; 2]) -> ([u8; HEADER_LEN], Checksum) {
    let mut out = [0; HEADER_LEN];
    let fields = [MAGIC_LITTLE_ENDIAN, FORMAT_VERSION, page_size as u32, seq, salts[0], salts[1]];
    for (i, field) in fields.into_iter().enumerate() {
        put(&mut out, 4 * i, field);
    }
    let sum = checksum([0, 0], &out[..24], false);
    put(&mut out, 24, sum[0]);
    put(&mut out, 28, sum[1]);
    (out, sum)
}

/// Why a log holds nothing that can be recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHeader {
    /// Bad magic number or page size: nothing is known about the log.
    Unusable,
    /// Only the checksum is wrong: sequence number and salts pass on to the next header.
    Checksum(LogHeader),
    /// Another format version: the database cannot be opened.
    Version(u32),
}

/// Reads a header (`walIndexRecover`).
///
/// # Errors
/// Says what is wrong with it.
pub fn decode_header(bytes: &[u8; HEADER_LEN], page_size: usize) -> Result<LogHeader, BadHeader> {
    let magic = be32(bytes, 0);
    let header = LogHeader {
        big_endian: magic & 1 == 1,
        page_size: be32(bytes, 8),
        seq: be32(bytes, 12),
        salts: [be32(bytes, 16), be32(bytes, 20)],
        checksum: [be32(bytes, 24), be32(bytes, 28)],
    };
    if magic & !1 != MAGIC_LITTLE_ENDIAN || header.page_size as usize != page_size {
        return Err(BadHeader::Unusable);
    }
    if checksum([0, 0], &bytes[..24], header.big_endian) != header.checksum {
        return Err(BadHeader::Checksum(header));
    }
    match be32(bytes, 4) {
        FORMAT_VERSION => Ok(header),
        version => Err(BadHeader::Version(version)),
    }
}

/// What a frame says about its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The page number.
    pub page: u32,
    /// The database size in pages after the commit that this frame ends; 0 in other frames.
    pub commit_pages: u32,
}

/// The bytes of a frame and the checksum in them; `seed` is that of the frame before.
pub fn encode_frame(
    frame: Frame,
    salts: [u32; 2],
    seed: Checksum,
    big_endian: bool,
    page: &[u8],
) -> (Vec<u8>, Checksum) {
    let mut out = vec![0; frame_len(page.len())];
    put(&mut out, 0, frame.page);
    put(&mut out, 4, frame.commit_pages);
    put(&mut out, 8, salts[0]);
    put(&mut out, 12, salts[1]);
    out[FRAME_HEADER_LEN..].copy_from_slice(page);
    // Only the first 8 bytes of the frame header are covered (`walEncodeFrame`).
    let sum = checksum(checksum(seed, &out[..8], big_endian), page, big_endian);
    put(&mut out, 16, sum[0]);
    put(&mut out, 20, sum[1]);
    (out, sum)
}

/// Reads a frame; `None` if its salts, page number or checksum are not those of a valid next frame (`walDecodeFrame`).
pub fn decode_frame(bytes: &[u8], log: &LogHeader, seed: Checksum) -> Option<(Frame, Checksum)> {
    let frame = Frame { page: be32(bytes, 0), commit_pages: be32(bytes, 4) };
    if frame.page == 0 || [be32(bytes, 8), be32(bytes, 12)] != log.salts {
        return None;
    }
    let sum = checksum(seed, &bytes[..8], log.big_endian);
    let sum = checksum(sum, &bytes[FRAME_HEADER_LEN..], log.big_endian);
    (sum == [be32(bytes, 16), be32(bytes, 20)]).then_some((frame, sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page 2 of the reference vector: one row (1, x'62') at the end of a 512-byte leaf.
    fn page() -> Vec<u8> {
        let mut page = vec![0; 512];
        page[..10].copy_from_slice(&[0x0d, 0, 0, 0, 1, 1, 0xfa, 0, 1, 0xfa]);
        page[0x1fa..].copy_from_slice(&[4, 1, 3, 0, 0x0e, 0x62]);
        page
    }

    #[test]
    fn checksums_equal_those_that_stock_sqlite_reads_back_in_both_endiannesses() {
        let salts = [0x1122_3344, 0xaabb_ccdd];
        let (header, sum) = encode_header(512, 0, salts);
        assert_eq!(header[24..32], [0x18, 0xfe, 0x25, 0x24, 0xae, 0xa4, 0xb8, 0x73]);
        let frame = Frame { page: 2, commit_pages: 2 };
        let (bytes, _) = encode_frame(frame, salts, sum, false, &page());
        assert_eq!(bytes[16..24], [0xb3, 0x73, 0x3f, 0x63, 0x4f, 0x1d, 0x27, 0xd0]);

        let mut big = header;
        big[3] = 0x83;
        let sum = checksum([0, 0], &big[..24], true);
        assert_eq!(sum, [0x2726_fe1b, 0x78bb_a4b1]);
        let (bytes, _) = encode_frame(frame, salts, sum, true, &page());
        assert_eq!(bytes[16..24], [0x49, 0xce, 0x75, 0x9c, 0x60, 0x6a, 0x62, 0xcb]);
    }

    #[test]
    fn a_frame_is_read_back_only_with_its_own_salts_seed_and_bytes() {
        let salts = [1, 2];
        let (header, sum) = encode_header(512, 3, salts);
        let log = decode_header(&header, 512).unwrap();
        let (bytes, next) = encode_frame(Frame { page: 2, commit_pages: 0 }, salts, sum, false, &page());
        assert_eq!(decode_frame(&bytes, &log, sum), Some((Frame { page: 2, commit_pages: 0 }, next)));
        assert_eq!(decode_frame(&bytes, &log, next), None, "another seed");
        assert_eq!(decode_frame(&bytes, &LogHeader { salts: [1, 3], ..log }, sum), None, "other salts");
        for at in (0..16).chain(24..bytes.len()) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            assert_eq!(decode_frame(&flipped, &log, sum), None, "byte {at} flipped");
        }
    }

    #[test]
    fn a_bad_header_says_what_is_wrong() {
        let (good, _) = encode_header(512, 3, [1, 2]);
        assert_eq!(decode_header(&good, 1024), Err(BadHeader::Unusable));
        let mut bytes = good;
        bytes[0] = 0;
        assert_eq!(decode_header(&bytes, 512), Err(BadHeader::Unusable));
        let mut bytes = good;
        bytes[16] ^= 1;
        assert!(matches!(decode_header(&bytes, 512), Err(BadHeader::Checksum(h)) if h.seq == 3));
        let mut bytes = good;
        bytes[7] += 1;
        let sum = checksum([0, 0], &bytes[..24], false);
        put(&mut bytes, 24, sum[0]);
        put(&mut bytes, 28, sum[1]);
        assert_eq!(decode_header(&bytes, 512), Err(BadHeader::Version(FORMAT_VERSION + 1)));
    }
}
