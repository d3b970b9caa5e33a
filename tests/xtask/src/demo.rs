//! `cargo xtask demo`: a private server with sample mail, a home of its own, the program run in it, each
//! answer shown and checked, and what to try next. Touches nothing but what it has made itself.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{IsTerminal, stdin};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use postrider_test_support::home::{Account, Provider};
use postrider_test_support::{Certs, Dovecot, Home, corpus, imaplib, programs};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncReadExt;

use crate::packages;
use crate::steps::cargo;

const ADDRESS: &str = "vera@example.com";
const PASSWORD: &str = "sample password";
const ACCOUNT: &str = "demo";

/// What comes after the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// On a terminal the server runs on until Enter or Ctrl-C.
    WaitForPerson,
    /// The end.
    AtOnce,
}

/// `fixtures/demo/manifest.toml`.
#[derive(Debug, Deserialize)]
struct Manifest {
    message: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
struct Sample {
    file: String,
    folder: String,
    flags: Vec<String>,
    date: String,
}

/// Runs the demo.
pub(crate) fn run(ending: Ending) -> Result<()> {
    packages::ensure(&[packages::DOVECOT, packages::PYTHON])?;
    cargo(&["build", "--release", "-p", "postrider"])?;
    let program = programs::find_postrider("release")?;
    let certs = Certs::new()?;
    let server = Dovecot::builder().user(ADDRESS, PASSWORD).tls(&certs.good).start()?;
    let samples = deliver(&server)?;
    println!("A private IMAP server runs on {} with {samples} messages.", server.imaps_addr());
    let home = prepare(&server, &certs)?;
    let show = Show { home: &home, program: &program };
    let newest = show_all(&show, &server, samples)?;
    if ending == Ending::AtOnce || !stdin().is_terminal() {
        println!("\nMail is in the store. At a terminal the server would run on, and you could try:");
        print_what_next("postrider", &newest);
        return Ok(());
    }
    println!("\nMail is in the store. While the server runs, try:");
    print_what_next(&write_wrapper(&home, &program)?.display().to_string(), &newest);
    println!("\nThe server runs until you press Enter or Ctrl-C.");
    wait_for_person()
}

/// Puts the sample mail into the server, as a mail program would.
fn deliver(server: &Dovecot) -> Result<usize> {
    let fixtures = programs::repository().join("fixtures/demo");
    let text = fs::read_to_string(fixtures.join("manifest.toml")).context("fixtures/demo/manifest.toml")?;
    let manifest: Manifest = toml::from_str(&text).context("fixtures/demo/manifest.toml")?;
    let mut client = server.client(ADDRESS)?;
    let mut made = vec!["INBOX".to_owned()];
    for sample in &manifest.message {
        if !made.contains(&sample.folder) {
            client.create(&sample.folder)?;
            made.push(sample.folder.clone());
        }
        let bytes = fs::read(fixtures.join(&sample.file)).with_context(|| sample.file.clone())?;
        // The files have the line ends of text files, mail has CRLF.
        let bytes = corpus::crlf(&bytes);
        client.append(&sample.folder, &sample.flags.join(" "), &sample.date, &bytes)?;
    }
    Ok(manifest.message.len())
}

fn prepare(server: &Dovecot, certs: &Certs) -> Result<Home> {
    let home = Home::new()?;
    let provider = Provider {
        domain: "example.com".into(),
        imap: server.imaps_addr(),
        security: "tls",
        ca_file: Some(certs.ca_file()),
    };
    home.provider(ACCOUNT, &provider)?;
    home.account(ACCOUNT, &Account::all_mail(ACCOUNT, ADDRESS, PASSWORD))?;
    println!("Its account is configured in {}.", home.config().display());
    Ok(home)
}

/// Runs the program and shows what it says.
struct Show<'a> {
    home: &'a Home,
    program: &'a Path,
}

impl Show<'_> {
    fn show(&self, arguments: &[&str]) -> Result<()> {
        println!("\n$ postrider {}", arguments.join(" "));
        let said = self.home.succeed(self.program, arguments)?;
        print!("{said}");
        ensure!(
            !said.contains('\u{1b}') && !said.contains('\u{202e}'),
            "control characters reach the terminal"
        );
        Ok(())
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        let said = self.home.succeed(self.program, arguments)?;
        serde_json::from_str(&said).with_context(|| format!("postrider {}: no JSON", arguments.join(" ")))
    }
}

/// Returns the id of the newest message.
fn show_all(show: &Show<'_>, server: &Dovecot, samples: usize) -> Result<String> {
    show.show(&["--sync-now"])?;
    show.show(&["mail", "list"])?;
    let listed = show.json(&["mail", "list", "--json"])?;
    ensure!(listed.as_array().map(Vec::len) == Some(samples), "{samples} messages should be listed");
    for (word, expected) in [("velocipede", 1), ("лошадей", 1), ("from:anna.berg", 1)] {
        show.show(&["mail", "search", word])?;
        let found = show.json(&["mail", "search", word, "--json"])?;
        ensure!(
            found.as_array().map(Vec::len) == Some(expected),
            "a search for {word} should find {expected}"
        );
    }
    show_export(show, server)?;
    show.show(&["status"])?;
    let again = show.json(&["--sync-now", "--json"])?;
    let pulled = again.pointer("/accounts/0/mail/pulled").and_then(Value::as_u64);
    ensure!(pulled == Some(0), "a second run should pull nothing, it says {again}");
    println!("\nA second run found nothing to do.");
    let newest = listed.pointer("/0/id").and_then(Value::as_str).context("messages have no id")?;
    Ok(newest.to_owned())
}

