//! COMPRESS=DEFLATE (RFC 4978): raw DEFLATE in both directions, flushed after each flight of commands.

use std::io;

use bytes::{Buf, BytesMut};
use flate2::{Compress, Compression as Level, Decompress, FlushCompress, FlushDecompress, Status};

/// How much is unpacked at once, in octets: bounds what one compressed octet can do before limits are looked at again.
const PIECE: usize = 64 << 10;

/// Both directions of a compressed connection.
pub(crate) struct Compression {
    /// What came from the wire and is not unpacked yet.
    pub(crate) raw: BytesMut,
    inflater: Decompress,
    deflater: Compress,
    piece: Vec<u8>,
    may_hold_more: bool,
}

impl Compression {
    /// From the octets that came behind the answer to COMPRESS.
    pub(crate) fn new(raw: BytesMut) -> Self {
        Self {
            raw,
            inflater: Decompress::new(false),
            deflater: Compress::new(Level::default(), false),
            piece: vec![0; PIECE],
            may_hold_more: false,
        }
    }

    /// Unpacks one piece behind `plain`; how many octets came out, 0 when more has to come from the wire.
    pub(crate) fn inflate(&mut self, plain: &mut BytesMut) -> io::Result<usize> {
        while self.may_hold_more || !self.raw.is_empty() {
            let (before_in, before_out) = (self.inflater.total_in(), self.inflater.total_out());
            let status = self
                .inflater
                .decompress(&self.raw, &mut self.piece, FlushDecompress::Sync)
                .map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
            let taken = usize::try_from(self.inflater.total_in() - before_in).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inflater.total_out() - before_out).unwrap_or(usize::MAX);
            self.raw.advance(taken.min(self.raw.len()));
            self.may_hold_more = made == self.piece.len();
            if made > 0 {
                plain.extend_from_slice(self.piece.get(..made).unwrap_or_default());
                return Ok(made);
            }
            if status == Status::StreamEnd {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the compressed stream ended"));
            }
            if taken == 0 {
                break;
            }
        }
        Ok(0)
    }

    /// Packs `plain` behind `packed`, so that the peer can read all of it.
    pub(crate) fn deflate(&mut self, mut plain: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
        loop {
            packed.reserve(plain.len() / 2 + 64);
            let before = self.deflater.total_in();
            self.deflater
                .compress_vec(plain, packed, FlushCompress::Sync)
                .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
            let taken = usize::try_from(self.deflater.total_in() - before).unwrap_or(usize::MAX);
            plain = plain.get(taken..).unwrap_or_default();
            if plain.is_empty() && packed.len() < packed.capacity() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_packs_the_other_unpacks_in_any_pieces() {
        let mut ours = Compression::new(BytesMut::new());
        let mut theirs = Compression::new(BytesMut::new());
        let long: Vec<u8> =
            (0..300_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for message in [b"* OK hello\r\n".as_slice(), &long, &vec![b'x'; 1_000_000], b"."] {
            let mut packed = Vec::new();
            ours.deflate(message, &mut packed).unwrap();
            let mut plain = BytesMut::new();
            for piece in packed.chunks(997) {
                theirs.raw.extend_from_slice(piece);
                while theirs.inflate(&mut plain).unwrap() > 0 {}
            }
            assert!(plain == message, "{} octets of {}", plain.len(), message.len());
        }
    }

    #[test]
    fn one_call_unpacks_no_more_than_a_piece() {
        let mut packed = Vec::new();
        Compression::new(BytesMut::new()).deflate(&vec![0; 10 << 20], &mut packed).unwrap();
        let mut theirs = Compression::new(BytesMut::from(&packed[..]));
        assert_eq!(theirs.inflate(&mut BytesMut::new()).unwrap(), PIECE);
    }

    #[test]
    fn garbage_is_an_error() {
        let mut theirs = Compression::new(BytesMut::from(&[0xff; 64][..]));
        assert_eq!(theirs.inflate(&mut BytesMut::new()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
