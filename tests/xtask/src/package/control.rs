//! What dpkg reads of the package before it unpacks it: `control`, the scripts of `systemd/debian`, checksums, and the changelog that
//! Debian's policy wants (<https://www.debian.org/doc/debian-policy/ch-docs.html#changelog-files-and-release-notes>).

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use postrider_test_support::programs::repository;

use super::{say, tree};

/// The version of the package: the program's, first of its packaging.
pub(super) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-1");

const MAINTAINER: &str = "The Postrider authors <postrider@postrider.invalid>";
/// Besides libraries: whom to trust, who makes the user and the folders, who asks at a purge.
const DEPENDS: &str = "ca-certificates, debconf (>= 0.5) | debconf-2.0, systemd (>= 252)";
const DESCRIPTION: &str = "keeps the mail of many accounts in step with one local store
 Postrider speaks IMAP and SMTP to mail servers and keeps every message byte
 for byte in one local store. What is done here is done on the servers, and
 what happens there comes here within moments. The mail can be listed,
 searched, read, moved, sent and exported with the network or without.
 .
 This package brings the daemon with its units for systemd, and the command
 line.";

/// Scripts and what they need, with their modes.
const SCRIPTS: &[(&str, u32)] =
    &[("postinst", 0o755), ("prerm", 0o755), ("postrm", 0o755), ("templates", 0o644)];

/// What the texts say besides.
pub(super) struct About<'a> {
    pub(super) architecture: &'a str,
    /// Seconds since 1970.
    pub(super) epoch: u64,
}

/// Writes `DEBIAN` below the laid out tree. `scratch` is a folder outside it.
pub(super) fn write(root: &Path, scratch: &Path, about: &About<'_>) -> Result<()> {
    let changelog = tree::DOCUMENTS.to_owned() + "/changelog.Debian.gz";
    tree::write_gzip(&root.join(changelog), changes(about.epoch)?.as_bytes())?;
    let folder = root.join("DEBIAN");
    let libraries = libraries(&root.join("usr/bin/postrider"), scratch)?;
    let sums = checksums(root)?;
    let control = control(about, &libraries, installed_size(root)?);
    tree::write(&folder.join("control"), control.as_bytes())?;
    tree::write(&folder.join("md5sums"), sums.as_bytes())?;
    tree::write(&folder.join("conffiles"), b"/etc/postrider/postrider.toml\n")?;
    for (name, mode) in SCRIPTS {
        let text = fs::read(repository().join("systemd/debian").join(name))?;
        tree::write(&folder.join(name), &text)?;
        tree::set_mode(&folder.join(name), *mode)?;
    }
    Ok(())
}

fn control(about: &About<'_>, libraries: &str, size_kib: u64) -> String {
    let architecture = about.architecture;
    format!(
        "Package: postrider\nVersion: {VERSION}\nArchitecture: {architecture}\nMaintainer: {MAINTAINER}\n\
         Installed-Size: {size_kib}\nDepends: {libraries}, {DEPENDS}\nSection: mail\nPriority: optional\n\
         Description: {DESCRIPTION}\n"
    )
}

fn changes(epoch: u64) -> Result<String> {
    let date = say(Command::new("date").args(["-u", "-R", "-d", &format!("@{epoch}")]).env("LC_ALL", "C"))?;
    Ok(format!(
        "postrider ({VERSION}) unstable; urgency=medium\n\n  * What is new is in changelog.gz beside this file.\n\n \
         -- {MAINTAINER}  {}\n",
        date.trim()
    ))
}

/// The packages of the libraries that the program is linked with, with the versions that it needs (dpkg-shlibdeps(1)).
fn libraries(program: &Path, scratch: &Path) -> Result<String> {
    // It wants to stand in a source package.
    tree::write(
        &scratch.join("debian/control"),
        b"Source: postrider\n\nPackage: postrider\nArchitecture: any\n",
    )?;
    let said = say(Command::new("dpkg-shlibdeps").args(["-O", "-e"]).arg(program).current_dir(scratch))?;
    let said = said.trim().strip_prefix("shlibs:Depends=").map(str::to_owned);
    said.context("dpkg-shlibdeps names no library")
}

/// What md5sum(1) says of every file, by names below the root.
fn checksums(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    list(root, root, &mut files)?;
    say(Command::new("md5sum").args(&files).current_dir(root))
}

fn list(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in tree::sorted(folder)? {
        if entry.is_dir() {
            list(root, &entry, files)?;
        } else {
            files.push(entry.strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// In KiB, each file and folder rounded up, as policy wants (<https://www.debian.org/doc/debian-policy/ch-controlfields.html>).
fn installed_size(folder: &Path) -> Result<u64> {
    let mut sum = 1;
    for entry in tree::sorted(folder)? {
        sum += if entry.is_dir() { installed_size(&entry)? } else { entry.metadata()?.len().div_ceil(1024) };
    }
    Ok(sum)
}
