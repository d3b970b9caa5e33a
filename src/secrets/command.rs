//! A password from a program: run without a shell, in a clean environment, in a process group of its own, for at most 30 s.
//!
//! What the program prints is never told, neither on success nor on failure, and its error output is thrown away: it may hold
//! what it was asked for.

use std::{
    ffi::OsString,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use postrider_model::{ErrorClass, Fault};
use rustix::process::{Pid, Signal};
use secrecy::SecretString;
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStdout, Command},
    time::{timeout, timeout_at},
};
use zeroize::Zeroizing;

use super::file::one_line;

/// How long a program may take (F8.1).
const TIME_OUT: Duration = Duration::from_secs(30);
/// How long the output may stay open after the program ended: an agent that it left behind may hold it for ever.
const LINGER: Duration = Duration::from_millis(200);
/// The longest first line, in octets.
const MAX_LINE: usize = 64 * 1024;

/// The whole environment of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandContext {
    /// `PATH`, by which the program is found as well.
    pub path: OsString,
    /// `HOME`, where programs find their keys.
    pub home: Option<PathBuf>,
}

/// Kills the program's whole process group when it is dropped before the program ended, be it by the time-out or because the
/// caller gave up.
struct Group {
    pid: Option<Pid>,
}

impl Group {
    fn of(child: &Child) -> Self {
        Self { pid: child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) }
    }

    /// The program ended by itself.
    const fn release(&mut self) {
        self.pid = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            // It fails where all of the group has ended by itself, which is what was wanted.
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }
}

/// The first line that the program prints, without its newline.
///
/// # Errors
/// The program does not start, fails, takes too long, or prints nothing that is a password.
pub(super) async fn password_from_command(
    words: &[String],
    context: &CommandContext,
) -> Result<SecretString, Fault> {
    let program = words.first().map(String::as_str).unwrap_or_default();
    let action = format!("get the password from the command {program:?}");
    let mut child = spawn(words, context).map_err(|error| does_not_start(&action, &error))?;
    let mut group = Group::of(&child);
    let stdout = child.stdout.take();
    let Ok(ended) = timeout(TIME_OUT, run(&mut child, stdout)).await else {
        let hint = "run the command by hand as the daemon's user: does it wait for somebody to type?";
        return Err(Fault::new(ErrorClass::Transient, action, "it did not end within 30 s").hint(hint));
    };
    let (status, line) =
        ended.map_err(|error| Fault::new(ErrorClass::Transient, action.as_str(), error.to_string()))?;
    group.release();
    match status.success() {
        true => one_line(&line, &action).map_err(|fault| Fault { cause: printed(&fault.cause), ..fault }),
        false => Err(failed(&action, status)),
    }
}

fn spawn(words: &[String], context: &CommandContext) -> std::io::Result<Child> {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
    command.args(words).env_clear().env("PATH", &context.path);
    if let Some(home) = &context.home {
        command.env("HOME", home).current_dir(home);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true).spawn()
}

/// Reads and waits at once: a program that prints more than a pipe holds would never end otherwise.
async fn run(
    child: &mut Child,
    stdout: Option<ChildStdout>,
) -> std::io::Result<(ExitStatus, Zeroizing<Vec<u8>>)> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE + 1));
    let Some(mut stdout) = stdout else { return Ok((child.wait().await?, line)) };
    let status = {
        let mut reading = std::pin::pin!(read_first_line(&mut stdout, &mut line));
        tokio::select! {
            biased;
            read = &mut reading => {
                read?;
                child.wait().await?
            }
            status = child.wait() => {
                let end = tokio::time::Instant::now() + LINGER;
                if let Ok(read) = timeout_at(end, &mut reading).await {
                    read?;
                }
                status?
            }
        }
    };
    Ok((status, line))
}

/// Reads to the end, keeps what stands before the first newline and that newline, and throws the rest away.
async fn read_first_line(stdout: &mut ChildStdout, line: &mut Vec<u8>) -> std::io::Result<()> {
    let mut chunk = Zeroizing::new([0_u8; 4096]);
    loop {
        let count = stdout.read(chunk.as_mut_slice()).await?;
        let read = chunk.get(..count).unwrap_or_default();
        if read.is_empty() {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            let end = read.iter().position(|octet| *octet == b'\n').map_or(read.len(), |at| at + 1);
            let room = MAX_LINE.saturating_sub(line.len());
            line.extend_from_slice(read.get(..end.min(room)).unwrap_or_default());
        }
    }
}

/// What is wrong with the line, said of the command instead of a file.
fn printed(cause: &str) -> String {
    match cause {
        "it is empty" => "it printed nothing, or an empty line".to_owned(),
        other => other.replacen("it ", "what it printed ", 1),
    }
}

fn does_not_start(action: &str, error: &std::io::Error) -> Fault {
    let (cause, hint) = match error.kind() {
        std::io::ErrorKind::NotFound => (
            "there is no such program".to_owned(),
            "give its full path in password_command, or set PATH for the daemon",
        ),
        std::io::ErrorKind::PermissionDenied => {
            ("this user may not run it".to_owned(), "check the program's permissions")
        }
        _ => (error.to_string(), "run the command by hand as the daemon's user"),
    };
    Fault::new(ErrorClass::Config, action, cause).hint(hint)
}

/// A program may fail because a key is locked or a network is down, so it is tried again later.
fn failed(action: &str, status: ExitStatus) -> Fault {
    let cause = match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with status {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => "it failed".to_owned(),
    };
    let hint = "run the command by hand as the daemon's user, with no more than PATH and HOME: its messages are not kept, \
                since they may hold secrets";
    Fault::new(ErrorClass::Transient, action, cause).hint(hint)
}

#[cfg(test)]
mod tests;
