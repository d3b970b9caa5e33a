//! Tags and groups: made, put on records and taken off, renamed, taken away.

use std::fmt;

use postrider_model::{ActivityId, ContactId, ErrorClass, Fault, LabelId, LabelKind, LabelScope, RecordId};
use postrider_store::{LabelRow, NewLabel, StoreError, Tx};

use super::{absent, card::folded, listed, named};
use crate::{
    access::{Act, Caller},
    config::Operation,
    service::Service,
};

/// A tag or a group by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelName<'a> {
    /// What it is.
    pub kind: LabelKind,
    /// Its name.
    pub name: &'a str,
    /// Whose it is; `None` for the nearest of that name: the caller's, else the house's, else everybody's.
    pub scope: Option<LabelScope>,
}

/// What can carry a tag or be in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labelled {
    /// A contact.
    Contact(ContactId),
    /// An appointment or a task.
    Activity(ActivityId),
}

impl Labelled {
    const fn kind(self) -> &'static str {
        match self {
            Self::Contact(_) => "contact",
            Self::Activity(_) => "activity",
        }
    }

    const fn fits(self, label: LabelKind) -> bool {
        matches!(
            (self, label),
            (_, LabelKind::Tag)
                | (Self::Contact(_), LabelKind::Contacts)
                | (Self::Activity(_), LabelKind::Activities)
        )
    }
}

impl fmt::Display for Labelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contact(id) => id.fmt(f),
            Self::Activity(id) => id.fmt(f),
        }
    }
}

impl From<Labelled> for RecordId {
    fn from(of: Labelled) -> Self {
        match of {
            Labelled::Contact(id) => id.into(),
            Labelled::Activity(id) => id.into(),
        }
    }
}

impl Service {
    /// Tags and groups that the caller sees, each with how many records that they see carry it.
    ///
    /// # Errors
    /// The store's, in words.
    pub fn labels(&self, caller: &Caller, tags: bool) -> Result<Vec<(LabelRow, u64)>, Fault> {
        let mut labels = self.reader()?.labels(&self.viewer(caller))?;
        labels.retain(|(label, _)| (label.kind == LabelKind::Tag) == tags);
        self.note_record_look(caller, || format!("{} tags or groups", labels.len()));
        Ok(labels)
    }

    /// Makes a tag or a group.
    ///
    /// # Errors
    /// A name that is none or is taken.
    pub fn add_label(&mut self, caller: &Caller, label: LabelName<'_>) -> Result<LabelId, Fault> {
        let name = named(word(label.kind), label.name)?;
        let line = self.line(caller, Act::AddRecord, "", word(label.kind));
        let scope = label.scope.unwrap_or(default_scope(label.kind));
        self.record_work(line, name.len(), |tx| {
            tx.add_label(&NewLabel {
                kind: label.kind,
                scope,
                owner: &caller.user,
                name: &name,
                folded: &folded(&name),
            })
        })
    }

    /// Gives a tag or a group another name.
    ///
    /// # Errors
    /// One that is not there, or that another made and the caller does not administer; a name that is none or is taken.
    pub fn rename_label(&mut self, caller: &Caller, label: LabelName<'_>, to: &str) -> Result<(), Fault> {
        let found = self.label_to_manage(caller, label)?;
        let to = named(word(label.kind), to)?;
        let line = self.line(caller, Act::ManageLabel, "", "rename");
        self.record_work(line, 0, |tx| tx.rename_label(found.id, &to, &folded(&to)))
    }

    /// Takes a tag or a group off everything, and away. Answers off how many records it was taken.
    ///
    /// # Errors
    /// One that is not there, or that another made and the caller does not administer.
    pub fn remove_label(&mut self, caller: &Caller, label: LabelName<'_>) -> Result<u64, Fault> {
        let found = self.label_to_manage(caller, label)?;
        let context = self.here(caller, &format!("{} was removed", called(&found)));
        let line = self.line(caller, Act::ManageLabel, "", "remove");
        self.record_work(line, 0, |tx| tx.remove_label(found.id, &context))
    }

