//! What a person does to messages: here at once, on the server with the next run (F2.4). Of several messages all are changed or none.

use std::collections::BTreeMap;

use postrider_model::{ErrorClass, Fault, Flags, FolderRole, PlacementId, SystemFlag};
use postrider_store::{AuditEntry, Collection, Context, Discard, Seat, Side, StoreError, SyncLock, Tx};
use serde::Serialize;

use super::{Caller, Service};
use crate::{access::Act, config::nearest};

/// Flags to be set and taken away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlagEdit {
    /// To be set.
    pub add: Flags,
    /// To be taken away.
    pub remove: Flags,
}

impl FlagEdit {
    /// From words such as `+seen`, `-flagged`, `+Keyword`.
    ///
    /// # Errors
    /// A word without a sign, a name that no server takes for a keyword, and `deleted`, which is no flag here.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, Fault> {
        let mut edit = Self::default();
        for word in words {
            let (flags, name) = match (word.strip_prefix('+'), word.strip_prefix('-')) {
                (Some(name), _) => (&mut edit.add, name),
                (_, Some(name)) => (&mut edit.remove, name),
                _ => return Err(no_flag(word, "it begins with neither + nor -")),
            };
            match SystemFlag::from_name(name.trim_start_matches('\\')) {
                Some(SystemFlag::Deleted) => {
                    return Err(no_flag(word, "messages that carry it are erased by whoever comes next")
                        .hint("`postrider mail delete` deletes"));
                }
                Some(flag) => flags.insert(flag),
                None if is_keyword(name) => flags.insert_keyword(name.to_owned()),
                None => return Err(no_flag(word, "a keyword is of letters, digits and $ _ - . alone")),
            }
        }
        Ok(edit)
    }

    fn apply(&self, flags: &Flags) -> Flags {
        let mut edited = flags.clone();
        self.remove.system().for_each(|flag| edited.remove(flag));
        self.remove.keywords().iter().for_each(|keyword| edited.remove_keyword(keyword));
        self.add.system().for_each(|flag| edited.insert(flag));
        self.add.keywords().iter().for_each(|keyword| edited.insert_keyword(keyword.clone()));
        edited
    }
}

/// A keyword that every server takes: an atom (RFC 3501, section 9, `flag-keyword`), and of those only what is harmless anywhere.
fn is_keyword(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '$' | '_' | '-' | '.');
    !name.is_empty() && name.len() <= 100 && name.chars().all(fits) && !name.starts_with(['-', '.'])
}

