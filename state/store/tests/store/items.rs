//! Collections of contacts and activities, links, writes on their way, plans that wait.

use postrider_journal::{Event, ItemOperation, State};
use postrider_model::{
    CollectionKey, CollectionKind, ContactId, ItemCollectionId, ItemCursor, ItemKey, ItemVersion, LinkId,
    Timestamp, Visibility,
};
use postrider_store::{
    About, Base, ContactDoc, Context, GoneThere, HeldItems, NewItemCollection, NewItemHeld, NewLink, Origin,
    Side, StoreError, Superseded, Tx,
};

use crate::fixture::Fixture;

fn context(at: i64) -> Context {
    Context { at: Timestamp(at), run: None, side: Side::Server, actor: "work".into(), why: "a test".into() }
}

fn book(f: &mut Fixture, key: &str) -> ItemCollectionId {
    let account = f.account;
    let (key, name) = (CollectionKey(key.to_owned()), "Friends".to_owned());
    let new = NewItemCollection { kind: CollectionKind::AddressBook, key, name, mark: None };
    f.tx(|tx| tx.add_item_collection(account, &new))
}

fn contact(f: &mut Fixture, name: &str) -> ContactId {
    let doc = ContactDoc { card: name.to_owned(), name: name.to_owned(), ..ContactDoc::default() };
    f.tx(|tx| tx.add_contact("anna", &Visibility::Private, &doc, &context(1)))
}

fn base(version: &str) -> Base {
    Base {
        version: ItemVersion(version.to_owned()),
        image: format!("image {version}"),
        agreed: format!("agreed {version}"),
        there: Some(Timestamp(7)),
    }
}

fn new_link(collection: ItemCollectionId, key: &str, record: ContactId) -> NewLink {
    let key = ItemKey(key.to_owned());
    NewLink { collection, key, record: record.into(), origin: Origin::Imported, mark: None, base: base("1") }
}

fn linked(f: &mut Fixture, collection: ItemCollectionId, names: &[&str]) -> Vec<LinkId> {
    names
        .iter()
        .map(|name| {
            let record = contact(f, name);
            f.tx(|tx| tx.add_link(&new_link(collection, name, record)))
        })
        .collect()
}

fn leavings(f: &Fixture, collection: ItemCollectionId) -> NewItemHeld<'static> {
    NewItemHeld {
        account: f.account,
        collection: Some(collection),
        what: HeldItems::Leavings,
        name: "Friends",
        why: "too many",
        total: 9,
    }
}

#[test]
fn a_frozen_collection_keeps_all_it_has_and_makes_room_for_another_of_its_key() {
    let mut f = Fixture::new();
    let old = book(&mut f, "g1");
    let link = linked(&mut f, old, &["Anna"])[0];
    let account = f.account;
    f.tx(|tx| {
        tx.set_item_cursor(old, &ItemCursor("c1".into()), Timestamp(5))?;
        tx.freeze_item_collection(old, Timestamp(6), "it vanished")?;
        tx.freeze_item_collection(old, Timestamp(7), "again")
    });
    let new = book(&mut f, "g1");
    let all = f.tx(|tx| tx.item_collections(account));
    assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [old, new]);
    assert_eq!(all[0].gone, Some((Timestamp(6), "it vanished".to_owned())));
    assert_eq!(all[0].cursor, Some((ItemCursor("c1".into()), Timestamp(5))));
    assert_eq!(f.tx(|tx| tx.live_links(old)).len(), 1);
    f.tx(|tx| tx.freeze_item_collection(new, Timestamp(8), "chosen no more"));
    f.tx(|tx| tx.thaw_item_collection(old));
    let dirty = f.tx(|tx| tx.dirty_links(old));
    assert_eq!(dirty.iter().map(|one| one.id).collect::<Vec<_>>(), [link], "it may have missed something");
}

#[test]
fn what_is_said_again_is_not_written() {
    let mut f = Fixture::new();
    let book = book(&mut f, "g1");
    let link = linked(&mut f, book, &["Anna"])[0];
    let account = f.account;
    let said = |tx: &mut Tx<'_>| {
        tx.name_item_collection(book, "Friends")?;
        tx.set_item_cursor(book, &ItemCursor("c1".into()), Timestamp(5))?;
        tx.set_base(link, &base("2"))?;
        tx.set_export_reach(account, "contact", "all", 3)
    };
    f.tx(said);
    let before = f.writer.commits();
    f.tx(said);
    f.tx(|tx| {
        tx.hold_leavings(&NewItemHeld { collection: Some(book), ..held_of(account) }, &[], Timestamp(1))
    });
    assert_eq!(f.writer.commits(), before);
}

