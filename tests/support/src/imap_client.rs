//! A small blocking IMAP client by which tests change the server's side and ask what it holds. It looks at
//! the tagged answer of every command: NO and BAD are errors. No TLS, no pipelining, nothing clever; it
//! shares no code with the product.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::utf7;

/// A server that says nothing for so long has hung.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the server said to one command.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The untagged lines without their `* ` and line end, literals in place.
    pub untagged: Vec<Vec<u8>>,
    /// `OK`, `NO` or `BAD`.
    pub status: String,
    /// What followed the status.
    pub text: String,
}

impl Answer {
    /// The untagged lines as text.
    pub fn lines(&self) -> Vec<String> {
        self.untagged.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    /// The arguments of a response code in the tagged text or an untagged OK, such as `UIDNEXT`.
    pub fn code(&self, name: &str) -> Option<String> {
        let mut texts = self.lines();
        texts.push(self.text.clone());
        texts.iter().find_map(|text| {
            let (_, rest) = text.split_once(&format!("[{name} "))?;
            rest.split_once(']').map(|(value, _)| value.to_owned())
        })
    }
}

/// A connection, logged in.
#[derive(Debug)]
pub struct ImapClient {
    wire: BufReader<TcpStream>,
    tags: u32,
}

impl ImapClient {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Where the server cannot be reached or refuses.
    pub fn login(address: SocketAddr, user: &str, password: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        let mut client = Self { wire: BufReader::new(stream), tags: 0 };
        let greeting = client.line()?;
        if !greeting.starts_with(b"* OK") {
            bail!("the server greets with {}", String::from_utf8_lossy(&greeting));
        }
        client.command(&format!("LOGIN {} {}", quote(user), quote(password)))?;
        Ok(client)
    }

    /// Sends a command and returns the answer.
    ///
    /// # Errors
    /// Where the answer is NO or BAD, or the connection ends.
    pub fn command(&mut self, command: &str) -> Result<Answer> {
        let answer = self.try_command(command, None)?;
        expect_ok(command, answer)
    }

    /// Sends a command, which a literal may follow, and returns the answer whatever it is.
    ///
    /// # Errors
    /// Where the connection ends, or the server does not ask for the literal.
    pub fn try_command(&mut self, command: &str, literal: Option<&[u8]>) -> Result<Answer> {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        let Some(literal) = literal else {
            self.send(format!("{tag} {command}\r\n").as_bytes())?;
            return self.answer(&tag);
        };
        self.send(format!("{tag} {command} {{{}}}\r\n", literal.len()).as_bytes())?;
        let asked = self.line()?;
        if !asked.starts_with(b"+") {
            return tagged(&tag, &asked, Vec::new())
                .with_context(|| format!("no continuation: {}", String::from_utf8_lossy(&asked)));
        }
        self.send(literal)?;
        self.send(b"\r\n")?;
        self.answer(&tag)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.wire.get_mut().write_all(bytes).context("the connection is gone")
    }

    fn answer(&mut self, tag: &str) -> Result<Answer> {
        let mut untagged = Vec::new();
        loop {
            let line = self.line()?;
            match line.strip_prefix(b"* ") {
                Some(rest) => untagged.push(rest.to_vec()),
                None => return tagged(tag, &line, untagged).context("neither untagged nor ours"),
            }
        }
    }

    /// One line without its end, with the literals that belong to it.
    fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            if self.wire.read_until(b'\n', &mut line)? == 0 {
                bail!("the server closed the connection");
            }
            let Some(size) = announced(&line) else {
                let end = line.trim_ascii_end().len();
                line.truncate(end);
                return Ok(line);
            };
            let before = line.len();
            line.resize(before + size, 0);
            self.wire.read_exact(line.get_mut(before..).unwrap_or_default())?;
        }
    }

    /// Opens a folder for reading and writing.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn select(&mut self, folder: &str) -> Result<Answer> {
        self.command(&format!("SELECT {}", mailbox(folder)))
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn create(&mut self, folder: &str) -> Result<()> {
        self.command(&format!("CREATE {}", mailbox(folder))).map(drop)
    }

    /// Deletes a folder.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn delete(&mut self, folder: &str) -> Result<()> {
        self.command(&format!("DELETE {}", mailbox(folder))).map(drop)
    }

    /// Renames a folder.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        self.command(&format!("RENAME {} {}", mailbox(from), mailbox(to))).map(drop)
    }

    /// Appends a message; `flags` as in `\Seen \Flagged`, `date` as in `01-Mar-2024 12:00:00 +0000` or
    /// empty. Returns its UID (RFC 4315).
    ///
    /// # Errors
    /// As [`Self::command`], and where the server does not tell the UID.
    pub fn append(&mut self, folder: &str, flags: &str, date: &str, message: &[u8]) -> Result<u32> {
        let mut command = format!("APPEND {} ({flags})", mailbox(folder));
        if !date.is_empty() {
            command.push_str(&format!(" \"{date}\""));
        }
        let answer = expect_ok(&command, self.try_command(&command, Some(message))?)?;
        let code = answer.code("APPENDUID").context("no APPENDUID")?;
        let (_, uid) = code.split_once(' ').context("no UID in APPENDUID")?;
        uid.parse().context("no number in APPENDUID")
    }

    /// Changes flags of messages of the open folder: `store("1:3", "+FLAGS", "\\Seen")`.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn store(&mut self, uids: &str, how: &str, flags: &str) -> Result<()> {
        self.command(&format!("UID STORE {uids} {how} ({flags})")).map(drop)
    }

    /// Deletes messages of the open folder for good (RFC 4315).
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn expunge(&mut self, uids: &str) -> Result<()> {
        self.store(uids, "+FLAGS", "\\Deleted")?;
        self.command(&format!("UID EXPUNGE {uids}")).map(drop)
    }

    /// Moves messages of the open folder (RFC 6851).
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn move_to(&mut self, uids: &str, folder: &str) -> Result<()> {
        self.command(&format!("UID MOVE {uids} {}", mailbox(folder))).map(drop)
    }

    /// The UIDs of the open folder, ascending.
    ///
    /// # Errors
    /// As [`Self::command`], and where the answer is no list of numbers.
    pub fn uids(&mut self) -> Result<Vec<u32>> {
        let mut all = Vec::new();
        for line in self.command("UID SEARCH ALL")?.lines() {
            for word in line.strip_prefix("SEARCH").unwrap_or_default().split_ascii_whitespace() {
                all.push(word.parse().with_context(|| format!("no UID: {word}"))?);
            }
        }
        all.sort_unstable();
        Ok(all)
    }
}

/// A folder's name as an argument: modified UTF-7, quoted.
pub fn mailbox(name: &str) -> String {
    quote(&utf7::encode(name))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The size of the literal that a line ends with announcing.
fn announced(line: &[u8]) -> Option<usize> {
    let rest = line.strip_suffix(b"}\r\n")?;
    let open = rest.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(rest.get(open + 1..)?).ok()?.parse().ok()
}

fn tagged(tag: &str, line: &[u8], untagged: Vec<Vec<u8>>) -> Result<Answer> {
    let text = String::from_utf8_lossy(line);
    let rest = text.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' '));
    let (status, text) = rest.and_then(|rest| rest.split_once(' ')).with_context(|| text.to_string())?;
    Ok(Answer { untagged, status: status.to_owned(), text: text.to_owned() })
}

fn expect_ok(command: &str, answer: Answer) -> Result<Answer> {
    if answer.status != "OK" {
        let verb = command.split(' ').next().unwrap_or_default();
        bail!("{verb}: {} {}", answer.status, answer.text);
    }
    Ok(answer)
}
