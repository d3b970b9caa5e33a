//! Reads all messages of a folder from a bare socket and drops them: what the bytes alone cost, the floor
//! of the benchmarks. It parses nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What was read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// From before the connection until the last answer.
    pub elapsed: Duration,
    /// All bytes from the server.
    pub bytes: u64,
}

/// Logs in, opens `folder` (a name without quotes), fetches every message whole, and drops what comes.
///
/// # Errors
/// Where the server cannot be reached, refuses, or closes the connection.
pub fn read_folder(address: SocketAddr, user: &str, password: &str, folder: &str) -> Result<Reading> {
    let started = Instant::now();
    let mut wire = TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
    wire.set_nodelay(true)?;
    wire.set_read_timeout(Some(Duration::from_secs(120)))?;
    let mut bytes = 0;
    for (tag, command) in [
        ("ra", format!("LOGIN \"{user}\" \"{password}\"")),
        ("rb", format!("EXAMINE \"{folder}\"")),
        // A tag that no message holds at the start of a line.
        ("rawQ7x9Z", "UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])".to_owned()),
    ] {
        wire.write_all(format!("{tag} {command}\r\n").as_bytes())?;
        bytes += drop_until(&mut wire, tag)?;
    }
    Ok(Reading { elapsed: started.elapsed(), bytes })
}

/// Reads until a chunk ends with the tagged line; returns how many bytes that took.
fn drop_until(wire: &mut TcpStream, tag: &str) -> Result<u64> {
    let mut chunk = vec![0; 256 * 1024];
    let mut tail: Vec<u8> = b"\n".to_vec();
    let mut bytes = 0;
    loop {
        let size = wire.read(&mut chunk)?;
        if size == 0 {
            bail!("the server closed the connection");
        }
        bytes += size as u64;
        let new = chunk.get(..size).unwrap_or_default();
        tail.extend_from_slice(new.get(size.saturating_sub(512)..).unwrap_or_default());
        tail.drain(..tail.len().saturating_sub(512));
        if let Some(answer) = last_line(&tail).strip_prefix(tag.as_bytes()) {
            if !answer.starts_with(b" OK") {
                bail!("the server answered{}", String::from_utf8_lossy(answer).trim_end());
            }
            return Ok(bytes);
        }
    }
}

/// The last complete line, where the bytes end with one.
fn last_line(bytes: &[u8]) -> &[u8] {
    let Some(body) = bytes.strip_suffix(b"\r\n") else { return &[] };
    let start = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    body.get(start..).unwrap_or_default()
}