fn held_of(account: postrider_model::AccountId) -> NewItemHeld<'static> {
    let what = HeldItems::Leavings;
    NewItemHeld { account, collection: None, what, name: "Friends", why: "too many", total: 9 }
}

#[test]
fn an_item_is_one_record_and_a_record_one_item_of_a_collection() {
    let mut f = Fixture::new();
    let (one, other) = (book(&mut f, "g1"), book(&mut f, "g2"));
    let (anna, boris) = (contact(&mut f, "Anna"), contact(&mut f, "Boris"));
    let link = f.tx(|tx| tx.add_link(&new_link(one, "k1", anna)));
    assert!(f.writer.transaction(|tx| tx.add_link(&new_link(one, "k1", boris))).is_err());
    assert!(f.writer.transaction(|tx| tx.add_link(&new_link(one, "k2", anna))).is_err());
    f.tx(|tx| tx.add_link(&new_link(other, "k1", anna)));
    f.tx(|tx| tx.leave_link(link, Side::Server));
    let again = f.tx(|tx| tx.add_link(&new_link(one, "k2", anna)));
    let account = f.account;
    let links = f.tx(|tx| tx.links_of_record(account, anna));
    assert_eq!(links.iter().filter(|link| link.left.is_none()).count(), 2);
    assert_eq!(links[0].left, Some(Side::Server));
    f.tx(|tx| tx.add_link(&new_link(one, "k1", boris)));
    assert_eq!(f.tx(|tx| tx.link(link)), None, "what is linked again is no memory");
    assert_eq!(f.tx(|tx| tx.link_of_item(one, &ItemKey("k2".into()))).unwrap().id, again);
}

#[test]
fn a_base_settles_what_was_to_be_decided() {
    let mut f = Fixture::new();
    let book = book(&mut f, "g1");
    let link = linked(&mut f, book, &["Anna"])[0];
    f.tx(|tx| tx.set_dirty(link, Some(GoneThere::Left)));
    let dirty = f.tx(|tx| tx.dirty_links(book));
    assert_eq!((dirty.len(), dirty[0].gone), (1, Some(GoneThere::Left)));
    f.tx(|tx| tx.set_base(link, &base("2")));
    let found = f.tx(|tx| tx.link(link)).unwrap();
    assert_eq!((found.base, found.is_dirty, found.gone), (base("2"), false, None));
}

#[test]
fn each_change_of_a_record_has_a_number_that_is_never_used_again() {
    let mut f = Fixture::new();
    let (anna, boris) = (contact(&mut f, "Anna"), contact(&mut f, "Boris"));
    let stamp = f.tx(|tx| tx.stamp());
    let since = |f: &mut Fixture, stamp| f.tx(|tx| tx.records_since("contact", stamp));
    assert_eq!(since(&mut f, 0), [anna.into(), boris.into()]);
    assert_eq!(since(&mut f, stamp), []);
    f.tx(|tx| tx.show_to(anna, &Visibility::All, &context(2)));
    assert_eq!(since(&mut f, stamp), [anna.into()]);
    f.tx(|tx| tx.delete_record(boris, &context(3)));
    let newest = f.tx(|tx| tx.stamp());
    f.tx(|tx| tx.purge_records(Timestamp(10), 9));
    contact(&mut f, "Carla");
    assert_eq!(since(&mut f, newest).len(), 1, "though the record with the highest number is erased");
}

#[test]
fn a_record_is_erased_once_its_server_knows_and_its_leaving_is_remembered() {
    let mut f = Fixture::new();
    let book = book(&mut f, "g1");
    let anna = contact(&mut f, "Anna");
    let link = f.tx(|tx| tx.add_link(&new_link(book, "k1", anna)));
    f.tx(|tx| tx.delete_record(anna, &context(2)));
    while f.tx(|tx| tx.purge_records(Timestamp(10), 9)) > 0 {}
    assert!(f.tx(|tx| tx.contact(anna)).is_some(), "the server has it still");
    f.tx(|tx| tx.leave_link(link, Side::Here));
    assert_eq!(f.tx(|tx| tx.purge_records(Timestamp(10), 9)), 1);
    assert!(f.tx(|tx| tx.contact(anna)).is_none());
    let left = f.tx(|tx| tx.link(link)).unwrap();
    assert_eq!((left.record, left.left, left.base.agreed.as_str()), (None, Some(Side::Here), ""));
}

