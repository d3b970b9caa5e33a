//! A server process that cannot outlive the one that started it. A small shell stands between: it starts
//! the server, waits on a pipe whose other end only we hold, and ends the server when that pipe closes, for
//! whatever reason, our being killed among them; then it removes the server's folder too, since nobody else
//! is left to do so. Server and shell are a process group of their own, which is
//! killed when the leash is dropped. No other process is ever signalled.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a server may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(2);

const SHELL: &str = r#"
folder=$1
shift
"$@" &
server=$!
keep=
while read -r word; do keep=$word; done
kill -TERM "$server" 2>/dev/null
wait "$server"
[ -n "$keep" ] || rm -rf -- "$folder"
"#;

/// A running server. Dropping it ends the server and waits for its end.
#[derive(Debug)]
pub struct Leash {
    shell: Child,
    hold: Option<ChildStdin>,
}

impl Leash {
    /// Starts `program` with `arguments`; its output is dropped, it logs to its own files. `folder` is a
    /// temporary folder of the server's own.
    ///
    /// # Errors
    /// Where the shell cannot be started. That the program itself failed shows in its log.
    pub fn start<S: AsRef<OsStr>>(folder: &Path, program: &OsStr, arguments: &[S]) -> Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .arg("-c")
            .arg(SHELL)
            .arg("leash")
            .arg(folder)
            .arg(program)
            .args(arguments)
            // Dates that a server writes do not hang on where the machine stands.
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let hold = shell.stdin.take();
        Ok(Self { shell, hold })
    }

    /// Asks the server to end and waits until it has; what does not end in time is killed. Its folder stays.
    pub fn end(mut self) {
        if let Some(mut hold) = self.hold.take() {
            // It fails where the shell is gone, and with it whatever would remove the folder.
            let _ = hold.write_all(b"keep\n");
        }
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && matches!(self.shell.try_wait(), Ok(None)) {
            thread::sleep(PAUSE);
        }
    }

    fn kill(&mut self) {
        let group = Pid::from_child(&self.shell);
        // While the shell is not waited for, the group's id cannot be another's. It fails where all have
        // ended already.
        if matches!(self.shell.try_wait(), Ok(None)) {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = self.shell.wait();
        }
        let deadline = Instant::now() + GRACE;
        while has_members(group) && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Leash {
    /// Kills the server: nobody needs its data any more, and a clean end takes Dovecot a second.
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a process of this group runs. The dead whom their parent has not asked after do not count.
fn has_members(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // The name in parentheses may hold anything; then follow state, parent, group (proc(5)).
        let (_, rest) = stat.rsplit_once(") ").unwrap_or_default();
        let mut fields = rest.split(' ');
        let state = fields.next();
        state != Some("Z") && fields.nth(1) == Some(&group.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that writes its process id and then waits.
    fn server(folder: &Path, first: &str) -> (Leash, String) {
        let note = folder.join("pid");
        let script =
            format!("{first}\necho $$ > {0}.new; mv {0}.new {0}\nwhile :; do sleep 1; done", note.display());
        let leash = Leash::start(folder, OsStr::new("/bin/sh"), &["-c", &script]).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(text) = fs::read_to_string(&note) {
                return (leash, format!("/proc/{}", text.trim()));
            }
            assert!(Instant::now() < deadline, "the server did not start");
            thread::sleep(PAUSE);
        }
    }

    #[test]
    fn a_server_that_will_not_end_is_killed_with_its_leash() {
        let folder = tempfile::tempdir().unwrap();
        let (leash, process) = server(folder.path(), "trap '' TERM");
        assert!(fs::exists(&process).unwrap());
        let group = Pid::from_child(&leash.shell);
        drop(leash);
        assert!(!has_members(group));
    }

    #[test]
    fn a_server_is_asked_to_end_and_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let farewell = folder.path().join("farewell");
        let (leash, _) = server(folder.path(), &format!("trap 'touch {}; exit' TERM", farewell.display()));
        leash.end();
        assert!(farewell.exists(), "it ended by itself, and its folder stays");
    }

    #[test]
    fn the_folder_of_a_server_whose_owner_has_died_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut leash, process) = server(folder.path(), "");
        // As the system does when it ends a process.
        leash.hold.take();
        leash.shell.wait().unwrap();
        assert!(!folder.path().exists());
        assert!(!fs::exists(process).unwrap());
    }
}