fn no_flag(word: &str, why: &str) -> Fault {
    Fault::new(ErrorClass::Config, format!("read the flag `{word}`"), why)
        .hint("flags are written +seen -seen +flagged +answered +draft, keywords +Todo")
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edited {
    /// The message; of a copy, the copy.
    pub id: PlacementId,
    /// The folder in which it stands now; of a deleted one, in which it stood.
    pub folder: String,
    /// Its flags.
    #[serde(serialize_with = "as_words")]
    pub flags: Flags,
    /// Whether it is deleted here.
    pub deleted: bool,
    /// Whether anything is different from before.
    pub changed: bool,
}

fn as_words<S: serde::Serializer>(flags: &Flags, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(flags)
}

impl Service {
    /// Sets and takes away flags.
    ///
    /// # Errors
    /// A message that is not there, or is deleted.
    pub fn flag_mail(
        &mut self,
        caller: &Caller,
        ids: &[PlacementId],
        edit: &FlagEdit,
    ) -> Result<Vec<Edited>, Fault> {
        let context = self.here(caller, "flags changed");
        self.edit_each(caller, Act::FlagMail, ids, "", |tx, id| {
            let flags = edit.apply(&tx.seat(id)?.placement.flags);
            let changed = tx.set_flags(id, &flags, &context)?;
            edited(tx, id, changed)
        })
    }

    /// Moves messages to another folder of their account.
    ///
    /// # Errors
    /// As [`flag_mail`](Self::flag_mail), and a folder that is not there.
    pub fn move_mail(
        &mut self,
        caller: &Caller,
        ids: &[PlacementId],
        to: &str,
    ) -> Result<Vec<Edited>, Fault> {
        let context = self.here(caller, "moved");
        self.check_folder(caller, Act::MoveMail, ids, to)?;
        self.edit_each(caller, Act::MoveMail, ids, to, |tx, id| {
            let target = folder_named(tx, id, to)?.ok_or(StoreError::NoSuchMessage(id))?;
            let changed = tx.move_here(id, target.id, &context)?;
            edited(tx, id, changed)
        })
    }

    /// Copies messages to a folder of their account.
    ///
    /// # Errors
    /// As [`move_mail`](Self::move_mail).
    pub fn copy_mail(
        &mut self,
        caller: &Caller,
        ids: &[PlacementId],
        to: &str,
    ) -> Result<Vec<Edited>, Fault> {
        let context = self.here(caller, "copied");
        self.check_folder(caller, Act::CopyMail, ids, to)?;
        self.edit_each(caller, Act::CopyMail, ids, to, |tx, id| {
            let target = folder_named(tx, id, to)?.ok_or(StoreError::NoSuchMessage(id))?;
            let copy = tx.copy_here(id, target.id, &context)?;
            edited(tx, copy, true)
        })
    }

    /// Deletes messages: to the trash, where they are not in it already and `expunge` does not say otherwise.
    ///
    /// # Errors
    /// As [`flag_mail`](Self::flag_mail).
    pub fn delete_mail(
        &mut self,
        caller: &Caller,
        ids: &[PlacementId],
        expunge: bool,
    ) -> Result<Vec<Edited>, Fault> {
        let context = self.here(caller, "deleted");
        self.edit_each(caller, Act::DeleteMail, ids, if expunge { "for good" } else { "" }, |tx, id| {
            let seat = tx.seat(id)?;
            let folders = tx.collections(tx.account_of(id)?)?;
            let was_in = folders.iter().find(|folder| folder.id == seat.collection);
            let is_trash =
                |folder: &&Collection| folder.role == Some(FolderRole::Trash) && folder.gone.is_none();
            let trash = folders.iter().find(is_trash).map(|folder| folder.id);
            match trash {
                // A folder that is followed no more is as it is on the server; what is deleted of it is deleted here.
                _ if was_in.is_some_and(|folder| folder.gone.is_some()) => {
                    tx.delete_placements(&[id], &context)?;
                }
                Some(trash) if !expunge && seat.folder() != trash => drop(tx.move_here(id, trash, &context)?),
                None if !expunge => tx.discard(id, Discard::Trash, &context)?,
                _ => tx.discard(id, Discard::Expunge, &context)?,
            }
            edited(tx, id, true)
        })
    }

    /// Erases deleted messages for good: their history, their words in the search index, and their bytes unless a copy has them.
    ///
    /// # Errors
    /// A message that is not deleted, here or on the server.
    pub fn purge_mail(&mut self, caller: &Caller, ids: &[PlacementId]) -> Result<u64, Fault> {
        let accounts = self.permit_messages(caller, Act::PurgeMail, ids)?;
        let lines = self.lines(caller, Act::PurgeMail, &accounts, ids, "");
        let purged = self.writer()?.transaction(|tx| {
            let erased =
                ids.iter().try_fold(0, |count, id| tx.purge(*id).map(|erased| count + u64::from(erased)))?;
            lines.into_iter().try_for_each(|line| tx.audit(line))?;
            Ok(erased)
        });
        let purged = purged.map_err(in_words)?;
        self.forget_erased()?;
        Ok(purged)
    }

    /// Takes what is erased out of the search index, unless a run is under way, which does it at its end.
    fn forget_erased(&mut self) -> Result<(), Fault> {
        let store = self.store()?;
        let Ok(_lock) = SyncLock::acquire(store.dir()) else { return Ok(()) };
        let (mut writer, mut indexer) = (store.writer()?, store.indexer()?);
        loop {
            let erased = writer.transaction(|tx| tx.erased(1_000))?;
            if erased.is_empty() {
                return Ok(());
            }
            indexer.forget(&erased)?;
            writer.transaction(|tx| tx.forgotten(&erased))?;
        }
    }

    /// All of the messages are edited, or none. `how` says more of it than the act does. What changes nothing is not noted.
    fn edit_each(
        &mut self,
        caller: &Caller,
        act: Act,
        ids: &[PlacementId],
        how: &str,
        mut edit: impl FnMut(&mut Tx<'_>, PlacementId) -> Result<Edited, StoreError>,
    ) -> Result<Vec<Edited>, Fault> {
        let accounts = self.permit_messages(caller, act, ids)?;
        let mut writer = self.writer()?;
        let done = writer.transaction(|tx| {
            let (mut done, mut changed) = (Vec::with_capacity(ids.len()), Vec::new());
            for id in ids {
                let edited = edit(tx, *id)?;
                changed.extend(edited.changed.then_some(*id));
                done.push(edited);
            }
            let lines = self.lines(caller, act, &accounts, &changed, how);
            lines.into_iter().try_for_each(|line| tx.audit(line))?;
            Ok(done)
        });
        done.map_err(in_words)
    }

    /// What is noted of an act with messages: a line for each account. `accounts`: of each message, as
    /// [`permit_messages`](Self::permit_messages) answers.
    pub(super) fn lines(
        &self,
        caller: &Caller,
        act: Act,
        accounts: &BTreeMap<PlacementId, String>,
        ids: &[PlacementId],
        how: &str,
    ) -> Vec<AuditEntry> {
        let mut objects: BTreeMap<&str, String> = BTreeMap::new();
        for id in ids {
            let Some(account) = accounts.get(id) else { continue };
            let object = objects.entry(account).or_default();
            if !object.is_empty() {
                object.push(' ');
            }
            object.push_str(&id.to_string());
        }
        let said = |object: String| match how {
            "" => object,
            how => format!("{object}: {how}"),
        };
        objects.into_iter().map(|(account, object)| self.line(caller, act, account, &said(object))).collect()
    }

    /// That the folder is there, in the account of each message.
    fn check_folder(
        &mut self,
        caller: &Caller,
        act: Act,
        ids: &[PlacementId],
        name: &str,
    ) -> Result<(), Fault> {
        self.permit_messages(caller, act, ids)?;
        let mut writer = self.writer()?;
        for id in ids {
            let (found, names) = writer
                .transaction(|tx| {
                    let folders = tx.collections(tx.account_of(*id)?)?;
                    let live = folders.into_iter().filter(|folder| folder.gone.is_none());
                    Ok((folder_named(tx, *id, name)?, live.map(|folder| folder.name).collect::<Vec<_>>()))
                })
                .map_err(in_words)?;
            if found.is_none() {
                return Err(no_folder(name, &names));
            }
        }
        Ok(())
    }

    pub(super) fn here(&self, caller: &Caller, why: &str) -> Context {
        Context {
            at: self.world.clock.now(),
            run: None,
            side: Side::Here,
            actor: caller.to_string(),
            why: why.to_owned(),
        }
    }
}

fn edited(tx: &Tx<'_>, id: PlacementId, changed: bool) -> Result<Edited, StoreError> {
    let seat: Seat = tx.seat(id)?;
    let folders = tx.collections(tx.account_of(id)?)?;
    let folder = folders.into_iter().find(|folder| folder.id == seat.folder());
    Ok(Edited {
        id,
        folder: folder.map(|folder| folder.name).unwrap_or_default(),
        deleted: seat.deleted.is_some(),
        flags: seat.placement.flags,
        changed,
    })
}

/// The folder of that name in the message's account, where it is followed.
fn folder_named(tx: &Tx<'_>, id: PlacementId, name: &str) -> Result<Option<Collection>, StoreError> {
    let is_wanted = |folder: &Collection| {
        folder.gone.is_none()
            && (folder.name == name || (folder.name == "INBOX" && name.eq_ignore_ascii_case("INBOX")))
    };
    Ok(tx.collections(tx.account_of(id)?)?.into_iter().find(is_wanted))
}

pub(super) fn no_folder(name: &str, names: &[String]) -> Fault {
    let fault =
        Fault::new(ErrorClass::NotFound, format!("find folder \"{name}\""), "it is not followed here");
    fault.hint(match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("{near} `postrider folder list` lists them"),
        None => "`postrider folder list` lists them; `folders` of the account names those that are followed"
            .to_owned(),
    })
}

fn in_words(error: StoreError) -> Fault {
    match error {
        StoreError::NoSuchMessage(id) => super::mail::unknown(id),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<(String, String), String> {
        let edit = FlagEdit::parse(words.iter().copied());
        edit.map(|edit| (edit.add.to_string(), edit.remove.to_string())).map_err(|fault| fault.message())
    }

    #[test]
    fn flags_are_read_in_any_case_and_keywords_as_written() {
        let table: [(&[&str], (&str, &str)); 4] = [
            (&["+seen", "-FLAGGED"], ("\\Seen", "\\Flagged")),
            (&["+Todo", "-$Junk"], ("Todo", "$Junk")),
            (&["+\\Answered", "+draft"], ("\\Answered \\Draft", "")),
            (&[], ("", "")),
        ];
        for (words, (add, remove)) in table {
            assert_eq!(parsed(words), Ok((add.to_owned(), remove.to_owned())), "{words:?}");
        }
    }

    #[test]
    fn what_is_no_flag_is_refused() {
        for word in
            ["seen", "+", "-", "+two words", "+x)", "+deleted", "-\\Deleted", "+é", "+--", "+(", "+{3}"]
        {
            let refused = parsed(&[word]).unwrap_err();
            assert!(refused.contains(&format!("read the flag `{word}`")), "{refused}");
        }
    }

    #[test]
    fn what_is_added_and_removed_at_once_is_there() {
        let edit = FlagEdit::parse(["+seen", "-seen", "-a"]).unwrap();
        assert_eq!(edit.apply(&Flags::from_wire(["A", "b"])).to_string(), "\\Seen b");
    }
}
