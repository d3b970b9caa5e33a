//! Folders written to files, byte for byte (F2.8).
//!
//! Below the target nothing is followed and nothing is overwritten: directories are opened without following links, files are made
//! exclusively. A message that an earlier export wrote is left as it is, since the bytes behind an id never change.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufWriter, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use postrider_formats::{folder_name::safe_component, maildir, mbox};
use postrider_model::{AccountId, ErrorClass, Fault, Flags, PlacementId};
use postrider_store::{Export as Row, Reader, StoreError};
use rustix::fs::{Dir, Mode, OFlags};
use serde::Serialize;

use super::{Caller, Service};
use crate::access::Act;

/// What is to be exported, and whereto.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// The account.
    pub account: String,
    /// The folders by name; all of them where none is named.
    pub folders: Vec<String>,
    /// The form.
    pub form: ExportForm,
    /// The directory to write to.
    pub to: PathBuf,
}

/// A form of export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportForm {
    /// `FOLDER/ID.eml`, the bytes as the server gave them.
    Eml,
    /// `FOLDER/{cur,new,tmp}`, the bytes as the server gave them, flags in the names.
    Maildir,
    /// `FOLDER.mbox`, with `From ` lines quoted (mboxrd).
    Mbox,
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ExportCounts {
    /// Folders.
    pub folders: u64,
    /// Messages written.
    pub written: u64,
    /// Messages that an earlier export had written.
    pub there_already: u64,
    /// Octets of the messages written.
    pub bytes: u64,
}

impl Service {
    /// Writes folders to files. They are the store's owner's, who alone may therefore say where.
    ///
    /// # Errors
    /// An account or folder that is not there, a target that cannot be written, a caller who is not the store's owner.
    pub fn export(&self, caller: &Caller, request: &ExportRequest) -> Result<ExportCounts, Fault> {
        let reader = self.reader()?;
        let account = self.account_in_store(caller, Act::ExportMail, &reader, &request.account)?.id;
        let object = match request.folders.as_slice() {
            [] => "all folders".to_owned(),
            folders => folders.join(", "),
        };
        if !caller.is_by_owner() {
            self.note_refused(caller, Act::ExportMail, &request.account, &object);
            let fault = Fault::new(
                ErrorClass::NotPermitted,
                Act::ExportMail.in_words(&request.account),
                "files are written by the store's owner alone",
            );
            return Err(fault.hint("`postrider mail show --raw ID` gives a message's bytes"));
        }
        let exported = self.write_folders(&reader, account, request);
        match &exported {
            Ok(_) => self.note(self.line(caller, Act::ExportMail, &request.account, &object)),
            Err(fault) => self.note_failed(caller, Act::ExportMail, &request.account, fault),
        }
        exported
    }

    fn write_folders(
        &self,
        reader: &Reader,
        account: AccountId,
        request: &ExportRequest,
    ) -> Result<ExportCounts, Fault> {
        let all = reader.folders(account)?;
        let names: BTreeSet<&str> = all.iter().map(|folder| folder.name.as_str()).collect();
        if let Some(unknown) = request.folders.iter().find(|name| !names.contains(name.as_str())) {
            let action = format!("export folder \"{unknown}\" of account {}", request.account);
            let fault = Fault::new(ErrorClass::NotFound, action, "it is not in the store");
            return Err(
                fault.hint(format!("`postrider folder list --account {}` lists what is", request.account))
            );
        }
        std::fs::create_dir_all(&request.to).map_err(|error| cannot_write(&request.to, &error))?;
        let root = rustix::fs::open(&request.to, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| cannot_write(&request.to, &error.into()))?;
        let mut export = Export { reader, account, root, to: &request.to, counts: ExportCounts::default() };
        for folder in
            all.iter().filter(|one| request.folders.is_empty() || request.folders.contains(&one.name))
        {
            export.folder(&folder.name, request.form)?;
            export.counts.folders += 1;
        }
        Ok(export.counts)
    }
}

impl Service {
    /// The next messages of a folder after that one, in the order of their ids; none is the end.
    ///
    /// # Errors
    /// An account that is not there.
    pub fn export_page(
        &self,
        _caller: &Caller,
        account: &str,
        folder: &str,
        after: PlacementId,
    ) -> Result<Vec<Row>, Fault> {
        let reader = self.reader()?;
        let account = self.account_in_store(&reader, account)?.id;
        Ok(reader.export_page(account, Some(folder), after, PAGE)?)
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Fault {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull => "make room there, or export to another disk",
        io::ErrorKind::PermissionDenied => "give a directory that you may write to",
        _ => "give an empty directory on a local disk",
    };
    Fault::new(ErrorClass::Permanent, format!("write to {}", path.display()), error.to_string()).hint(hint)
}

/// Messages that are looked up at a time.
const PAGE: u32 = 1_000;

struct Export<'a> {
    reader: &'a Reader,
    account: AccountId,
    root: OwnedFd,
    to: &'a Path,
    counts: ExportCounts,
}

