//! Folders made, renamed and deleted: on the server first, and here once it has said yes. A run reads the listing anew, so that
//! whatever an answer that was lost left behind is found by it.

use postrider_imap::ImapRemote;
use postrider_model::{CollectionId, ErrorClass, Fault, FolderKey, FolderRole, MailChange, UidSet, Window};
use postrider_remote::{Changes, ChangesRequest, MailRemote, MailWriter};
use postrider_store::{Collection, Context, NewCollection, StoreError, Tx};

use super::{Caller, Service, Turn, mail_edit::no_folder};
use crate::{
    access::Act,
    config::{ReadyAccount, fault},
};

impl Service {
    /// Makes a folder, with what is missing above it. Answers whether it is followed here.
    ///
    /// # Errors
    /// An account that is not there, and what the server says.
    pub async fn create_folder(&mut self, caller: &Caller, account: &str, name: &str) -> Result<bool, Fault> {
        self.permit(caller, Act::CreateFolder, account)?;
        let (ready, remote, _turn) = self.folder_server(account).await?;
        let begun = self.begin(caller, Act::CreateFolder, account, name)?;
        let made = remote.create_folder(name).await;
        remote.close().await;
        let key = self.end(begun, made.map_err(|failed| failed.fault))?;
        let is_followed = follows(&ready, name);
        if is_followed {
            let (account, address, name) = (ready.name.clone(), ready.address.clone(), name.to_owned());
            self.writer()?.transaction(|tx| {
                let account = tx.ensure_account(&account, &address)?;
                let is_there = live(tx.collections(account)?).any(|folder| folder.key == key.0);
                if !is_there {
                    tx.create_collection(account, &described(key, name))?;
                }
                Ok(())
            })?;
        }
        Ok(is_followed)
    }

    /// Renames a folder, and with it those below it. Messages keep their ids.
    ///
    /// # Errors
    /// A folder that is not there, INBOX, and what the server says.
    pub async fn rename_folder(
        &mut self,
        caller: &Caller,
        account: &str,
        from: &str,
        to: &str,
    ) -> Result<bool, Fault> {
        self.permit(caller, Act::RenameFolder, account)?;
        let folder = self.folder_to_change(account, from, "rename")?;
        let (ready, remote, _turn) = self.folder_server(account).await?;
        let begun = self.begin(caller, Act::RenameFolder, account, &format!("{from} to {to}"))?;
        let renamed = remote.rename_folder(&FolderKey(folder.key.clone()), to).await;
        remote.close().await;
        let key = self.end(begun, renamed.map_err(|failed| failed.fault))?;
        let name = ready.name.clone();
        self.writer()?.transaction(|tx| {
            let Some(account) = tx.account_id(&name)? else { return Ok(()) };
            let all: Vec<Collection> = live(tx.collections(account)?).collect();
            for (below, key, name) in renamed_with(&all, &folder, &key.0, to) {
                let described = NewCollection {
                    role: below.role,
                    mailbox_id: below.mailbox_id.clone(),
                    ..described(FolderKey(key), name)
                };
                tx.update_collection(below.id, &described)?;
            }
            Ok(())
        })?;
        Ok(follows(&ready, to))
    }

    /// Deletes a folder with what is in it. Its messages can be restored as others can, elsewhere.
    ///
    /// # Errors
    /// A folder that is not there, one that others depend on, one with messages unless `with_messages`, and what the server says.
    pub async fn delete_folder(
        &mut self,
        caller: &Caller,
        account: &str,
        name: &str,
        with_messages: bool,
    ) -> Result<u64, Fault> {
        self.permit(caller, Act::DeleteFolder, account)?;
        let folder = self.folder_to_change(account, name, "delete")?;
        let id = folder.id;
        let messages = self.writer()?.transaction(|tx| tx.count_live(id))?;
        if messages > 0 && !with_messages {
            let cause = format!("{messages} messages are in it");
            return Err(Fault::new(ErrorClass::Config, format!("delete folder \"{name}\""), cause)
                .hint("--with-messages deletes them too, here and on the server"));
        }
        let (_, remote, _turn) = self.folder_server(account).await?;
        let key = FolderKey(folder.key.clone());
        let known = self.writer()?.transaction(|tx| {
            let known = tx.known_uids(id)?;
            let waits =
                tx.placements(id, &known)?.iter().any(|one| one.here.is_some() || one.discard.is_some());
            Ok((known, waits))
        })?;
        let validity = folder.cursor.as_ref().map(|cursor| cursor.status.uid_validity);
        let checked = may_delete(&remote, &key, name, validity, known).await;
        let deleted = match checked {
            Ok(()) => {
                let begun = self.begin(caller, Act::DeleteFolder, account, name)?;
                let deleted = remote.delete_folder(&key).await;
                self.end(begun, deleted.map_err(|failed| failed.fault))
            }
            Err(fault) => Err(fault),
        };
        remote.close().await;
        deleted?;
        let context = self.here(caller, "deleted with its folder");
        Ok(self.writer()?.transaction(|tx| delete(tx, id, &context))?)
    }

    /// The account's server, to itself: no run may read the folders meanwhile.
    async fn folder_server(&mut self, account: &str) -> Result<(ReadyAccount, ImapRemote, Turn), Fault> {
        let ready = self.config.ready(account).map_err(|errors| fault(&errors))?;
        let turn = self.turn(account).await?;
        self.must_be_home(&format!("change folders of account {account}"))?;
        let credential = self.credential(&ready).await?;
        let remote = self.remote(&ready, credential)?;
        Ok((ready, remote, turn))
    }