/// Exports everything and compares it with what another client reads from the server.
fn show_export(show: &Show<'_>, server: &Dovecot) -> Result<()> {
    let to = show.home.path().join("export");
    let to_text = to.to_str().context("the home's path is no UTF-8")?;
    show.show(&["mail", "export", "--account", ACCOUNT, "--format", "eml", "--to", to_text])?;
    let mut exported: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    collect(&to, "", &mut exported)?;
    let mut expected: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, folder) in imaplib::dump(server.imap_addr(), ADDRESS, PASSWORD)? {
        let messages: Vec<_> = folder.messages.into_iter().map(|message| message.bytes).collect();
        if !messages.is_empty() {
            expected.insert(name, messages);
        }
    }
    for folders in [&mut exported, &mut expected] {
        folders.values_mut().for_each(|messages| messages.sort());
    }
    for (name, messages) in &expected {
        let same = exported.get(name) == Some(messages);
        ensure!(same, "the export of {name} differs from what Python's imaplib reads from the server");
    }
    ensure!(exported.len() == expected.len(), "the export has folders that the server has not");
    println!("The export is byte for byte what Python's imaplib reads from the server.");
    Ok(())
}

/// The files below a folder of an export, by the name of the mail folder that they are of.
fn collect(at: &Path, name: &str, found: &mut BTreeMap<String, Vec<Vec<u8>>>) -> Result<()> {
    for entry in fs::read_dir(at).with_context(|| format!("{}", at.display()))? {
        let path = entry?.path();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let level = unescaped(&file_name)?;
            let below = if name.is_empty() { level } else { format!("{name}/{level}") };
            collect(&path, &below, found)?;
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            found.entry(name.to_owned()).or_default().push(fs::read(&path)?);
        }
    }
    Ok(())
}

/// A component of an export's path without its percent escapes.
fn unescaped(component: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = component.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2).context("half an escape")?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits)?, 16)?);
        rest = tail;
    }
    String::from_utf8(bytes).with_context(|| format!("{component} is no escaped UTF-8"))
}

/// A script that runs the program in the demo's home, so that trying more needs no environment.
fn write_wrapper(home: &Home, program: &Path) -> Result<PathBuf> {
    let path = home.path().join("postrider");
    let mut script = String::from("#!/bin/sh\nexec env");
    for (name, value) in home.environment() {
        script.push_str(&format!(" {name}='{}'", value.display()));
    }
    script.push_str(&format!(" '{}' --config '{}' \"$@\"\n", program.display(), home.config().display()));
    if script.matches('\'').count() % 2 == 1 {
        bail!("the path of the project has a quote in it");
    }
    fs::write(&path, script)?;
    fs::set_permissions(&path, Permissions::from_mode(0o700))?;
    Ok(path)
}

fn print_what_next(program: &str, message: &str) {
    let show = format!("mail show {message}");
    for arguments in [
        "mail list --folder INBOX",
        "mail search from:ivan has:attachment",
        &show,
        "mail search has:attachment",
        "--sync-now --dry-run",
        "doctor",
        "--help",
    ] {
        println!("  {program} {arguments}");
    }
}

/// Returns on Enter, Ctrl-C, or the end of standard input.
fn wait_for_person() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut input = tokio::io::stdin();
        let mut byte = [0; 1];
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => {}
            _ = input.read(&mut byte) => {}
        }
    });
    // A read from the terminal cannot be taken back; it is not waited for.
    runtime.shutdown_background();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_from_an_exports_paths() {
        for (component, expected) in
            [("INBOX", "INBOX"), ("a%2Fb", "a/b"), ("%D0%9F", "П"), ("100%25", "100%")]
        {
            assert_eq!(unescaped(component).unwrap(), expected);
        }
        for broken in ["%", "%4", "%zz", "%ff"] {
            assert!(unescaped(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn the_samples_go_into_a_server_and_their_flags_and_dates_come_out() {
        let server = Dovecot::builder().user(ADDRESS, PASSWORD).start().unwrap();
        let count = deliver(&server).unwrap();
        let folders = imaplib::dump(server.imap_addr(), ADDRESS, PASSWORD).unwrap();
        assert_eq!(folders.values().map(|folder| folder.messages.len()).sum::<usize>(), count);
        let draft = &folders["Черновики"].messages[0];
        assert_eq!(draft.flags, ["\\Draft"]);
        assert_eq!(draft.internal_date, "08-Jun-2025 17:00:00 +0000");
    }

    #[test]
    fn every_sample_is_in_the_manifest_and_every_file_is_there() {
        let fixtures = programs::repository().join("fixtures/demo");
        let text = fs::read_to_string(fixtures.join("manifest.toml")).unwrap();
        let manifest: Manifest = toml::from_str(&text).unwrap();
        let mut named: Vec<_> = manifest.message.iter().map(|sample| fixtures.join(&sample.file)).collect();
        let mut there: Vec<_> = fs::read_dir(&fixtures)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        named.sort();
        there.sort();
        assert_eq!(named, there);
    }
}