#[test]
fn a_write_is_noted_once_and_ends_once() {
    let mut f = Fixture::new();
    let book = book(&mut f, "g1");
    let anna = contact(&mut f, "Anna");
    let about = About { account: f.account, collection: Some(book), record: Some(anna.into()), link: None };
    let create = ItemOperation::Create { said: None };
    let id = f.tx(|tx| tx.add_item_intent(about, &create, Timestamp(1)));
    assert_eq!(f.tx(|tx| tx.add_item_intent(about, &create, Timestamp(2))), id);
    f.tx(|tx| {
        tx.set_item_operation(id, &ItemOperation::Create { said: Some("Anna".into()) })?;
        tx.step_item_intent(id, Event::Send)?;
        tx.step_item_intent(id, Event::Lost { due: Timestamp(9) })
    });
    assert_eq!(f.tx(|tx| tx.add_item_intent(about, &create, Timestamp(3))), id, "it may have been done");
    let row = f.tx(|tx| tx.item_intent(id)).unwrap();
    assert_eq!((row.intent.state, row.intent.due), (State::Unknown, Timestamp(9)));
    assert_eq!(row.operation, ItemOperation::Create { said: Some("Anna".into()) });
    assert_eq!(f.tx(|tx| tx.item_intent_of_mark(row.intent.mark)).map(|row| row.id), Some(id));
    f.tx(|tx| tx.step_item_intent(id, Event::Found));
    assert_eq!(f.tx(|tx| tx.item_intent(id)), None);
    let next = f.tx(|tx| tx.add_item_intent(about, &create, Timestamp(4)));
    assert!(next > id);
}

#[test]
fn writes_of_mail_and_of_items_have_marks_of_one_row() {
    let mut f = Fixture::new();
    let (account, inbox) = (f.account, f.inbox);
    let placement = f.fill(inbox, 1..=1)[0];
    let append = postrider_journal::Operation::Append { copy_of: None, floor: None };
    let about = About { account, collection: None, record: None, link: None };
    let make = ItemOperation::MakeCollection { kind: CollectionKind::AddressBook, name: "Friends".into() };
    let first = f.tx(|tx| tx.add_intent(account, placement, inbox, &append, Timestamp(1)));
    let second = f.tx(|tx| tx.add_item_intent(about, &make, Timestamp(1)));
    let third = f.tx(|tx| tx.add_intent(account, placement, inbox, &append, Timestamp(1)));
    assert_eq!([second, third], [first + 1, first + 2]);
}

#[test]
fn what_leaves_waits_as_one_plan_until_it_is_let_through_or_is_another() {
    let mut f = Fixture::new();
    let book = book(&mut f, "g1");
    let links = linked(&mut f, book, &["Anna", "Boris", "Carla"]);
    let held = leavings(&f, book);
    let plan = f.tx(|tx| tx.hold_leavings(&held, &links[..2], Timestamp(1))).unwrap();
    let before = f.writer.commits();
    assert_eq!(f.tx(|tx| tx.hold_leavings(&held, &links[..2], Timestamp(2))), Some(plan));
    assert_eq!(f.writer.commits(), before, "the same again is the same plan");
    let told = f.reader().held(f.account).unwrap();
    assert_eq!((told.len(), told[0].id, told[0].deletions, told[0].total), (1, plan, 2, 9));
    assert_eq!((told[0].folder.as_str(), told[0].why.as_str()), ("Friends", "too many"));
    let grown = f.tx(|tx| tx.hold_leavings(&held, &links, Timestamp(3))).unwrap();
    assert_ne!(grown, plan);
    let refused = f.writer.transaction(|tx| tx.allow(plan, &context(4)));
    assert!(matches!(refused, Err(StoreError::NoSuchPlan(id)) if id == plan), "{refused:?}");
    assert_eq!(f.reader().account_of_plan(grown).unwrap(), Some(f.account));
    assert_eq!(f.tx(|tx| tx.allow(grown, &context(5))), (3, Side::Here));
    let dirty = f.tx(|tx| tx.dirty_links(book));
    assert!(dirty.len() == 3 && dirty.iter().all(|link| link.is_allowed && link.held.is_none()));
    assert!(f.reader().held(f.account).unwrap().is_empty());
}

#[test]
fn a_plan_in_which_nothing_waits_is_none() {
    let mut f = Fixture::new();
    let book = book(&mut f, "g1");
    let links = linked(&mut f, book, &["Anna"]);
    let held = leavings(&f, book);
    f.tx(|tx| tx.hold_leavings(&held, &links, Timestamp(1)));
    f.tx(|tx| tx.set_base(links[0], &base("2")));
    assert!(f.reader().held(f.account).unwrap().is_empty());
}

