//! Contacts, companies, tags and groups: who sees them, who changes them, whose they are (F7.4).

use postrider::service::{Caller, ContactChanges, ContactQuery, LabelName, Labelled, NewContact, Service};
use postrider_model::{ContactId, ErrorClass, LabelKind, LabelScope, VersionId, Visibility};
use postrider_store::AuditFilter;

use crate::{
    house::{House, caller},
    matrix::HOUSE,
};

/// `sender` has the role `customer-service`, `reader` has none.
const ROLE: &str = "customer-service";

fn at(house: &House, name: &str) -> (Service, Caller) {
    let service = house.service();
    let caller = caller(&service, name, false);
    (service, caller)
}

fn new(name: &str, visibility: Visibility) -> NewContact {
    let fields = ContactChanges {
        display_name: Some(name.to_owned()),
        visibility: Some(visibility),
        ..ContactChanges::default()
    };
    NewContact { fields }
}

fn names(house: &House, name: &str) -> Vec<String> {
    let (service, caller) = at(house, name);
    let query = ContactQuery { limit: 100, ..ContactQuery::default() };
    service.contacts(&caller, &query).unwrap().into_iter().map(|row| row.name).collect()
}

fn note(text: &str) -> ContactChanges {
    ContactChanges { notes: Some(vec![text.to_owned()]), ..ContactChanges::default() }
}

fn added(house: &House, visibility: Visibility) -> ContactId {
    let (mut service, sender) = at(house, "sender");
    service.add_contact(&sender, &new("Anna", visibility)).unwrap()
}

#[test]
fn a_record_is_there_for_its_owner_for_whom_it_is_shown_to_and_for_nobody_else() {
    let house = House::new(&HOUSE);
    let table = [
        (Visibility::Private, [true, false, false, false]),
        (Visibility::Role(ROLE.to_owned()), [true, false, false, false]),
        (Visibility::All, [true, true, true, true]),
    ];
    for (visibility, sees) in table {
        let id = added(&house, visibility.clone());
        for (name, sees) in ["sender", "reader", "administrator", "stranger"].into_iter().zip(sees) {
            let (mut service, caller) = at(&house, name);
            let shown = service.contact(&caller, id);
            assert_eq!(shown.is_ok(), sees, "{name}, {visibility}");
            assert_eq!(
                service.edit_contact(&caller, id, &note(name), None).is_ok(),
                sees,
                "{name}, {visibility}"
            );
            if !sees {
                let said = |id: ContactId| {
                    let fault = service.contact(&caller, id).unwrap_err();
                    format!("{:?} {}", fault.class, fault.message()).replace(&id.to_string(), "ID")
                };
                assert_eq!(said(id), said(ContactId(99_999)));
            }
        }
        let (service, owner) = (house.service(), house.service().owner());
        assert!(service.contact(&owner, id).is_ok(), "whoever has everything");
    }
    assert_eq!(names(&house, "sender").len(), 3);
    assert_eq!(names(&house, "reader").len(), 1, "rights come before the listing");
}

#[test]
fn a_role_sees_what_is_shown_to_it() {
    let house = House::new(&HOUSE);
    let (mut service, holder) = at(&house, "holder");
    let refused = service.add_contact(&holder, &new("Anna", Visibility::Role(ROLE.to_owned()))).unwrap_err();
    assert_eq!(refused.class, ErrorClass::Config, "holder has no such role");
    let owner = service.owner();
    service.add_contact(&owner, &new("Anna", Visibility::Role(ROLE.to_owned()))).unwrap();
    assert_eq!((names(&house, "sender").len(), names(&house, "reader").len()), (1, 0));
}

#[test]
fn whoever_sees_a_record_changes_it_and_only_its_owner_deletes_restores_or_shows_it() {
    let house = House::new(&HOUSE);
    let id = added(&house, Visibility::All);
    let (mut service, reader) = at(&house, "reader");
    service.edit_contact(&reader, id, &note("met in Riga"), None).unwrap();
    let private = ContactChanges { visibility: Some(Visibility::Private), ..ContactChanges::default() };
    let refusals = [
        service.delete_contacts(&reader, &[id]).unwrap_err(),
        service.restore_contacts(&reader, &[id]).unwrap_err(),
        service.edit_contact(&reader, id, &private, None).unwrap_err(),
    ];
    assert!(refusals.iter().all(|fault| fault.class == ErrorClass::NotPermitted), "{refusals:?}");
    let noted = service.audit(&service.owner(), &AuditFilter::default()).unwrap();
    let noted =
        noted.iter().filter(|row| row.entry.what == "record.own" && row.entry.user == "reader").count();
    assert_eq!(noted, 3);
    let (mut service, sender) = at(&house, "sender");
    service.delete_contacts(&sender, &[id]).unwrap();
    assert_eq!(names(&house, "reader"), [""; 0]);
    service.restore_contacts(&sender, &[id]).unwrap();
    assert_eq!(names(&house, "reader"), ["Anna"]);
}

