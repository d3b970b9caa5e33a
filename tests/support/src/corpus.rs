//! Mail for tests and benchmarks: real mail where the variable `POSTRIDER_CORPUS` names some, else
//! generated. Real mail stays where it is: it is read, given to servers on this machine, never copied into
//! the project.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;

use crate::generated;

/// The variable that names a folder of `.eml` files or a `.tar.gz` of them.
pub const VARIABLE: &str = "POSTRIDER_CORPUS";
/// How many messages are generated where there are no real ones: as many as the real corpus has.
const GENERATED: usize = 2500;
/// The header by which copies are told apart.
const UNIQUE_HEADER: &str = "X-Postrider-Copy";

/// Messages with CRLF line ends, in a fixed order.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// The messages.
    pub messages: Vec<Vec<u8>>,
    /// Whether they are real mail.
    pub real: bool,
}

/// Loads the corpus that `POSTRIDER_CORPUS` names, or generates one, always the same.
///
/// # Errors
/// Where the variable names something that is not there or holds no messages.
pub fn load() -> Result<Corpus> {
    let Some(place) = env::var_os(VARIABLE).filter(|place| !place.is_empty()) else {
        let messages = (0..GENERATED as u64).map(generated::message).collect();
        return Ok(Corpus { messages, real: false });
    };
    let mut files =
        read_place(Path::new(&place)).with_context(|| format!("{VARIABLE}={}", place.display()))?;
    files.sort();
    if files.is_empty() {
        bail!("{VARIABLE}={} holds no .eml files", place.display());
    }
    let messages = files.into_iter().map(|(_, bytes)| from_mbox(&bytes)).collect();
    Ok(Corpus { messages, real: true })
}

impl Corpus {
    /// `count` messages, each different from every other: the corpus over and over, each copy with a
    /// header of its own on top. Nothing is held but the corpus itself.
    pub fn unique(&self, count: usize) -> impl Iterator<Item = Vec<u8>> {
        self.messages.iter().cycle().take(count).enumerate().map(|(number, message)| {
            let mut copy = format!("{UNIQUE_HEADER}: {number}\r\n").into_bytes();
            copy.extend_from_slice(message);
            copy
        })
    }
}

fn read_place(place: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    if place.is_file() {
        return read_archive(place);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(read_place(&path)?);
        } else if is_message(&path) {
            files.push((path.clone(), fs::read(&path)?));
        } else if path.to_string_lossy().ends_with(".tar.gz") {
            files.extend(read_archive(&path)?);
        }
    }
    Ok(files)
}

fn read_archive(path: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        if is_message(&name) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.push((name, bytes));
        }
    }
    Ok(files)
}

fn is_message(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("eml"))
}

/// A message without mbox's `From ` line, with CRLF line ends.
fn from_mbox(bytes: &[u8]) -> Vec<u8> {
    let body = match bytes.strip_prefix(b"From ") {
        Some(rest) => rest.iter().position(|byte| *byte == b'\n').and_then(|at| rest.get(at + 1..)),
        None => Some(bytes),
    };
    crlf(body.unwrap_or_default())
}

/// `bytes` with every bare line feed made CRLF.
pub fn crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for byte in bytes {
        if *byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_mbox_line_goes_and_line_ends_become_crlf() {
        for (given, expected) in [
            (&b"From a@b Mon\nA: 1\n\nx\n"[..], &b"A: 1\r\n\r\nx\r\n"[..]),
            (b"A: 1\r\n\nx", b"A: 1\r\n\r\nx"),
            (b"From: a\n", b"From: a\r\n"),
            (b"From ", b""),
            (b"", b""),
        ] {
            assert_eq!(from_mbox(given), expected, "{given:?}");
        }
    }

    #[test]
    fn generated_mail_is_the_same_each_time_varied_and_about_as_large_as_real_mail() {
        let all: Vec<_> = (0..GENERATED as u64).map(generated::message).collect();
        assert!(all.iter().enumerate().all(|(n, message)| *message == generated::message(n as u64)));
        assert!(all.iter().all(|message| *message == crlf(message)), "only CRLF");
        let average = all.iter().map(Vec::len).sum::<usize>() / all.len();
        assert!((4_500..6_500).contains(&average), "{average} bytes on average");
        for kind in ["multipart/mixed", "multipart/alternative", "koi8-r", "base64", "quoted-printable"] {
            let with = all.iter().filter(|message| String::from_utf8_lossy(message).contains(kind)).count();
            assert!(with > 50, "{kind}: {with}");
        }
    }

    #[test]
    fn copies_differ() {
        let corpus = Corpus { messages: vec![b"A: 1\r\n\r\n".to_vec(); 3], real: false };
        let copies: BTreeSet<_> = corpus.unique(100).collect();
        assert_eq!(copies.len(), 100);
    }
}