    /// A folder that a person may change.
    fn folder_to_change(&mut self, account: &str, name: &str, verb: &str) -> Result<Collection, Fault> {
        let reader = self.reader()?;
        let id = self.account_in_store(&self.owner(), Act::ListMail, &reader, account)?.id;
        let folders: Vec<Collection> = live(self.writer()?.transaction(|tx| tx.collections(id))?).collect();
        let names: Vec<String> = folders.iter().map(|folder| folder.name.clone()).collect();
        let folder =
            folders.into_iter().find(|folder| folder.name == name).ok_or_else(|| no_folder(name, &names))?;
        let is_given = matches!(folder.role, Some(FolderRole::Inbox | FolderRole::All | FolderRole::Flagged));
        match is_given {
            true => Err(Fault::new(
                ErrorClass::Config,
                format!("{verb} folder \"{name}\""),
                "the server needs it",
            )),
            false => Ok(folder),
        }
    }
}

/// That everything in the folder is here too, so that it can be restored, and that nothing in it waits to be changed.
async fn may_delete(
    remote: &ImapRemote,
    key: &FolderKey,
    name: &str,
    validity: Option<u32>,
    (known, waits): (UidSet, bool),
) -> Result<(), Fault> {
    let action = format!("delete folder \"{name}\"");
    if waits {
        return Err(Fault::new(
            ErrorClass::Config,
            action,
            "messages in it were changed here and are not sent yet",
        )
        .hint("`postrider --sync-now` sends them"));
    }
    let (is_the_same, strange) = strange_messages(remote, key, validity, known).await?;
    if !is_the_same || strange > 0 {
        let cause = match is_the_same {
            true => {
                format!(
                    "the server has {} in it that are not here and could not be restored",
                    messages(strange)
                )
            }
            false => "the server has numbered its messages anew since they were read".to_owned(),
        };
        return Err(Fault::new(ErrorClass::Config, action, cause)
            .hint("run `postrider --sync-now`, or lengthen the account's `period`; or delete the folder with another program"));
    }
    Ok(())
}

/// Whether the folder's UIDs mean what they meant when it was read, and how many messages are there that are not here.
async fn strange_messages(
    remote: &ImapRemote,
    key: &FolderKey,
    validity: Option<u32>,
    known: UidSet,
) -> Result<(bool, u64), Fault> {
    // As if it were read for the first time: every message is told that is not known.
    let request = ChangesRequest { since: None, window: Window::All, known, listed: None };
    let Changes::Feed(mut feed) = remote.changes(key, request).await? else { return Ok((false, 0)) };
    let (mut is_the_same, mut strange) = (false, 0);
    while let Some(page) = feed.next().await? {
        for change in &page.changes {
            if let MailChange::Wanted(uids) = change {
                strange += uids.len();
            }
        }
        if let Some(cursor) = page.cursor {
            // A folder that was never read holds nothing that is known.
            is_the_same = validity.is_none_or(|validity| cursor.status.uid_validity == validity);
        }
    }
    Ok((is_the_same, strange))
}

fn messages(count: u64) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

fn follows(account: &ReadyAccount, name: &str) -> bool {
    let listed = account.mail.folders.listed();
    listed.is_empty() || listed.iter().any(|wanted| wanted == name)
}

fn live(folders: Vec<Collection>) -> impl Iterator<Item = Collection> {
    folders.into_iter().filter(|folder| folder.gone.is_none())
}

fn described(key: FolderKey, name: String) -> NewCollection {
    NewCollection { key: key.0, name, role: None, mailbox_id: None }
}

/// The folder and those below it, with their new keys and names.
fn renamed_with<'a>(
    all: &'a [Collection],
    folder: &'a Collection,
    key: &'a str,
    to: &'a str,
) -> impl Iterator<Item = (&'a Collection, String, String)> {
    let below = format!("{}/", folder.name);
    all.iter().filter_map(move |one| {
        let (end_of_key, end_of_name) = match one.id == folder.id {
            true => ("", ""),
            false => (
                one.key.strip_prefix(&folder.key)?,
                one.name.strip_prefix(&below).map(|_| one.name.strip_prefix(&folder.name))??,
            ),
        };
        Some((one, format!("{key}{end_of_key}"), format!("{to}{end_of_name}")))
    })
}

fn delete(tx: &mut Tx<'_>, id: CollectionId, context: &Context) -> Result<u64, StoreError> {
    let ids: Vec<_> = tx.all_placements(id)?.iter().map(|one| one.placement.id).collect();
    let deleted = tx.delete_placements(&ids, context)?;
    tx.freeze_collection(id, context.at, "deleted")?;
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(id: i64, name: &str, key: &str) -> Collection {
        Collection {
            id: CollectionId(id),
            key: key.to_owned(),
            name: name.to_owned(),
            role: None,
            mailbox_id: None,
            cursor: None,
            gone: None,
        }
    }

    #[test]
    fn what_is_below_a_folder_is_renamed_with_it_and_nothing_else() {
        let all = [
            folder(1, "Work", "Work"),
            folder(2, "Work/Old", "Work.Old"),
            folder(3, "Workshop", "Workshop"),
            folder(4, "Other/Work", "Other.Work"),
        ];
        let renamed: Vec<_> = renamed_with(&all, &all[0], "Jobs", "Jobs")
            .map(|(one, key, name)| (one.id.0, key, name))
            .collect();
        let expected = [(1, "Jobs", "Jobs"), (2, "Jobs.Old", "Jobs/Old")];
        assert_eq!(renamed, expected.map(|(id, key, name)| (id, key.to_owned(), name.to_owned())));
    }
}
