//! Activities: as the server has them, and changed here. One in three is a meeting with two others, one in ten a series.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use postrider::sync::{ActivityRules, ItemsContext, Ports, Syncing, run_activities};
use postrider_formats::{icalendar::Item, occurrences::Defaults};
use postrider_model::{
    Activity, ActivityField, ActivityId, ActivityKind, CollectionKey, CollectionKind, Content, Fault,
    ItemCursor, ItemKey, ItemVersion, Mark, Moment, Own, Participant, ParticipantRole, People, Person,
    RecordId, Reminder, ReminderBy, ReminderTime, Response, Timestamp, Timing, Visibility,
};
use postrider_reconcile::{
    Change, Changed, Fate, Selection, Sides, Times,
    activities::{
        Facets, MeetingCopy, ServerKind, Standing as Stands, change_of, is_meeting, merge_activity, rights,
    },
    decide,
};
use postrider_remote::{
    ActivityChange, CalendarCapabilities, CalendarOp, CalendarRemote, FreeBusy, ItemApplied, ItemFeed,
    Making, RemoteActivity, RemoteCollection, Standing, Target, WriteFault, Written,
};
use postrider_store::{ActivityDoc, ChangedGroups, Context, NewActivity, StoreError, Tx};

use crate::{
    bench::{ACCOUNT, ADDRESS, Engine, USER},
    server::{Kind, Server, changed_at, key_of, unasked, version_of},
    timed::Stopwatch,
};

pub struct Activities;

fn defaults() -> Defaults {
    Defaults { zone: chrono_tz::Europe::Berlin, duration: TimeDelta::hours(1) }
}

/// Something that takes place, of which all that is usual is known.
fn activity(number: u64, description: &str) -> Activity {
    let day = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default();
    let hour = 8 + (number % 9) as u32;
    let at = |hour| Moment::At {
        local: (day + TimeDelta::days((number / 9 % 1_000) as i64))
            .and_hms_opt(hour, 30, 0)
            .unwrap_or_default(),
        zone: Some("Europe/Berlin".to_owned()),
    };
    let person = |email: String, name: &str| Person { email, name: Some(name.to_owned()) };
    let guest = |nth: u64, role| Participant {
        person: person(format!("guest{}@example.org", number % 1_000 + nth), "A Guest"),
        role,
        response: Response::Accepted,
        responded: None,
    };
    let people = match number % 3 {
        0 => People {
            organizer: Some(person(ADDRESS.to_owned(), "Anna")),
            participants: vec![guest(0, ParticipantRole::Required), guest(1, ParticipantRole::Optional)],
        },
        _ => People::default(),
    };
    Activity {
        content: Content {
            title: format!("Talk about offer {number}"),
            place: Some("Room 12".to_owned()),
            description: Some(description.to_owned()),
            ..Content::default()
        },
        timing: Timing {
            start: Some(at(hour)),
            end: Some(at(hour + 1)),
            rules: if number.is_multiple_of(10) {
                vec!["FREQ=WEEKLY;COUNT=20".to_owned()]
            } else {
                Vec::new()
            },
            further: Vec::new(),
        },
        people,
        ..Activity::new(ActivityKind::Appointment, format!("{number}@calendar.example"))
    }
}

fn own() -> Own {
    let reminder = Reminder { at: ReminderTime::BeforeStart(900), by: ReminderBy::Display };
    Own { reminders: vec![reminder], ..Own::default() }
}

impl Kind for Activities {
    type Item = RemoteActivity;
    type Change = ActivityChange;
    const COLLECTION: CollectionKind = CollectionKind::Calendar;

    fn item(number: u64, state: u32) -> RemoteActivity {
        RemoteActivity {
            key: key_of(number),
            version: version_of(number, state),
            mark: None,
            activity: activity(number, &format!("Agenda {state}: prices, dates, who does what.")),
            own: own(),
            standing: Standing::Organizer,
            guests_hidden: false,
            is_free_busy_only: false,
            is_read_only: false,
            master: None,
            changed: Some(changed_at(state)),
        }
    }

