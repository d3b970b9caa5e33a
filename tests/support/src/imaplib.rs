//! What somebody else's client reads from a server: Python's imaplib, run by a script of ours. What the
//! product keeps and exports is compared with this, byte for byte.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::programs;

const SCRIPT: &str = include_str!("imaplib_dump.py");

/// A folder as imaplib read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpedFolder {
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// The messages in the order of their UIDs.
    pub messages: Vec<DumpedMessage>,
}

/// A message as imaplib read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpedMessage {
    /// UID.
    pub uid: u32,
    /// Flags and keywords, sorted, without `\Recent`.
    pub flags: Vec<String>,
    /// INTERNALDATE as the server wrote it.
    pub internal_date: String,
    /// The message.
    pub bytes: Vec<u8>,
}

/// Reads every folder of an account, by decoded name with `/` between levels.
///
/// # Errors
/// Where Python is missing, or cannot read the account; the message carries what it said.
pub fn dump(address: SocketAddr, user: &str, password: &str) -> Result<BTreeMap<String, DumpedFolder>> {
    let python = programs::python()?;
    let mut script = tempfile::NamedTempFile::new()?;
    script.write_all(SCRIPT.as_bytes())?;
    let complaints = tempfile::NamedTempFile::new()?;
    let mut child = Command::new(python)
        .arg(script.path())
        .args([&address.ip().to_string(), &address.port().to_string(), user, password])
        .stdout(Stdio::piped())
        .stderr(complaints.reopen()?)
        .spawn()
        .context("cannot run python3")?;
    let output = child.stdout.take().context("no standard output")?;
    let folders = read(&mut BufReader::new(output));
    let status = child.wait()?;
    if !status.success() {
        let said = std::fs::read_to_string(complaints.path()).unwrap_or_default();
        bail!("imaplib could not read the account: {}", said.trim());
    }
    folders
}

fn read(input: &mut impl BufRead) -> Result<BTreeMap<String, DumpedFolder>> {
    let mut folders = BTreeMap::new();
    let mut current: Option<(String, DumpedFolder)> = None;
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["F", name, validity] => {
                folders.extend(current.take());
                let folder = DumpedFolder { uid_validity: validity.parse()?, messages: Vec::new() };
                current = Some((text(name)?, folder));
            }
            ["M", uid, flags, date, size] => {
                let mut bytes = vec![0; size.parse()?];
                input.read_exact(&mut bytes)?;
                let message = DumpedMessage {
                    uid: uid.parse()?,
                    flags: sorted(flags)?,
                    internal_date: text(date)?,
                    bytes,
                };
                current.as_mut().context("a message before a folder")?.1.messages.push(message);
            }
            ["E"] => break,
            _ => bail!("imaplib's output ended early"),
        }
    }
    folders.extend(current);
    folders.values_mut().for_each(|folder| folder.messages.sort_by_key(|message| message.uid));
    Ok(folders)
}

fn sorted(hex: &str) -> Result<Vec<String>> {
    let all = text(hex)?;
    let mut flags: Vec<String> =
        all.split(' ').filter(|flag| !flag.is_empty() && *flag != "\\Recent").map(str::to_owned).collect();
    flags.sort();
    Ok(flags)
}

/// Text from hexadecimal; `-` is nothing.
fn text(hex: &str) -> Result<String> {
    if hex == "-" {
        return Ok(String::new());
    }
    let bytes = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap_or_default(), 16).context("no hexadecimal"))
        .collect::<Result<Vec<u8>>>()?;
    String::from_utf8(bytes).context("no UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_script_writes_is_read_and_a_cut_is_noticed() {
        let whole = b"F 494e424f58 7\nM 2 5c5365656e206b 3031 3\na\nbM 1 - 3032 0\nF 41 8\nE\n";
        let folders = read(&mut &whole[..]).unwrap();
        assert_eq!(folders.keys().collect::<Vec<_>>(), ["A", "INBOX"]);
        let inbox = &folders["INBOX"];
        assert_eq!(inbox.uid_validity, 7);
        assert_eq!(inbox.messages.iter().map(|message| message.uid).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(inbox.messages[1].flags, ["\\Seen", "k"]);
        assert_eq!(inbox.messages[1].bytes, b"a\nb");
        for end in 0..whole.len() - 2 {
            assert!(read(&mut &whole[..end]).is_err(), "cut at {end}");
        }
    }
}