impl Export<'_> {
    fn folder(&mut self, name: &str, form: ExportForm) -> Result<(), Fault> {
        let written = match form {
            ExportForm::Eml => self.eml(name),
            ExportForm::Maildir => self.maildir(name),
            ExportForm::Mbox => self.mbox(name),
        };
        written.map_err(|why| match why {
            Trouble::Disk(error) => cannot_write(&self.to.join(name), &error),
            Trouble::Store(error) => error.into(),
        })
    }

    fn each(
        &mut self,
        name: &str,
        mut write: impl FnMut(&mut Self, &Row) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut after = PlacementId(0);
        loop {
            let page = self.reader.export_page(self.account, Some(name), after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            page.iter().try_for_each(|row| write(self, row))?;
        }
    }

    fn eml(&mut self, name: &str) -> Result<(), Trouble> {
        let dir = self.directory(name)?;
        self.each(name, |export, row| match create(&dir, &format!("{}.eml", row.id)) {
            Ok(file) => export.write_body(row, file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                export.counts.there_already += 1;
                Ok(())
            }
            Err(error) => Err(error.into()),
        })
    }

    /// Flags stand in a Maildir's file names, so what is there already is known by the name before them.
    fn maildir(&mut self, name: &str) -> Result<(), Trouble> {
        let dir = self.directory(name)?;
        let [cur, _, _] =
            [subdirectory(&dir, "cur")?, subdirectory(&dir, "new")?, subdirectory(&dir, "tmp")?];
        let there = names_before_info(&cur)?;
        self.each(name, |export, row| {
            let flags = wire_names(&row.flags);
            let received = row.internal_date.0;
            let file =
                maildir::file_name(received, &row.id.to_string(), row.size, flags.iter().map(String::as_str));
            if there.contains(before_info(&file)) {
                export.counts.there_already += 1;
                return Ok(());
            }
            export.write_body(row, create(&cur, &file)?)
        })
    }

    fn mbox(&mut self, name: &str) -> Result<(), Trouble> {
        let (parents, last) = split(name);
        let dir = self.descend(&parents)?;
        let mut file = BufWriter::new(create(&dir, &format!("{last}.mbox"))?);
        self.each(name, |export, row| {
            let mut raw = Vec::new();
            export.reader.body(row.id, &mut raw)?;
            let sender = row.sender.as_deref().unwrap_or_default();
            mbox::write_to(&mut file, &raw, sender, row.internal_date.0)?;
            export.count(row);
            Ok(())
        })?;
        Ok(file.flush()?)
    }

    fn write_body(&mut self, row: &Row, file: File) -> Result<(), Trouble> {
        let mut file = BufWriter::new(file);
        self.reader.body(row.id, &mut file)?;
        file.flush()?;
        self.count(row);
        Ok(())
    }

    const fn count(&mut self, row: &Row) {
        self.counts.written += 1;
        self.counts.bytes += row.size;
    }

    fn directory(&self, name: &str) -> io::Result<OwnedFd> {
        let (mut parents, last) = split(name);
        parents.push(last);
        self.descend(&parents)
    }

    fn descend(&self, components: &[String]) -> io::Result<OwnedFd> {
        components.iter().try_fold(self.root.try_clone()?, |dir, component| subdirectory(&dir, component))
    }
}

enum Trouble {
    Disk(io::Error),
    Store(StoreError),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// A body is written through the store's reader, which reports the disk's trouble as its own.
impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A folder's name as safe components: those above it, and its own.
fn split(name: &str) -> (Vec<String>, String) {
    let mut components: Vec<String> = name.split('/').map(safe_component).collect();
    let last = components.pop().unwrap_or_default();
    (components, last)
}

fn subdirectory(dir: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?)
}

fn create(dir: &OwnedFd, name: &str) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(0o600))?))
}

fn names_before_info(dir: &OwnedFd) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in Dir::read_from(dir)? {
        names.insert(before_info(&entry?.file_name().to_string_lossy()).to_owned());
    }
    Ok(names)
}

fn before_info(file_name: &str) -> &str {
    file_name.split(":2,").next().unwrap_or(file_name)
}

fn wire_names(flags: &Flags) -> Vec<String> {
    let system = flags.system().map(|flag| format!("\\{}", flag.name()));
    system.chain(flags.keywords().iter().cloned()).collect()
}
