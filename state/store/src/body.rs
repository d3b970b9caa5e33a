//! A message's bytes, compressed for keeping and checked on the way back.
//!
//! Compressing is done by whoever fetched the message, beside the writer. A large message is the exception: it is
//! compressed piece by piece as it is written, so that its raw and its compressed form never fill memory together.

use std::{cell::RefCell, io::Write, path::PathBuf};

use rusqlite::Connection;

use crate::{Result, StoreError, file::STORE_FILE};

/// Raw octets in each compressed piece but the last.
pub(crate) const CHUNK: usize = 1024 * 1024;
/// Pieces that a body may have: its rows' ids leave 16 bits for them.
const MAX_CHUNKS: i64 = 1 << 16;
/// Larger messages are compressed on the way into the store.
const LARGE: usize = 4 * CHUNK;
/// Level 1: the writer and the disk are spared more than the processor.
const LEVEL: i32 = 1;

/// The bytes of one message, ready to be stored.
#[derive(Debug, Clone)]
pub struct Body {
    hash: [u8; 32],
    size: u64,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    /// Compressed pieces.
    Ready(Vec<Vec<u8>>),
    /// Raw, because it is large.
    Raw(Vec<u8>),
}

impl Body {
    /// Takes a message's bytes; small ones are compressed here, large ones when they are written.
    ///
    /// # Errors
    /// Where the compressor has no memory.
    pub fn new(raw: Vec<u8>) -> Result<Self> {
        if raw.len() <= LARGE {
            return compress(&raw);
        }
        Ok(Self { hash: hash(&raw), size: raw.len() as u64, content: Content::Raw(raw) })
    }

    /// BLAKE3 of the raw bytes.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Octets of the raw bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Octets that this value keeps in memory.
    pub fn held_size(&self) -> usize {
        match &self.content {
            Content::Ready(chunks) => chunks.iter().map(Vec::len).sum(),
            Content::Raw(raw) => raw.len(),
        }
    }

    /// Gives the compressed pieces in their order.
    pub(crate) fn each_chunk(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match &self.content {
            Content::Ready(chunks) => chunks.iter().try_for_each(|chunk| take(chunk)),
            Content::Raw(raw) => raw.chunks(CHUNK).try_for_each(|piece| take(&deflate(piece)?)),
        }
    }
}

/// Compresses a message's bytes.
///
/// # Errors
/// Where the compressor has no memory.
pub fn compress(raw: &[u8]) -> Result<Body> {
    let chunks = raw.chunks(CHUNK).map(deflate).collect::<Result<_>>()?;
    Ok(Body { hash: hash(raw), size: raw.len() as u64, content: Content::Ready(chunks) })
}

fn hash(raw: &[u8]) -> [u8; 32] {
    *blake3::hash(raw).as_bytes()
}

thread_local! {
    /// Making a context costs more than compressing a small message with it.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    /// The same, on the way back.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

fn deflate(piece: &[u8]) -> Result<Vec<u8>> {
    COMPRESSOR
        .with_borrow_mut(|kept| {
            let compressor = match kept {
                Some(compressor) => compressor,
                None => kept.insert(zstd::bulk::Compressor::new(LEVEL)?),
            };
            compressor.compress(piece)
        })
        .map_err(StoreError::io("compress", PathBuf::from("a message")))
}

/// Unpacks a piece of at most `most` octets.
fn inflate(packed: &[u8], most: usize) -> Result<Vec<u8>> {
    DECOMPRESSOR
        .with_borrow_mut(|kept| {
            let decompressor = match kept {
                Some(decompressor) => decompressor,
                None => kept.insert(zstd::bulk::Decompressor::new()?),
            };
            decompressor.decompress(packed, most)
        })
        .map_err(|error| StoreError::damaged(STORE_FILE, format!("a message cannot be unpacked: {error}")))
}

/// The id of a body's piece.
pub(crate) fn chunk_id(body: i64, seq: i64) -> Result<i64> {
    match body.checked_mul(MAX_CHUNKS).and_then(|first| first.checked_add(seq)) {
        Some(id) if seq < MAX_CHUNKS => Ok(id),
        _ => Err(StoreError::damaged(STORE_FILE, "a message has more pieces than a body can have")),
    }
}

/// Writes a body's raw bytes piece by piece, and answers how many they were. What was written is right only where the
/// answer is: size and hash are compared at the end.
pub(crate) fn write_to(conn: &Connection, body: i64, out: &mut dyn Write) -> Result<u64> {
    let (hash, size): ([u8; 32], i64) = conn
        .prepare_cached("SELECT hash, size FROM body WHERE id = ?1")?
        .query_row([body], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut statement =
        conn.prepare_cached("SELECT zstd FROM body_chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut rows = statement.query([chunk_id(body, 0)?, chunk_id(body, MAX_CHUNKS - 1)?])?;
    let mut hasher = blake3::Hasher::new();
    while let Some(row) = rows.next()? {
        let packed = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        let missing = usize::try_from(size.cast_unsigned().saturating_sub(hasher.count())).unwrap_or(CHUNK);
        let piece = inflate(packed, missing.min(CHUNK))?;
        hasher.update(&piece);
        out.write_all(&piece).map_err(StoreError::io("write", PathBuf::from("a message")))?;
    }
    let read = hasher.count();
    if read != size.cast_unsigned() || hasher.finalize() != hash {
        return Err(StoreError::damaged(STORE_FILE, "a message is not what was stored"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(body: &Body) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        body.each_chunk(|piece| {
            all.push(piece.to_vec());
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn a_body_is_cut_at_every_mebibyte() {
        for (size, expected) in [(0, 0), (1, 1), (CHUNK, 1), (CHUNK + 1, 2), (LARGE, 4), (LARGE + 1, 5)] {
            let body = Body::new(vec![b'x'; size]).unwrap();
            assert_eq!((pieces(&body).len(), body.size()), (expected, size as u64), "{size}");
        }
    }

    #[test]
    fn a_large_body_is_kept_raw_and_gives_the_same_pieces() {
        let raw: Vec<u8> = (0..LARGE + 3).map(|at| (at / 7) as u8).collect();
        let (late, early) = (Body::new(raw.clone()).unwrap(), compress(&raw).unwrap());
        assert_eq!((late.hash(), pieces(&late)), (early.hash(), pieces(&early)));
        assert_eq!(late.held_size(), raw.len());
        assert!(early.held_size() < raw.len());
    }

    #[test]
    fn ids_of_pieces_never_meet() {
        assert_eq!(chunk_id(1, MAX_CHUNKS - 1).unwrap() + 1, chunk_id(2, 0).unwrap());
        assert!(chunk_id(1, MAX_CHUNKS).is_err() && chunk_id(i64::MAX, 0).is_err());
    }
}