#[test]
fn what_a_record_was_is_seen_and_brought_back_by_whoever_sees_the_record() {
    let house = House::new(&HOUSE);
    let id = added(&house, Visibility::Private);
    let (mut service, sender) = at(&house, "sender");
    service.edit_contact(&sender, id, &note("met in Riga"), None).unwrap();
    let version = service.versions(&sender, Some(id.into()), true, 10).unwrap()[0].id;
    let (mut others, reader) = at(&house, "reader");
    assert!(others.versions(&reader, None, true, 10).unwrap().is_empty());
    assert_eq!(others.version(&reader, version).unwrap_err().class, ErrorClass::NotFound);
    assert_eq!(others.restore_version(&reader, version).unwrap_err().class, ErrorClass::NotFound);
    assert_eq!(others.version(&reader, VersionId(99_999)).unwrap_err().class, ErrorClass::NotFound);
    service.restore_version(&sender, version).unwrap();
    assert!(!service.contact(&sender, id).unwrap().doc.card.contains("Riga"));
}

#[test]
fn a_personal_tag_is_its_makers_and_a_shared_one_is_changed_by_its_maker_or_an_administrator() {
    let house = House::new(&HOUSE);
    let id = added(&house, Visibility::All);
    let tag = |scope| LabelName { kind: LabelKind::Tag, name: "vip", scope: Some(scope) };
    let (mut service, sender) = at(&house, "sender");
    service.label_records(&sender, &[Labelled::Contact(id)], tag(LabelScope::Personal), true).unwrap();
    service.label_records(&sender, &[Labelled::Contact(id)], tag(LabelScope::Corporate), true).unwrap();
    let (mut others, reader) = at(&house, "reader");
    let seen = others.contact(&reader, id).unwrap().labels;
    assert_eq!(seen.iter().map(|label| label.scope).collect::<Vec<_>>(), [LabelScope::Corporate]);
    assert_eq!(others.labels(&reader, true).unwrap().len(), 1);
    let refused = others.remove_label(&reader, tag(LabelScope::Corporate)).unwrap_err();
    assert_eq!(refused.class, ErrorClass::NotPermitted);
    let absent = others.remove_label(&reader, tag(LabelScope::Personal)).unwrap_err();
    assert_eq!(absent.class, ErrorClass::NotFound);
    let (mut service, administrator) = at(&house, "administrator");
    service.remove_label(&administrator, tag(LabelScope::Corporate)).unwrap();
    assert_eq!(others.labels(&reader, true).unwrap().len(), 0);
    let (service, sender) = at(&house, "sender");
    let left = service.contact(&sender, id).unwrap().labels;
    assert_eq!(left.iter().map(|label| label.scope).collect::<Vec<_>>(), [LabelScope::Personal]);
}

#[test]
fn a_contact_is_tied_to_the_one_company_of_its_organisations_name_that_its_user_sees() {
    let house = House::new(&HOUSE);
    let (mut service, holder) = at(&house, "holder");
    let hidden = service.add_company(&holder, "Acme", &Visibility::Private).unwrap();
    let of_acme = |name: &str| {
        let fields = ContactChanges {
            display_name: Some(name.to_owned()),
            organization: Some("ACME".to_owned()),
            visibility: Some(Visibility::All),
            ..ContactChanges::default()
        };
        NewContact { fields }
    };
    let tied = |house: &House, user: &str, name: &str| {
        let (mut service, caller) = at(house, user);
        let id = service.add_contact(&caller, &of_acme(name)).unwrap();
        (id, service.contact(&caller, id).unwrap().company.map(|company| company.id))
    };
    assert_eq!(tied(&house, "sender", "Anna").1, None, "what one does not see is not there");
    let (of_holder, company) = tied(&house, "holder", "Boris");
    assert_eq!(company, Some(hidden));
    let (others, reader) = at(&house, "reader");
    assert_eq!(others.contact(&reader, of_holder).unwrap().company, None, "nor is its name told");
    let query = ContactQuery { limit: 9, ..ContactQuery::default() };
    assert!(others.contacts(&reader, &query).unwrap().iter().all(|row| row.company.is_none()));
    let seen = service.add_company(&holder, "Acme", &Visibility::All).unwrap();
    assert_eq!(tied(&house, "sender", "Vera").1, Some(seen), "of several the one that is seen");
    assert_eq!(tied(&house, "holder", "Gleb").1, None, "of several that are seen none");
}

#[test]
fn an_import_for_another_user_needs_to_act_as_them() {
    let house = House::new(&HOUSE);
    let card = b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna\r\nEND:VCARD\r\n";
    let (mut service, reader) = at(&house, "reader");
    let refused = service.import_contacts(&reader, card, Some("sender")).unwrap_err();
    assert_eq!(refused.class, ErrorClass::NotPermitted);
    let (mut service, deputy) = at(&house, "deputy");
    service.import_contacts(&deputy, card, Some("sender")).unwrap();
    assert_eq!((names(&house, "sender").len(), names(&house, "deputy").len()), (1, 0));
}
