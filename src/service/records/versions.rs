//! What records were: listed, shown, brought back (F5.2).

use postrider_formats::{icalendar::Item, vcard::Card};
use postrider_model::{
    ActivityId, CompanyId, ContactId, ErrorClass, Fault, LabelId, LabelKind, LabelScope, Own, RecordId,
    Timestamp, VersionId,
};
use postrider_store::{NewLabel, StoreError, Tx, Version};
use serde::Deserialize;

use super::{absent, card};
use crate::{
    access::{Act, Caller},
    service::Service,
};

/// What a record was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionView {
    /// Its id.
    pub id: VersionId,
    /// The record, as people call it.
    pub record: String,
    /// `contact`, `company` or `activity`.
    pub kind: String,
    /// The number that the record had then.
    pub rev: u64,
    /// When it was overwritten.
    pub at: Timestamp,
    /// Where: `server` or `here`.
    pub side: String,
    /// By whom.
    pub actor: String,
    /// What was done: `changed`, `shown`, `labelled`, `deleted`, `restored`.
    pub what: String,
    /// Why.
    pub why: String,
    /// Whether it lost against a later change.
    pub is_conflict: bool,
    /// What it was called then.
    pub name: String,
    /// The card, the calendar or the name that it was, whole.
    pub content: String,
}

/// What a version keeps of a record.
#[derive(Deserialize)]
struct Snapshot {
    #[serde(default)]
    doc: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    company: Option<i64>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    in_schedule: Option<bool>,
    #[serde(default)]
    labels: Vec<LabelThen>,
}

/// A tag or a group that a record had.
#[derive(Deserialize)]
struct LabelThen {
    id: i64,
    kind: LabelKind,
    scope: LabelScope,
    owner: String,
    name: String,
}

impl Service {
    /// What records were, newest first: those that lost against a later change, or all there are. What they say is in [`version`](Self::version)
    /// alone.
    ///
    /// # Errors
    /// The store's, in words.
    pub fn versions(
        &self,
        caller: &Caller,
        of: Option<RecordId>,
        all: bool,
        limit: u32,
    ) -> Result<Vec<VersionView>, Fault> {
        let versions = self.reader()?.versions(&self.viewer(caller), of, all, limit as usize)?;
        self.note_record_look(caller, || format!("{} versions", versions.len()));
        versions
            .into_iter()
            .map(|version| {
                let is_inside = self.is_inside(caller, &version)?;
                Ok(view(version, String::new(), is_inside))
            })
            .collect()
    }

    /// What a record was. Of an activity those who have no part in it are told no more than that it changed.
    ///
    /// # Errors
    /// Where there is none of that id that the caller sees.
    pub fn version(&self, caller: &Caller, id: VersionId) -> Result<VersionView, Fault> {
        let version = self.version_seen(caller, id)?;
        self.note_record_look(caller, || id.to_string());
        let snapshot = self.snapshot_of(&version)?;
        let is_inside = self.is_inside(caller, &version)?;
        let content = match Was::read(&version.record.kind, &snapshot) {
            // What its owner has of it for themselves is theirs.
            Ok(Was::Activity(item)) if version.record.owner != caller.user => {
                item.with(&item.activity(), &Own::default()).text()
            }
            _ => snapshot.doc.or(snapshot.name).unwrap_or_default(),
        };
        Ok(view(version, content, is_inside))
    }

    /// Whether a caller has a part in what a version is of.
    fn is_inside(&self, caller: &Caller, version: &Version) -> Result<bool, Fault> {
        match version.record.kind.as_str() {
            "activity" => self.has_part_in(caller, ActivityId(version.record.id.0)),
            _ => Ok(true),
        }
    }

    fn snapshot_of(&self, version: &Version) -> Result<Snapshot, Fault> {
        let action = || format!("read version {}", version.id);
        let text = self.reader()?.snapshot(version.id)?.unwrap_or_default();
        serde_json::from_str(&text)
            .map_err(|error| Fault::new(ErrorClass::Permanent, action(), error.to_string()))
    }

    fn version_seen(&self, caller: &Caller, id: VersionId) -> Result<Version, Fault> {
        let reader = self.reader()?;
        let found = reader.version(&self.viewer(caller), id)?;
        if found.is_none() && reader.version(&postrider_store::Viewer::Everything, id)?.is_some() {
            self.note_refused(caller, Act::SeeRecord, "", &id.to_string());
        }
        found.ok_or_else(|| {
            Fault::new(ErrorClass::NotFound, format!("find version {id}"), "there is none of that id")
                .hint("`postrider conflicts list --all` prints ids; what is past its time is gone")
        })
    }

