//! Real programs, run through `/bin/sh` as an ordinary argument list.

use std::fs;

use secrecy::ExposeSecret;

use super::*;

fn context() -> CommandContext {
    CommandContext { path: "/usr/local/bin:/usr/bin:/bin".into(), home: Some("/".into()) }
}

async fn sh(script: &str) -> Result<String, Fault> {
    let words = ["sh", "-c", script].map(ToOwned::to_owned);
    password_from_command(&words, &context()).await.map(|secret| secret.expose_secret().to_owned())
}

#[tokio::test]
async fn the_first_line_is_the_password() {
    let table = [
        ("printf 'pw\\n'", "pw"),
        ("printf 'pw'", "pw"),
        ("printf 'pw\\nlogin: me\\nhunter2\\n'", "pw"),
        ("printf ' p w \\r\\n'", " p w "),
        ("printf 'p'; sleep 0.05; printf 'w\\nx'", "pw"),
        // More than a pipe holds: it ends only if all of it is read.
        ("printf 'pw\\n'; head -c 300000 /dev/zero", "pw"),
    ];
    for (script, expected) in table {
        assert_eq!(sh(script).await.as_deref(), Ok(expected), "{script}");
    }
}

#[tokio::test]
async fn nothing_but_path_and_home_is_passed_on() {
    // The shell's own process shows what it was started with, before it added anything.
    let environment = sh("cat /proc/$$/environ | tr '\\000' ' '").await;
    assert_eq!(environment.as_deref(), Ok("HOME=/ PATH=/usr/local/bin:/usr/bin:/bin "));
}

#[tokio::test]
async fn arguments_are_not_seen_by_a_shell() {
    let words = ["printf".to_owned(), "%s".to_owned(), "$HOME;`id` *".to_owned()];
    let secret = password_from_command(&words, &context()).await.unwrap();
    assert_eq!(secret.expose_secret(), "$HOME;`id` *");
}

#[tokio::test]
async fn a_failure_tells_the_status_and_nothing_that_was_printed() {
    let fault = sh("echo hunter2; echo hunter2 >&2; exit 3").await.unwrap_err();
    assert_eq!(fault.message(), "cannot get the password from the command \"sh\": it ended with status 3");
    assert_eq!(fault.class, ErrorClass::Transient);
    assert!(!format!("{fault:?}").contains("hunter2"));
    assert_eq!(sh("kill -TERM $$").await.unwrap_err().cause, "it was killed by signal 15");
}

#[tokio::test]
async fn what_is_no_password_is_refused() {
    let table = [
        ("true", "it printed nothing, or an empty line"),
        ("echo; echo pw", "it printed nothing, or an empty line"),
        ("printf '\\377'", "what it printed is not UTF-8"),
    ];
    for (script, cause) in table {
        let fault = sh(script).await.unwrap_err();
        assert_eq!((fault.cause.as_str(), fault.class), (cause, ErrorClass::Config), "{script}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told() {
    let words = ["no-such-program-here".to_owned()];
    let fault = password_from_command(&words, &context()).await.unwrap_err();
    assert_eq!(
        fault.message(),
        "cannot get the password from the command \"no-such-program-here\": there is no such program"
    );
    assert_eq!(fault.class, ErrorClass::Config);
    assert_eq!(
        fault.hint.as_deref(),
        Some("give its full path in password_command, or set PATH for the daemon")
    );
}

#[tokio::test]
async fn an_agent_left_behind_does_not_hold_the_answer_back() {
    let started = tokio::time::Instant::now();
    assert_eq!(sh("echo pw; sleep 20 & exit 0").await.as_deref(), Ok("pw"));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn after_30_seconds_the_whole_group_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let script = format!("sleep 600 & echo $! $$ > {0}.new; mv {0}.new {0}; wait", pids.display());
    let started = tokio::time::Instant::now();
    // Paused time runs ahead whenever all tasks wait, so the program gets no chance to end by itself; it must have started,
    // though, before the time-out falls due.
    let words = ["sh", "-c", &script].map(ToOwned::to_owned);
    tokio::time::resume();
    let running = context();
    let mut asked = std::pin::pin!(password_from_command(&words, &running));
    let written = async {
        while !pids.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        answered = &mut asked => panic!("answered {:?}", answered.err()),
        () = written => {}
    }
    tokio::time::pause();
    let fault = asked.await.unwrap_err();
    assert!(started.elapsed() >= TIME_OUT);
    assert_eq!(
        fault.message(),
        "cannot get the password from the command \"sh\": it did not end within 30 s"
    );
    assert_eq!(fault.class, ErrorClass::Transient);
    for pid in fs::read_to_string(&pids).unwrap().split_whitespace() {
        assert!(ends_soon(pid), "process {pid} survived");
    }
}

/// Whether the process is gone, or only waits to be reaped, within some seconds.
fn ends_soon(pid: &str) -> bool {
    let is_gone = || match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')),
        Err(_) => true,
    };
    (0..200).any(|_| {
        let gone = is_gone();
        if !gone {
            std::thread::sleep(Duration::from_millis(20));
        }
        gone
    })
}
