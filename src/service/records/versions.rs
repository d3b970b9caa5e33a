//! What records were: listed, shown, brought back (F5.2).

use postrider_formats::{icalendar::Item, vcard::Card};
use postrider_model::{
    ActivityId, CompanyId, ContactId, ErrorClass, Fault, LabelId, RecordId, Timestamp, VersionId,
};
use postrider_store::{ChangedGroups, StoreError, Tx, Version};
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
    labels: Vec<i64>,
}

impl Service {
    /// What records were, newest first: those that lost against a later change, or all there are.
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
        Ok(versions.into_iter().map(view).collect())
    }

    /// What a record was.
    ///
    /// # Errors
    /// Where there is none of that id that the caller sees.
    pub fn version(&self, caller: &Caller, id: VersionId) -> Result<VersionView, Fault> {
        Ok(view(self.version_seen(caller, id)?))
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
        let snapshot: Snapshot =
            serde_json::from_str(&version.snapshot).map_err(|error| refuse(&error.to_string()))?;
        let context = self.here(caller, &format!("{id} was restored"));
        let line = self.line(caller, Act::ChangeRecord, "", &format!("{record} as {id}"));
        let defaults = self.defaults();
        let was = Was::read(&version.record.kind, &snapshot).map_err(|cause| refuse(&cause))?;
        let of = version.record.id;
        let done = self.record_work(line, version.snapshot.len(), |tx| {
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
                Was::Activity(item) => {
                    let all = ChangedGroups { content: true, timing: true, people: true };
                    let doc = crate::service::activities::doc_of(item, defaults);
                    tx.change_activity(ActivityId(of.0), &doc, all, &context)?;
                    if let Some(on) = snapshot.in_schedule {
                        tx.set_in_schedule(ActivityId(of.0), on, &context)?;
                    }
                }
            }
            relabel(tx, of, &snapshot.labels, &context)
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

    fn called(&self) -> String {
        match self {
            Self::Contact(card) => card::shown_name(&card.contact()),
            Self::Company(name) => name.clone(),
            Self::Activity(item) => item.activity().content.title,
        }
    }
}

fn company_still_there(tx: &Tx<'_>, company: Option<i64>) -> Result<Option<CompanyId>, StoreError> {
    let Some(company) = company.map(CompanyId) else { return Ok(None) };
    let is_there =
        tx.record(company)?.is_some_and(|record| record.kind == "company" && record.deleted.is_none());
    Ok(is_there.then_some(company))
}

/// Its tags and groups as they were then, as far as there are such.
fn relabel(
    tx: &mut Tx<'_>,
    record: RecordId,
    labels: &[i64],
    context: &postrider_store::Context,
) -> Result<(), StoreError> {
    for label in tx.labels_on(record)? {
        if !labels.contains(&label.0) {
            tx.put_label(record, label, false, context)?;
        }
    }
    for label in labels.iter().map(|label| LabelId(*label)) {
        if tx.label(label)?.is_some() {
            tx.put_label(record, label, true, context)?;
        }
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

fn view(version: Version) -> VersionView {
    let snapshot: Option<Snapshot> = serde_json::from_str(&version.snapshot).ok();
    let called = snapshot.as_ref().and_then(|snapshot| Was::read(&version.record.kind, snapshot).ok());
    let (doc, name) = snapshot.map(|snapshot| (snapshot.doc, snapshot.name)).unwrap_or_default();
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
        name: called.map(|was| was.called()).unwrap_or_default(),
        content: doc.or(name).unwrap_or_default(),
    }
}