    /// Puts a tag on records or takes it off; puts them into a group or out of it. A tag that is not there yet is made to be put on. Answers
    /// which of them had it the other way before. Groups are of contacts or of activities; a tag may be on either.
    ///
    /// # Errors
    /// The first that the caller does not see; a tag to be taken off, or a group, that is not there; a record of another kind than the
    /// group's. Nothing is changed then.
    pub fn label_records(
        &mut self,
        caller: &Caller,
        ids: &[Labelled],
        label: LabelName<'_>,
        on: bool,
    ) -> Result<Vec<Labelled>, Fault> {
        for id in ids {
            if !id.fits(label.kind) {
                let cause = "the group is not of such";
                return Err(Fault::new(
                    ErrorClass::Config,
                    format!("put {id} into group {}", label.name),
                    cause,
                ));
            }
            if self.seen(caller, id.kind(), *id)?.deleted.is_some() {
                return Err(absent(id.kind(), *id));
            }
        }
        let name = named(word(label.kind), label.name)?;
        let wanted = LabelName { name: &name, ..label };
        let found = self.nearest_label(caller, wanted)?;
        let makes = on && label.kind == LabelKind::Tag;
        if found.is_none() && !makes {
            return Err(no_label(label.kind, &name));
        }
        let what = if on { "put on" } else { "taken off" };
        let scope = label.scope.unwrap_or_default();
        let is_personal = found.as_ref().map_or(scope, |found| found.scope) == LabelScope::Personal;
        let label_word = word(label.kind);
        // Whoever sees the record reads why it changed: what is personal has no name there.
        let why = match is_personal {
            true => format!("a personal {label_word} was {what}"),
            false => format!("{label_word} {name} was {what}"),
        };
        let (context, viewer) = (self.here(caller, &why), self.viewer(caller));
        let line = self.line(caller, Act::ChangeRecord, "", &listed(what, ids));
        let new =
            NewLabel { kind: label.kind, scope, owner: &caller.user, name: &name, folded: &folded(&name) };
        self.record_work(line, 0, |tx: &mut Tx<'_>| {
            let label = match &found {
                Some(found) => found.id,
                None => tx.add_label(&new)?,
            };
            let mut changed = Vec::new();
            for id in ids {
                if !tx.sees(&viewer, *id)? {
                    return Err(StoreError::NoSuchRecord);
                }
                if tx.put_label(*id, label, on, &context)? {
                    changed.push(*id);
                }
            }
            Ok(changed)
        })
    }

    /// The nearest tag or group of that name.
    ///
    /// # Errors
    /// Where the caller sees none.
    pub(in crate::service) fn label_named(
        &self,
        caller: &Caller,
        kind: LabelKind,
        name: &str,
    ) -> Result<LabelRow, Fault> {
        let found = self.nearest_label(caller, LabelName { kind, name, scope: None })?;
        found.ok_or_else(|| no_label(kind, name))
    }

    fn nearest_label(&self, caller: &Caller, label: LabelName<'_>) -> Result<Option<LabelRow>, Fault> {
        let found = self.reader()?.labels_named(label.kind, &caller.user, &folded(label.name))?;
        let fits = |row: &LabelRow| label.scope.is_none_or(|scope| scope == row.scope);
        Ok(found.into_iter().filter(fits).min_by_key(|row| row.scope))
    }

    fn label_to_manage(&self, caller: &Caller, label: LabelName<'_>) -> Result<LabelRow, Fault> {
        let found = self.nearest_label(caller, label)?.ok_or_else(|| no_label(label.kind, label.name))?;
        match found.owner == caller.user || self.has_operation(caller, Operation::Administer) {
            true => Ok(found),
            false => Err(self.denied(
                caller,
                Act::ManageLabel,
                "",
                &format!("{} {}", word(label.kind), found.name),
            )),
        }
    }
}

/// A tag or a group in words that whoever sees a record may read.
fn called(label: &LabelRow) -> String {
    match label.scope {
        LabelScope::Personal => format!("a personal {}", word(label.kind)),
        LabelScope::Corporate | LabelScope::Public => format!("{} {}", word(label.kind), label.name),
    }
}

/// A tag is one's own unless it is said to be the house's; a group is the house's.
const fn default_scope(kind: LabelKind) -> LabelScope {
    match kind {
        LabelKind::Tag => LabelScope::Personal,
        LabelKind::Contacts | LabelKind::Activities => LabelScope::Corporate,
    }
}

const fn word(kind: LabelKind) -> &'static str {
    match kind {
        LabelKind::Tag => "tag",
        LabelKind::Contacts | LabelKind::Activities => "group",
    }
}

fn no_label(kind: LabelKind, name: &str) -> Fault {
    let word = word(kind);
    Fault::new(ErrorClass::NotFound, format!("find the {word} {name:?}"), "there is none of that name")
        .hint(format!("`postrider {word} list` lists them"))
}
