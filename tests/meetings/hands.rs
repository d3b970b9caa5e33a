//! What people do on both sides, and what they find there.

use postrider::service::{
    ActivityChanges, ContactChanges, Extent, LabelName, Labelled, NewActivity, NewContact, WhenChange,
};
use postrider_model::{
    Activity, ActivityId, ActivityKind, CollectionKey, CollectionKind, Contact, ContactId, Fault, ItemKey,
    LabelKind, LabelScope, Moment, Own, Participant, ParticipantRole, Person, Response,
};
use postrider_remote::RemoteActivity;

use crate::town::Town;

impl Town {
    // What people do here.

    /// Makes an appointment on that day at ten, for an hour.
    pub fn make(&self, user: &str, title: &str, day: &str, guests: &[&str]) -> ActivityId {
        self.make_with(user, title, day, guests, None)
    }

    pub fn make_with(
        &self,
        user: &str,
        title: &str,
        day: &str,
        guests: &[&str],
        rule: Option<&str>,
    ) -> ActivityId {
        let fields = meeting(title, day, guests, rule);
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        let new = NewActivity { kind: ActivityKind::Appointment, fields, organizer: None };
        service.add_activity(&caller, &new).unwrap()
    }

    pub fn try_edit(
        &self,
        user: &str,
        id: ActivityId,
        extent: Extent,
        changes: ActivityChanges,
    ) -> Result<ActivityId, Fault> {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.edit_activity(&caller, id, &extent, &changes, None)
    }

    pub fn edit(&self, user: &str, id: ActivityId, changes: ActivityChanges) {
        self.try_edit(user, id, Extent::Whole, changes).unwrap();
    }

    pub fn title(&self, user: &str, id: ActivityId, title: &str) {
        self.edit(user, id, ActivityChanges { title: Some(title.to_owned()), ..ActivityChanges::default() });
    }

    pub fn title_one(&self, user: &str, id: ActivityId, day: &str, title: &str) -> ActivityId {
        let changes = ActivityChanges { title: Some(title.to_owned()), ..ActivityChanges::default() };
        self.try_edit(user, id, Extent::One(day.to_owned()), changes).unwrap()
    }

    pub fn move_to(&self, user: &str, id: ActivityId, extent: Extent, start: &str) -> ActivityId {
        let when = WhenChange { start: Some(start.to_owned()), ..WhenChange::default() };
        self.try_edit(user, id, extent, ActivityChanges { when, ..ActivityChanges::default() }).unwrap()
    }

    pub fn cancel(&self, user: &str, id: ActivityId, extent: Extent) -> ActivityId {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.cancel_activity(&caller, id, &extent).unwrap()
    }

    pub fn respond(&self, user: &str, id: ActivityId, extent: Extent, response: Response) -> ActivityId {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.respond(&caller, id, &extent, response).unwrap()
    }

    // The same, of which others are to hear.

    pub fn make_telling(&self, user: &str, title: &str, day: &str, guests: &[&str]) -> ActivityId {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        let fields = meeting(title, day, guests, None);
        let new = NewActivity { kind: ActivityKind::Appointment, fields, organizer: None };
        service.add_activity_and_tell(&caller, &new).unwrap()
    }

    pub fn edit_telling(&self, user: &str, id: ActivityId, changes: ActivityChanges) {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.edit_activity_and_tell(&caller, id, &Extent::Whole, &changes, None).unwrap();
    }

    pub fn cancel_telling(&self, user: &str, id: ActivityId) {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.cancel_activity_and_tell(&caller, id, &Extent::Whole).unwrap();
    }

    pub fn respond_telling(&self, user: &str, id: ActivityId, response: Response) {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.respond_and_mail(&caller, id, &Extent::Whole, response).unwrap();
    }

    pub fn allow(&self, plan: &str) {
        let mut service = self.service();
        let caller = service.owner();
        service.allow(&caller, plan).unwrap();
    }

    pub fn says(&self, id: ActivityId) -> Activity {
        self.sight().says(id)
    }

    pub fn is_deleted(&self, id: ActivityId) -> bool {
        self.sight().is_deleted(id)
    }

    pub fn stand_in(&self, id: ActivityId) -> Option<String> {
        self.sight().stand_in(id)
    }

    pub fn own(&self, user: &str, id: ActivityId) -> Own {
        self.sight().own(user, id)
    }

    pub fn here(&self, user: &str) -> Vec<(String, ActivityId)> {
        self.sight().here(user)
    }

    pub fn id_of(&self, user: &str, title: &str) -> ActivityId {
        let here = self.here(user);
        here.iter().find(|one| one.0 == title).unwrap_or_else(|| panic!("{title} is not among {here:?}")).1
    }

    pub fn count(&self) -> usize {
        self.sight().count()
    }

    // Contacts.

    pub fn add_contact(&self, user: &str, name: &str) -> ContactId {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        let fields = ContactChanges {
            display_name: Some(name.to_owned()),
            given: Some(name.to_owned()),
            ..ContactChanges::default()
        };
        let id = service.add_contact(&caller, &NewContact { fields }).unwrap();
        let label = LabelName { kind: LabelKind::Tag, name: "sync", scope: Some(LabelScope::Personal) };
        service.label_records(&caller, &[Labelled::Contact(id)], label, true).unwrap();
        id
    }

