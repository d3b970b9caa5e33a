//! `postrider mail export`: the files are written by this process, whoever has the messages.

use std::io::Write;

use async_trait::async_trait;
use postrider_model::{ErrorClass, Fault, Flags, PlacementId, Timestamp};
use postrider_store::Export as Row;

use super::{
    args::{ExportFormat, MailExport},
    door::Door,
    out::{Out, counted, octets},
};
use crate::{
    api::{
        Client, MessageId,
        operations::{
            folders::List,
            mail::{Page, PageMessage, Raw},
        },
    },
    report::Exit,
    service::{ExportCounts, ExportForm, ExportRequest, ExportSource, write_export},
};

pub(super) async fn export(door: &mut Door, export: MailExport, out: Out) -> Result<Exit, Fault> {
    let request = ExportRequest {
        account: export.account,
        folders: export.folders,
        form: match export.format {
            ExportFormat::Eml => ExportForm::Eml,
            ExportFormat::Maildir => ExportForm::Maildir,
            ExportFormat::Mbox => ExportForm::Mbox,
        },
        to: export.to,
    };
    let counts = match door {
        Door::Here(here) => here.service.export(&here.caller, &request).await?,
        Door::Daemon(client) => fetched(client, &request).await?,
    };
    tell(&counts, &request, out)?;
    Ok(Exit::Done)
}

fn tell(counts: &ExportCounts, request: &ExportRequest, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(counts);
    }
    let there = match counts.there_already {
        0 => String::new(),
        more => format!("; {more} were there already"),
    };
    out.line(format!(
        "{} of {} written to {} ({}){there}",
        counted(counts.written, "message"),
        counted(counts.folders, "folder"),
        request.to.display(),
        octets(counts.bytes)
    ));
    Ok(())
}

/// Has the daemon tell each message, and writes it.
async fn fetched(client: &Client, request: &ExportRequest) -> Result<ExportCounts, Fault> {
    let all = client.call(&List { account: Some(request.account.clone()) }).await?;
    let named = |name: &str| all.iter().any(|folder| folder.folder == name);
    if let Some(unknown) = request.folders.iter().find(|name| !named(name)) {
        let action = format!("export folder \"{unknown}\" of account {}", request.account);
        return Err(Fault::new(ErrorClass::NotFound, action, "it is not in the store")
            .hint(format!("`postrider folder list --account {}` lists what is", request.account)));
    }
    let names = all.iter().map(|folder| folder.folder.as_str());
    let wanted: Vec<&str> = names
        .filter(|name| request.folders.is_empty() || request.folders.iter().any(|one| one == name))
        .collect();
    let mut source = Asked { client, account: &request.account };
    write_export(&mut source, &wanted, request.form, &request.to).await
}

struct Asked<'a> {
    client: &'a Client,
    account: &'a str,
}

#[async_trait(?Send)]
impl ExportSource for Asked<'_> {
    async fn page(&mut self, folder: &str, after: PlacementId) -> Result<Vec<Row>, Fault> {
        let after = (after.0 > 0).then_some(MessageId(after));
        let page = Page { account: self.account.to_owned(), folder: folder.to_owned(), after };
        let messages = self.client.call(&page).await?;
        Ok(messages.into_iter().map(|message| row(message, folder)).collect())
    }

    async fn body(&mut self, id: PlacementId, out: &mut dyn Write) -> Result<(), Fault> {
        let raw = self.client.call(&Raw { id: MessageId(id) }).await?;
        out.write_all(&raw.0)
            .map_err(|error| Fault::new(ErrorClass::Permanent, format!("write {id}"), error.to_string()))
    }
}

fn row(message: PageMessage, folder: &str) -> Row {
    Row {
        id: message.id.0,
        folder: folder.to_owned(),
        uid: None,
        flags: Flags::from_wire(message.flags.iter().map(String::as_str)),
        internal_date: Timestamp(message.internal_date_us),
        size: message.size,
        sender: message.sender,
    }
}