#[test]
fn a_plan_about_a_collection_waits_until_it_is_carried_out() {
    let mut f = Fixture::new();
    let key = CollectionKey("g9".into());
    let held = NewItemHeld { what: HeldItems::Use(key.clone()), ..held_of(f.account) };
    let plan = f.tx(|tx| tx.hold_collection(&held, Timestamp(1)));
    assert!(!plan.is_allowed);
    assert_eq!(f.tx(|tx| tx.hold_collection(&held, Timestamp(2))), plan);
    assert_eq!(f.tx(|tx| tx.allow(plan.id, &context(3))), (0, Side::Here));
    let account = f.account;
    let plans = f.tx(|tx| tx.held_collections(account));
    assert_eq!((plans.len(), plans[0].is_allowed, &plans[0].what), (1, true, &HeldItems::Use(key)));
    assert!(f.reader().held(f.account).unwrap().is_empty(), "nobody is asked any more");
    let again = NewItemHeld { what: HeldItems::Again(None), ..held_of(f.account) };
    let other = f.tx(|tx| tx.hold_collection(&again, Timestamp(4)));
    assert!(other.id != plan.id && other.what == HeldItems::Again(None) && !other.is_allowed);
}

#[test]
fn plans_of_mail_and_of_items_have_names_of_one_row() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let placements = f.fill(inbox, 1..=3);
    let first = f.tx(|tx| tx.hold(inbox, Side::Server, "many", &placements, 3, Timestamp(1)));
    let held = NewItemHeld { what: HeldItems::Again(None), ..held_of(f.account) };
    let second = f.tx(|tx| tx.hold_collection(&held, Timestamp(1)));
    let third = f.tx(|tx| tx.hold(inbox, Side::Server, "many", &placements[..2], 3, Timestamp(1)));
    assert_eq!([second.id.0, third.0], [first.0 + 1, first.0 + 2]);
    assert_eq!(f.reader().held(f.account).unwrap().len(), 2);
}

#[test]
fn the_version_that_lost_is_kept_whole_with_who_when_and_why() {
    let mut f = Fixture::new();
    let anna = contact(&mut f, "Anna");
    let doc = |card: &str| ContactDoc { card: card.into(), name: card.into(), ..ContactDoc::default() };
    let took = f.tx(|tx| tx.take_contact(anna, &doc("Anna there"), Timestamp(50), true, &context(60)));
    assert!(took);
    let (doc, name, changed) = ("Anna elsewhere", "Anna E.", Some(Timestamp(40)));
    let elsewhere = Superseded { doc, name, changed, by: "work" };
    f.tx(|tx| tx.note_superseded(anna, &elsewhere, &context(61)));
    let lost = f.reader().versions(&postrider_store::Viewer::Everything, None, false, 9).unwrap();
    let told: Vec<_> = lost.iter().map(|one| (one.at.0, one.side.as_str(), one.is_conflict)).collect();
    assert_eq!(told, [(61, "server", true), (60, "server", true)]);
    assert_eq!(lost.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Anna E.", "Anna"]);
    let snapshots: Vec<String> =
        lost.iter().map(|one| f.reader().snapshot(one.id).unwrap().unwrap()).collect();
    assert!(snapshots[0].contains("Anna elsewhere") && snapshots[0].contains("\"changed_us\":40"));
    assert!(snapshots[1].contains("\"doc\":\"Anna\""));
    let now = f.tx(|tx| tx.contact(anna)).unwrap();
    assert_eq!((now.doc.card.as_str(), now.record.changed), ("Anna there", Timestamp(50)));
    assert_eq!(
        f.tx(|tx| tx.planned_contact(anna)).map(|one| one.content_changed),
        Some(Timestamp(50)),
        "a pull keeps the time of origin"
    );
    assert_eq!(f.writer.transaction(|tx| tx.stamp()).unwrap(), 2);
}

#[test]
fn what_was_noted_is_uncertain_away_from_home_and_marks_of_the_original_are_not_used_again() {
    let mut f = Fixture::new();
    let book = book(&mut f, "g1");
    let anna = contact(&mut f, "Anna");
    let about = About { account: f.account, collection: Some(book), record: Some(anna.into()), link: None };
    let id = f.tx(|tx| tx.add_item_intent(about, &ItemOperation::Create { said: None }, Timestamp(1)));
    let options = postrider_store::Options {
        machine_id: Some("another machine".to_owned()),
        now: Timestamp(1_000_000),
        ..crate::fixture::options(f.store.dir().to_owned())
    };
    let mut writer = postrider_store::Store::open(&options).unwrap().writer().unwrap();
    let row = writer.transaction(|tx| tx.item_intent(id)).unwrap().unwrap();
    assert_eq!(row.intent.state, State::Unknown, "the original may have sent it since");
    let about = About { record: None, ..about };
    let later =
        writer.transaction(|tx| tx.add_item_intent(about, &ItemOperation::Leave, Timestamp(2))).unwrap();
    assert!(later > 1_000_000, "what the original makes has marks that this one never draws: {later}");
}