    fn version(item: &RemoteActivity) -> &ItemVersion {
        &item.version
    }

    fn put(item: RemoteActivity) -> ActivityChange {
        ActivityChange::Put(Box::new(item))
    }

    fn gone(key: ItemKey) -> ActivityChange {
        ActivityChange::Gone { key }
    }
}

#[async_trait]
impl CalendarRemote for Server<Activities> {
    fn capabilities(&self) -> CalendarCapabilities {
        CalendarCapabilities {
            kinds: BTreeSet::from([CollectionKind::Calendar]),
            fields: BTreeSet::from(ActivityField::ALL),
            shows_only_busy_or_free: false,
            is_delete_conditional: true,
            delivers_without_mail: true,
            mails_outsiders_regardless: false,
            lag_ms: 0,
        }
    }

    fn expresses(&self, _activity: &Activity) -> Result<(), String> {
        Ok(())
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>, Fault> {
        Ok(Self::collections(self))
    }

    async fn make_collection(&self, _kind: CollectionKind, _name: &str, mark: Mark) -> Written<Making> {
        Err(WriteFault::not_done(unasked("make a calendar", mark)))
    }

    async fn rename_collection(&self, _collection: &CollectionKey, _name: &str) -> Written<()> {
        Ok(())
    }

    async fn changes(
        &self,
        _collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ActivityChange>>, Fault> {
        Ok(Self::changes(self, since))
    }

    async fn fetch(
        &self,
        _collection: &CollectionKey,
        keys: &[ItemKey],
    ) -> Result<Vec<ActivityChange>, Fault> {
        Ok(Self::fetch(self, keys))
    }

    async fn apply(
        &self,
        _collection: &CollectionKey,
        mark: Mark,
        op: &CalendarOp,
    ) -> Written<ItemApplied<RemoteActivity>> {
        if let CalendarOp::Create { activity, own, .. } = op {
            return Ok(self.create(|key, version| RemoteActivity {
                key,
                version,
                mark: Some(mark),
                activity: (**activity).clone(),
                own: (**own).clone(),
                changed: None,
                ..Activities::item(0, 0)
            }));
        }
        let Some(Target::Item { key, version }) = op.target() else {
            return Err(WriteFault::not_done(unasked("change one time of a series", mark)));
        };
        Ok(self.write(key, version, |item, version| {
            let item = RemoteActivity { version, ..item };
            match op {
                CalendarOp::Update { activity, .. } => {
                    Some(RemoteActivity { activity: (**activity).clone(), ..item })
                }
                CalendarOp::UpdateOwn { own, .. } => Some(RemoteActivity { own: (**own).clone(), ..item }),
                CalendarOp::Delete { .. } | CalendarOp::Cancel { .. } => None,
                CalendarOp::Create { .. } | CalendarOp::Respond { .. } => Some(item),
            }
        }))
    }

    async fn find(&self, _collection: &CollectionKey, _mark: Mark) -> Result<Option<RemoteActivity>, Fault> {
        Ok(None)
    }

    async fn free_busy(
        &self,
        _people: &[String],
        _from: Timestamp,
        _until: Timestamp,
    ) -> Result<Vec<FreeBusy>, Fault> {
        Ok(Vec::new())
    }

    async fn close(&self) {}
}

#[async_trait]
impl Engine for Activities {
    const WHAT: &str = "activities";

    fn prepare(_tx: &mut Tx<'_>, _context: &Context) -> Result<(), StoreError> {
        Ok(())
    }

    fn add(tx: &mut Tx<'_>, number: u64, context: &Context) -> Result<(), StoreError> {
        // Nobody else takes part, and it does not recur.
        let made = Activity {
            people: People::default(),
            timing: Timing { rules: Vec::new(), ..activity(number, "").timing },
            ..activity(number, "Made here.")
        };
        let title = made.content.title.clone();
        let doc = ActivityDoc {
            text: Item::new(&made, &own()).text(),
            kind: made.kind,
            uid: made.uid.clone(),
            occurrence: None,
            words: title.to_lowercase(),
            title,
            organizer: None,
            participants: Vec::new(),
            status: made.content.status,
            start: Some(context.at),
            end: Some(context.at),
            recurs: false,
            private: false,
        };
        let visibility = Visibility::Private;
        let new =
            NewActivity { owner: USER, visibility: &visibility, doc: &doc, master: None, in_schedule: true };
        tx.add_activity(&new, context).map(drop)
    }

    fn edit(tx: &mut Tx<'_>, record: RecordId, context: &Context) -> Result<bool, StoreError> {
        let id = ActivityId(record.0);
        let Some(stored) = tx.activity(id)? else { return Ok(false) };
        let text = stored.doc.text.replacen("DESCRIPTION:", "DESCRIPTION:Here. ", 1);
        let changed = ChangedGroups { content: true, ..ChangedGroups::default() };
        tx.change_activity(id, &ActivityDoc { text, ..stored.doc }, changed, context)
    }

    fn read(tx: &Tx<'_>, record: RecordId) -> Result<(), StoreError> {
        tx.activity(ActivityId(record.0))?;
        tx.own(ActivityId(record.0), USER)?;
        tx.copies_of_record(record).map(drop)
    }

    fn decide(changes: u64) -> Duration {
        let holds = BTreeSet::from(ActivityField::ALL);
        let times = Times { here: Changed::at(Some(changed_at(1))), ..Times::default() };
        let sides: Vec<_> = (0..changes)
            .map(|number| {
                let of = |text| Facets { shared: activity(number, text), own: own() };
                (number % 8, of("As it was."), of("As it is."))
            })
            .collect();
        let begun = Stopwatch::start();
        let merged: Vec<_> = sides
            .iter()
            .filter_map(|(nth, was, edited)| {
                let (here, there) = if nth % 2 == 0 { (edited, was) } else { (was, edited) };
                let copy = MeetingCopy {
                    link: 1,
                    standing: Stands::Organizer,
                    sequence: there.shared.sequence,
                    changed: Some(changed_at(0)),
                    guests_hidden: false,
                    is_free_busy_only: false,
                };
                let copies = [copy];
                let rights = rights(&copies, &1, is_meeting(&here.shared.people, &copies));
                let [here_is, there_is] = [here, there].map(|side| change_of(was, side, &holds));
                let (here_is, there_is) = match nth {
                    6 => (Change::Deleted, Change::None),
                    7 => (Change::None, Change::Deleted),
                    _ => (here_is, there_is),
                };
                let sides = Sides { agreed: was, image: was, here, there };
                (decide(here_is, there_is).fate == Fate::Merge)
                    .then(|| merge_activity(sides, &times, &holds, rights))
            })
            .collect();
        let took = begun.elapsed();
        let edits = (0..changes).filter(|number| number % 8 < 6).count();
        assert_eq!(merged.len(), edits, "edits are merged");
        took
    }

    async fn run(ports: &Ports, server: &Server<Self>, run: &ItemsContext) -> Result<[u64; 4]> {
        let addresses = vec![ADDRESS.to_owned()];
        let rules = ActivityRules {
            server: ServerKind::CalendarAndTasks,
            appointments: true,
            tasks: false,
            export: true,
            since: None,
            calendars: Selection::All,
            task_lists: Selection::All,
            calendar: None,
            groups: None,
            address: ADDRESS.to_owned(),
            addresses: addresses.clone(),
            syncing: vec![Syncing {
                user: USER.to_owned(),
                addresses,
                accounts: vec![(ACCOUNT.to_owned(), ADDRESS.to_owned())],
            }],
            defaults: defaults(),
        };
        let done = run_activities(ports, server, run, &rules).await?;
        if let Some(fault) = done.faults.into_iter().next() {
            return Err(fault).context("a run of activities");
        }
        anyhow::ensure!(
            done.held.is_empty() && done.warnings.is_empty(),
            "{:?} {:?}",
            done.held,
            done.warnings
        );
        Ok([done.pulled, done.pushed, done.deleted, done.conflicts])
    }
}
