//! Folders written to files, byte for byte (F2.8): from the store by its owner, or from wherever else messages come
//! ([`ExportSource`]), always by the process whose files they are to be.
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

use async_trait::async_trait;
use postrider_formats::{folder_name::safe_component, maildir, mbox};
use postrider_model::{AccountId, ErrorClass, Fault, Flags, PlacementId};
use postrider_store::{Export as Row, Reader};
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
    pub async fn export(&self, caller: &Caller, request: &ExportRequest) -> Result<ExportCounts, Fault> {
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
        let exported = self.write_folders(&reader, account, request).await;
        match &exported {
            Ok(_) => self.note(self.line(caller, Act::ExportMail, &request.account, &object)),
            Err(fault) => self.note_failed(caller, Act::ExportMail, &request.account, fault),
        }
        exported
    }

    async fn write_folders(
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
        let wanted = all.iter().map(|folder| folder.name.as_str());
        let wanted: Vec<&str> = wanted.filter(|name| is_wanted(request, name)).collect();
        write_export(&mut Stored { reader, account }, &wanted, request.form, &request.to).await
    }
}

fn is_wanted(request: &ExportRequest, folder: &str) -> bool {
    request.folders.is_empty() || request.folders.iter().any(|wanted| wanted == folder)
}

/// Where the messages of an export come from.
#[async_trait(?Send)]
pub trait ExportSource {
    /// The next messages of a folder after that one, in the order of their ids; none is the end.
    ///
    /// # Errors
    /// Why they could not be had.
    async fn page(&mut self, folder: &str, after: PlacementId) -> Result<Vec<Row>, Fault>;

    /// Writes a message's bytes.
    ///
    /// # Errors
    /// Why they could not be had or written.
    async fn body(&mut self, id: PlacementId, out: &mut dyn Write) -> Result<(), Fault>;
}

struct Stored<'a> {
    reader: &'a Reader,
    account: AccountId,
}

#[async_trait(?Send)]
impl ExportSource for Stored<'_> {
    async fn page(&mut self, folder: &str, after: PlacementId) -> Result<Vec<Row>, Fault> {
        Ok(self.reader.export_page(self.account, Some(folder), after, PAGE)?)
    }

    async fn body(&mut self, id: PlacementId, out: &mut dyn Write) -> Result<(), Fault> {
        Ok(self.reader.body(id, out).map(drop)?)
    }
}

/// Writes these folders of one account below that directory.
///
/// # Errors
/// A target that cannot be written, and what the source says.
pub async fn write_export(
    source: &mut dyn ExportSource,
    folders: &[&str],
    form: ExportForm,
    to: &Path,
) -> Result<ExportCounts, Fault> {
    std::fs::create_dir_all(to).map_err(|error| cannot_write(to, &error))?;
    let root = rustix::fs::open(to, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| cannot_write(to, &error.into()))?;
    let mut export = Export { source, root, to, counts: ExportCounts::default() };
    for folder in folders {
        export.folder(folder, form).await?;
        export.counts.folders += 1;
    }
    Ok(export.counts)
}

impl Service {
    /// The next messages of a folder after that one, in the order of their ids; none is the end.
    ///
    /// # Errors
    /// An account that is not there.
    pub fn export_page(
        &self,
        caller: &Caller,
        account: &str,
        folder: &str,
        after: PlacementId,
    ) -> Result<Vec<Row>, Fault> {
        let reader = self.reader()?;
        let account = self.account_in_store(caller, Act::ExportMail, &reader, account)?;
        let rows = reader.export_page(account.id, Some(folder), after, PAGE)?;
        if !rows.is_empty() {
            let object = format!("{} messages of {folder}", rows.len());
            self.note_look(caller, Act::ExportMail, &account.name, &object);
        }
        Ok(rows)
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
    source: &'a mut dyn ExportSource,
    root: OwnedFd,
    to: &'a Path,
    counts: ExportCounts,
}

impl Export<'_> {
    async fn folder(&mut self, name: &str, form: ExportForm) -> Result<(), Fault> {
        let written = match form {
            ExportForm::Eml => self.eml(name).await,
            ExportForm::Maildir => self.maildir(name).await,
            ExportForm::Mbox => self.mbox(name).await,
        };
        written.map_err(|why| match why {
            Trouble::Disk(error) => cannot_write(&self.to.join(name), &error),
            Trouble::Source(fault) => fault,
        })
    }

    async fn each(
        &mut self,
        name: &str,
        mut write: impl AsyncFnMut(&mut Self, &Row) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let mut after = PlacementId(0);
        loop {
            let page = self.source.page(name, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            for row in &page {
                write(self, row).await?;
            }
        }
    }

    async fn eml(&mut self, name: &str) -> Result<(), Trouble> {
        let dir = self.directory(name)?;
        self.each(name, async |export, row| match create(&dir, &format!("{}.eml", row.id)) {
            Ok(file) => export.write_body(row, file).await,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                export.counts.there_already += 1;
                Ok(())
            }
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Flags stand in a Maildir's file names, so what is there already is known by the name before them.
    async fn maildir(&mut self, name: &str) -> Result<(), Trouble> {
        let dir = self.directory(name)?;
        let [cur, _, _] =
            [subdirectory(&dir, "cur")?, subdirectory(&dir, "new")?, subdirectory(&dir, "tmp")?];
        let there = names_before_info(&cur)?;
        self.each(name, async |export, row| {
            let flags = wire_names(&row.flags);
            let received = row.internal_date.0;
            let file =
                maildir::file_name(received, &row.id.to_string(), row.size, flags.iter().map(String::as_str));
            if there.contains(before_info(&file)) {
                export.counts.there_already += 1;
                return Ok(());
            }
            export.write_body(row, create(&cur, &file)?).await
        })
        .await
    }

    async fn mbox(&mut self, name: &str) -> Result<(), Trouble> {
        let (parents, last) = split(name);
        let dir = self.descend(&parents)?;
        let mut file = BufWriter::new(create(&dir, &format!("{last}.mbox"))?);
        self.each(name, async |export, row| {
            let mut raw = Vec::new();
            export.source.body(row.id, &mut raw).await?;
            let sender = row.sender.as_deref().unwrap_or_default();
            mbox::write_to(&mut file, &raw, sender, row.internal_date.0)?;
            export.count(row);
            Ok(())
        })
        .await?;
        Ok(file.flush()?)
    }

    async fn write_body(&mut self, row: &Row, file: File) -> Result<(), Trouble> {
        let mut file = BufWriter::new(file);
        self.source.body(row.id, &mut file).await?;
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
    Source(Fault),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// A body is written through its source, which reports the disk's trouble as its own.
impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Source(fault)
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
