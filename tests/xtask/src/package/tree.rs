//! What is where in the Debian package. One table of what comes from the repository; besides, the program without symbols, and what
//! is made from the command line's definition. Modes do not hang on who builds: 0755 what is run and folders, 0644 all else.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use postrider_test_support::programs::repository;

use super::{Built, say};

const SYSTEM_UNITS: &str = "usr/lib/systemd/system";
const MANUAL: &str = "usr/share/man/man1";
/// Where documents are; `control` puts its own beside them.
pub(super) const DOCUMENTS: &str = "usr/share/doc/postrider";

/// From the repository into the package. A folder goes with all that is below it.
const FILES: &[(&str, &str)] = &[
    ("systemd/postrider.service", "usr/lib/systemd/system/postrider.service"),
    ("systemd/postrider.socket", "usr/lib/systemd/system/postrider.socket"),
    ("systemd/postrider-sync.service", "usr/lib/systemd/system/postrider-sync.service"),
    ("systemd/postrider-sync.timer", "usr/lib/systemd/system/postrider-sync.timer"),
    ("systemd/user/postrider.service", "usr/lib/systemd/user/postrider.service"),
    ("systemd/sysusers.conf", "usr/lib/sysusers.d/postrider.conf"),
    ("systemd/tmpfiles.conf", "usr/lib/tmpfiles.d/postrider.conf"),
    ("systemd/debian/postrider.toml", "etc/postrider/postrider.toml"),
    ("systemd/debian/copyright", "usr/share/doc/postrider/copyright"),
    ("systemd/debian/lintian-overrides", "usr/share/lintian/overrides/postrider"),
    ("systemd/debian/examples", "usr/share/doc/postrider/examples"),
    ("README.md", "usr/share/doc/postrider/README.md"),
    ("docs", "usr/share/doc/postrider"),
];

/// Folders that wait for what an administrator puts there.
const FOLDERS: &[&str] = &[
    "etc/postrider/accounts.d",
    "etc/postrider/credentials",
    "etc/postrider/providers.d",
    "etc/postrider/shared-mailboxes.d",
];

/// The units that the sandbox is a drop-in of.
const SANDBOXED: &[&str] = &["postrider.service", "postrider-sync.service"];

/// Completions, as `postrider-pages` calls them, and where the shells look for them.
const COMPLETIONS: &[(&str, &str)] = &[
    ("postrider.bash", "usr/share/bash-completion/completions/postrider"),
    ("_postrider", "usr/share/zsh/vendor-completions/_postrider"),
    ("postrider.fish", "usr/share/fish/vendor_completions.d/postrider.fish"),
];

/// Fills the folder, which is made.
pub(super) fn lay_out(root: &Path, built: &Built) -> Result<()> {
    let sources = repository();
    for (from, to) in FILES {
        copy(&sources.join(from), &root.join(to))?;
    }
    for folder in FOLDERS {
        make_folder(&root.join(folder))?;
    }
    for unit in SANDBOXED {
        let to = root.join(SYSTEM_UNITS).join(format!("{unit}.d/10-sandbox.conf"));
        copy(&sources.join("systemd/sandbox.conf"), &to)?;
    }
    for (from, to) in COMPLETIONS {
        copy(&built.pages.path().join("completions").join(from), &root.join(to))?;
    }
    for page in sorted(&built.pages.path().join("man"))? {
        let name = page.file_name().context("a page without a name")?.to_string_lossy();
        write_gzip(&root.join(MANUAL).join(format!("{name}.gz")), &fs::read(&page)?)?;
    }
    let changes = fs::read(sources.join("CHANGELOG.md"))?;
    write_gzip(&root.join(DOCUMENTS).join("changelog.gz"), &changes)?;
    strip(&built.program, &root.join("usr/bin/postrider"))
}

/// The program without what only a debugger reads.
fn strip(program: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        make_folder(folder)?;
    }
    say(Command::new("strip")
        .args(["--remove-section=.comment", "--remove-section=.note", "-o"])
        .args([to, program]))?;
    set_mode(to, 0o755)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        for entry in sorted(from)? {
            copy(&entry, &to.join(entry.file_name().unwrap_or_default()))?;
        }
        return Ok(());
    }
    let octets = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    write(to, &octets)
}

/// Writes a file, mode 0644, and the folders above it.
pub(super) fn write(to: &Path, octets: &[u8]) -> Result<()> {
    if let Some(folder) = to.parent() {
        make_folder(folder)?;
    }
    fs::write(to, octets).with_context(|| format!("cannot write {}", to.display()))?;
    set_mode(to, 0o644)
}

/// Writes a file compressed, without the name and the time that gzip(1) would note.
pub(super) fn write_gzip(to: &Path, octets: &[u8]) -> Result<()> {
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    gzip.write_all(octets)?;
    write(to, &gzip.finish()?)
}

/// Makes a folder, mode 0755, and those above it that are not there.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|one| !one.exists()).collect();
    for one in missing.into_iter().rev() {
        fs::create_dir(one).with_context(|| format!("cannot make {}", one.display()))?;
        set_mode(one, 0o755)?;
    }
    Ok(())
}

/// Sets a mode, whatever the umask.
pub(super) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .with_context(|| format!("cannot set the mode of {}", path.display()))
}

/// What is in a folder, by name.
pub(super) fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut entries = read.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}