    pub fn contact_title(&self, user: &str, id: ContactId, title: &str) {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        let changes = ContactChanges { job_title: Some(title.to_owned()), ..ContactChanges::default() };
        service.edit_contact(&caller, id, &changes, None).unwrap();
    }

    pub fn delete_contact(&self, user: &str, id: ContactId) {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.delete_contacts(&caller, &[id]).unwrap();
    }

    fn book(&self, address: &str) -> CollectionKey {
        let there = self.there(address);
        let group = there.collection(CollectionKind::AddressBook, "Postrider");
        group.or_else(|_| there.own_collection(CollectionKind::AddressBook)).unwrap()
    }

    fn contact_key(&self, address: &str, name: &str) -> ItemKey {
        let all = self.there(address).contacts(&self.book(address));
        all.into_iter().find(|one| one.contact.display_name == name).unwrap().key
    }

    pub fn add_contact_there(&self, address: &str, name: &str) {
        self.clock.pass(1_000);
        let contact = Contact { display_name: name.to_owned(), ..Contact::default() };
        self.there(address).add_contact(&self.book(address), &contact).unwrap();
    }

    pub fn edit_contact_there(&self, address: &str, name: &str, title: &str) {
        self.clock.pass(1_000);
        let key = self.contact_key(address, name);
        let change = |contact: &mut Contact| contact.job_title = Some(title.to_owned());
        self.there(address).change_contact(&self.book(address), &key, change).unwrap();
    }

    pub fn delete_contact_there(&self, address: &str, name: &str) {
        self.clock.pass(1_000);
        let key = self.contact_key(address, name);
        self.there(address).delete_contact(&self.book(address), &key).unwrap();
    }

    pub fn contacts_there(&self, address: &str) -> Vec<String> {
        let all = self.there(address).contacts(&self.book(address)).into_iter();
        all.map(|one| format!("{address} {} {:?}", one.contact.display_name, one.contact.job_title)).collect()
    }

    // What somebody does there.

    pub fn titles(&self, address: &str) -> Vec<String> {
        let mut titles: Vec<_> =
            self.there(address).activities().into_iter().map(|one| one.activity.content.title).collect();
        titles.sort();
        titles
    }

    pub fn item(&self, address: &str, title: &str) -> RemoteActivity {
        let all = self.there(address).activities();
        all.iter()
            .find(|one| one.activity.content.title == title)
            .unwrap_or_else(|| panic!("no {title} among {:?}", self.titles(address)))
            .clone()
    }

    pub fn add_there(&self, address: &str, activity: &Activity) -> ItemKey {
        self.clock.pass(1_000);
        let there = self.there(address);
        let kind = match activity.kind {
            ActivityKind::Appointment => CollectionKind::Calendar,
            ActivityKind::Task => CollectionKind::TaskList,
        };
        let calendar = there.own_collection(kind).unwrap();
        there.add_activity(&calendar, activity, &Own::default(), true).unwrap()
    }

    pub fn edit_there(&self, address: &str, title: &str, change: impl FnOnce(&mut Activity)) {
        self.clock.pass(1_000);
        let key = self.item(address, title).key;
        self.there(address).change_activity(&key, None, change, true).unwrap();
    }

    pub fn delete_there(&self, address: &str, title: &str) {
        self.clock.pass(1_000);
        let key = self.item(address, title).key;
        self.there(address).delete_activity(&key, None).unwrap();
    }
}

/// An appointment on that day at ten, for an hour.
fn meeting(title: &str, day: &str, guests: &[&str], rule: Option<&str>) -> ActivityChanges {
    ActivityChanges {
        title: Some(title.to_owned()),
        when: WhenChange {
            start: Some(format!("{day} 10:00")),
            end: Some(format!("{day} 11:00")),
            rules: rule.map(|rule| vec![rule.to_owned()]),
            ..WhenChange::default()
        },
        participants: (!guests.is_empty()).then(|| guests.iter().map(|guest| asked(guest)).collect()),
        ..ActivityChanges::default()
    }
}

fn asked(email: &str) -> (Person, ParticipantRole) {
    (Person { email: email.to_owned(), name: None }, ParticipantRole::Required)
}

pub fn at(day: u32, hour: u32) -> Moment {
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    Moment::At { local: day.and_hms_opt(hour, 0, 0).unwrap(), zone: Some("Europe/Berlin".to_owned()) }
}

/// An appointment on that day of March at ten, for an hour.
pub fn appointment(uid: &str, title: &str, day: u32, organizer: Option<&str>, guests: &[&str]) -> Activity {
    let mut one = Activity::new(ActivityKind::Appointment, uid);
    one.content.title = title.to_owned();
    (one.timing.start, one.timing.end) = (Some(at(day, 10)), Some(at(day, 11)));
    one.people.organizer = organizer.map(|email| Person { email: email.to_owned(), name: None });
    for guest in guests {
        let person = Person { email: (*guest).to_owned(), name: None };
        one.people.participants.push(Participant { person, ..Participant::default() });
    }
    one
}