    /// Makes a record what it was, but for who sees it. What it is now can be brought back in the same way. One that is deleted is there
    /// again. Answers the record, as people call it.
    ///
    /// # Errors
    /// Where there is none of that id that the caller sees; of a deleted record, where it is another's.
    pub fn restore_version(&mut self, caller: &Caller, id: VersionId) -> Result<String, Fault> {
        let version = self.version_seen(caller, id)?;
        let record = shown(&version.record.kind, version.record.id);
        let refuse = |cause: &str| {
            Fault::new(ErrorClass::Permanent, format!("restore version {id} of {record}"), cause)
        };
        if version.record.deleted.is_some()
            && !(caller.has_everything() || version.record.owner == caller.user)
        {
            return Err(self.denied(caller, Act::OwnRecord, "", &record));
        }
        let snapshot = self.snapshot_of(&version)?;
        let why = format!("{id} was restored");
        let was = Was::read(&version.record.kind, &snapshot).map_err(|cause| refuse(&cause))?;
        let of = version.record.id;
        if let Was::Activity(item) = was {
            self.restore_activity_version(caller, ActivityId(of.0), &item, snapshot.in_schedule, &why)?;
            return Ok(record);
        }
        let context = self.here(caller, &why);
        let viewer = self.viewer(caller);
        let line = self.line(caller, Act::ChangeRecord, "", &format!("{record} as {id}"));
        let octets = snapshot.doc.as_ref().map_or(0, String::len);
        let user = caller.user.clone();
        let done = self.record_work(line, octets, |tx| {
            if !tx.sees(&viewer, of)? {
                return Err(StoreError::NoSuchRecord);
            }
            if tx.record(of)?.ok_or(StoreError::NoSuchRecord)?.deleted.is_some() {
                tx.restore_record(of, &context)?;
            }
            match &was {
                Was::Contact(card) => {
                    let company = company_still_there(tx, snapshot.company)?;
                    let doc = card::doc_of(card, snapshot.kind.clone().unwrap_or_default(), company);
                    tx.change_contact(ContactId(of.0), &doc, &context)?;
                }
                Was::Company(name) => {
                    tx.rename_company(CompanyId(of.0), name, &card::folded(name), &context)?;
                }
                Was::Activity(_) => {}
            }
            relabel(tx, of, &snapshot.labels, &user, &context)
        });
        done.map_err(|fault| match fault.class {
            ErrorClass::NotFound => absent(&version.record.kind, &record),
            _ => fault,
        })?;
        Ok(record)
    }
}

/// What a record was, read.
enum Was {
    Contact(Card),
    Company(String),
    Activity(Item),
}

impl Was {
    fn read(kind: &str, snapshot: &Snapshot) -> Result<Self, String> {
        match (kind, &snapshot.doc, &snapshot.name) {
            ("activity", Some(text), _) => {
                Item::read(text.as_bytes()).map(Self::Activity).map_err(|error| error.to_string())
            }
            (_, Some(text), _) => {
                Card::read(text.as_bytes()).map(Self::Contact).map_err(|error| error.to_string())
            }
            (_, None, Some(name)) => Ok(Self::Company(name.clone())),
            (_, None, None) => Err("nothing is kept of it".to_owned()),
        }
    }
}

fn company_still_there(tx: &Tx<'_>, company: Option<i64>) -> Result<Option<CompanyId>, StoreError> {
    let Some(company) = company.map(CompanyId) else { return Ok(None) };
    let is_there =
        tx.record(company)?.is_some_and(|record| record.kind == "company" && record.deleted.is_none());
    Ok(is_there.then_some(company))
}

/// Its tags and groups as they were then, those left aside that others alone see. What is gone by now is made again.
fn relabel(
    tx: &mut Tx<'_>,
    record: RecordId,
    labels: &[LabelThen],
    user: &str,
    context: &postrider_store::Context,
) -> Result<(), StoreError> {
    let is_anothers = |scope: LabelScope, owner: &str| scope == LabelScope::Personal && owner != user;
    for id in tx.labels_on(record)? {
        let Some(label) = tx.label(id)? else { continue };
        if !is_anothers(label.scope, &label.owner) && !labels.iter().any(|then| then.id == id.0) {
            tx.put_label(record, id, false, context)?;
        }
    }
    for then in labels.iter().filter(|then| !is_anothers(then.scope, &then.owner)) {
        let id = match tx.label(LabelId(then.id))? {
            Some(label) => label.id,
            None => {
                let folded = card::folded(&then.name);
                let known = tx.labels_named(then.kind, &then.owner, &folded)?;
                match known.into_iter().find(|label| label.scope == then.scope) {
                    Some(label) => label.id,
                    None => tx.add_label(&NewLabel {
                        kind: then.kind,
                        scope: then.scope,
                        owner: &then.owner,
                        name: &then.name,
                        folded: &folded,
                    })?,
                }
            }
        };
        tx.put_label(record, id, true, context)?;
    }
    Ok(())
}

/// How people call a record.
fn shown(kind: &str, id: RecordId) -> String {
    match kind {
        "company" => CompanyId(id.0).to_string(),
        "activity" => ActivityId(id.0).to_string(),
        _ => ContactId(id.0).to_string(),
    }
}

fn view(version: Version, content: String, is_inside: bool) -> VersionView {
    let told = |text: String| if is_inside { text } else { String::new() };
    VersionView {
        id: version.id,
        record: shown(&version.record.kind, version.record.id),
        kind: version.record.kind,
        rev: version.rev,
        at: version.at,
        side: version.side,
        actor: version.actor,
        what: version.what,
        why: version.why,
        is_conflict: version.is_conflict,
        name: told(version.name),
        content: told(content),
    }
}
