//! A store in a temporary directory with one account and one folder, and messages made of a few words.

use std::path::PathBuf;

use postrider_model::{
    AccountId, Address, AddressRole, CollectionId, Flags, MatchKey, PlacementId, RunId, Timestamp,
};
use postrider_store::{
    Body, Context, Envelope, Incoming, Inserted, NewCollection, Options, Reader, Side, Store, Tx, Writer,
};

/// A store with what most tests need of it.
pub struct Fixture {
    pub store: Store,
    pub writer: Writer,
    pub account: AccountId,
    pub inbox: CollectionId,
    _home: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&options(home.path().join("store"))).unwrap();
        let mut writer = store.writer().unwrap();
        let (account, inbox) = writer
            .transaction(|tx| {
                let account = tx.ensure_account("work", "me@example.test")?;
                Ok((account, tx.create_collection(account, &folder("INBOX"))?))
            })
            .unwrap();
        Self { store, writer, account, inbox, _home: home }
    }

    /// In a transaction.
    pub fn tx<R>(&mut self, job: impl FnOnce(&mut Tx<'_>) -> postrider_store::Result<R>) -> R {
        self.writer.transaction(job).unwrap()
    }

    pub fn folder(&mut self, name: &str) -> CollectionId {
        let account = self.account;
        self.tx(|tx| tx.create_collection(account, &folder(name)))
    }

    pub fn insert(&mut self, collection: CollectionId, incoming: &[Incoming]) -> Vec<Inserted> {
        self.tx(|tx| tx.insert_messages(collection, incoming))
    }

    /// Messages of those UIDs, each of its own bytes.
    pub fn fill(
        &mut self,
        collection: CollectionId,
        uids: std::ops::RangeInclusive<u32>,
    ) -> Vec<PlacementId> {
        let incoming: Vec<_> = uids.map(|uid| message(uid, &format!("text {collection:?} {uid}"))).collect();
        self.insert(collection, &incoming).into_iter().map(|one| one.placement).collect()
    }

    pub fn reader(&self) -> Reader {
        self.store.reader().unwrap()
    }

    pub fn bytes(&self, id: PlacementId) -> Vec<u8> {
        let mut out = Vec::new();
        self.reader().body(id, &mut out).unwrap();
        out
    }
}

pub fn options(dir: PathBuf) -> Options {
    Options::new(dir, [9; 16], Timestamp(0))
}

pub fn folder(name: &str) -> NewCollection {
    NewCollection { key: name.to_owned(), name: name.to_owned(), role: None, mailbox_id: None }
}

pub fn raw(text: &str) -> Vec<u8> {
    format!("Subject: {text}\r\n\r\n{text}\r\n").into_bytes()
}

/// A message that arrived `uid` seconds after the beginning of time.
pub fn message(uid: u32, text: &str) -> Incoming {
    let body = Body::new(raw(text)).unwrap();
    let mut key = [0; 16];
    key.copy_from_slice(&body.hash()[..16]);
    Incoming {
        uid,
        flags: Flags::NONE,
        mod_seq: None,
        internal_date: Some(Timestamp::from_seconds(i64::from(uid))),
        email_id: None,
        body,
        envelope: Envelope {
            message_id: Some(format!("{text}@example.test")),
            thread: None,
            match_key: Some(MatchKey(key)),
            date: Some(Timestamp::from_seconds(7)),
            subject: text.to_owned(),
            addresses: vec![
                address(AddressRole::From, "Anna", "Anna@Example.test"),
                address(AddressRole::To, "", "me@example.test"),
            ],
            structure: "{}".to_owned(),
            has_attachment: false,
            snippet: text.to_owned(),
        },
    }
}

pub fn address(role: AddressRole, name: &str, email: &str) -> Address {
    Address { role, name: name.to_owned(), email: email.to_owned() }
}

pub fn flags(names: &[&str]) -> Flags {
    Flags::from_wire(names.iter().copied())
}

/// A change that came in at that second.
pub fn at(second: i64) -> Context {
    Context {
        at: Timestamp::from_seconds(second),
        run: Some(RunId(1)),
        side: Side::Server,
        actor: "work".to_owned(),
        why: "expunged on the server".to_owned(),
    }
}
