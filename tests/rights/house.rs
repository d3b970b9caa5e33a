//! The house of the matrix: its files, a store with mail of two accounts, and callers by uid and by name.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use postrider::{
    access::UnixUsers,
    service::{Caller, Environment, Service},
    world::World,
};
use postrider_model::{
    Address, AddressRole, ContactId, Flags, FolderRole, MatchKey, OutboxId, PlacementId, Timestamp,
    Visibility,
};
use postrider_store::{
    Body, ContactDoc, Context, Envelope, Incoming, NewCollection, NewOutgoing, Options, Side, Store, Tx,
    Words,
};
use tempfile::TempDir;

use crate::matrix::UNIX_USERS;

/// The name of the store's owner.
pub const OWNER: &str = "u-owner";
/// A word that stands in every message.
pub const WORD: &str = "timetable";

/// What is in an account.
#[derive(Debug, Clone)]
pub struct Mailbox {
    /// Messages that are there.
    pub live: Vec<PlacementId>,
    /// One that is deleted.
    pub deleted: PlacementId,
    /// One that is to be sent.
    pub outgoing: OutboxId,
}

/// An installation.
pub struct House {
    home: TempDir,
    pub store: Store,
}

impl House {
    /// With those files, and nothing in the store.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let options = Options::new(home.path().join("store"), [7; 16], Timestamp(0));
        let house = Self { store: Store::open(&options).unwrap(), home };
        DirBuilder::new().mode(0o700).create(house.home.path().join("config")).unwrap();
        files.iter().for_each(|(name, text)| house.write(name, text));
        house
    }

    /// Writes a file of the configuration.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.home.path().join("config").join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    /// Adds an account as a command does; `None`: the store's owner's.
    pub fn account(&self, name: &str, user: Option<&str>) {
        let user = user.map(|user| format!("user = \"{user}\"\n")).unwrap_or_default();
        let toml = format!(
            "address = \"{name}@example.com\"\n{user}[credentials]\nstored = true\n[mail]\nload = true\nsend = true\n"
        );
        assert!(self.tx(|tx| tx.add_stored_account(name, &toml, false)), "{name} is new");
    }

    /// Adds a contact of that user, from whom all mail of this house is, for those to see.
    pub fn contact(&self, owner: &str, visibility: &Visibility) -> ContactId {
        let email = "somebody@example.org".to_owned();
        let doc = ContactDoc {
            card: format!("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{owner}\r\nEMAIL:{email}\r\nEND:VCARD\r\n"),
            name: owner.to_owned(),
            emails: vec![email],
            ..ContactDoc::default()
        };
        let context = Context {
            at: Timestamp(1),
            run: None,
            side: Side::Here,
            actor: owner.to_owned(),
            why: "added".to_owned(),
        };
        self.tx(|tx| tx.add_contact(owner, visibility, &doc, &context))
    }

    /// Puts mail into an account: so many messages in INBOX, one that is deleted, and one in the outbox.
    pub fn fill(&self, account: &str, count: u32) -> Mailbox {
        let (live, deleted, outgoing) = self.tx(|tx| {
            let id = tx.ensure_account(account, &format!("{account}@example.com"))?;
            let inbox = tx.create_collection(id, &folder("INBOX", Some(FolderRole::Inbox)))?;
            let incoming: Vec<Incoming> = (1..=count + 1).map(|uid| message(account, uid)).collect();
            let mut inserted = tx.insert_messages(inbox, &incoming)?;
            let deleted = inserted.pop().unwrap().placement;
            let context = Context {
                at: Timestamp(1),
                run: None,
                side: Side::Server,
                actor: account.to_owned(),
                why: "expunged on the server".to_owned(),
            };
            tx.delete_placements(&[deleted], &context)?;
            let outgoing = NewOutgoing {
                body: Body::new(b"Subject: out\r\n\r\nout\r\n".to_vec())?,
                message_id: format!("out.{account}@example.com"),
                subject: "out".to_owned(),
                sender: format!("{account}@example.com"),
                recipients: vec!["somebody@example.org".to_owned()],
                files: false,
            };
            let outgoing = tx.enqueue(id, &outgoing, Timestamp(1))?;
            Ok((inserted, deleted, outgoing))
        });
        let mut indexer = self.store.indexer().unwrap();
        let (_, newest) = indexer.behind().unwrap();
        let words = Words { text: WORD.to_owned(), ..Words::default() };
        let reached = indexer.behind().unwrap().0.0;
        let all: Vec<_> =
            (reached + 1..=newest.0).map(|id| (postrider_model::MessageId(id), words.clone())).collect();
        indexer.add(&all).unwrap();
        indexer.commit().unwrap();
        Mailbox { live: live.iter().map(|one| one.placement).collect(), deleted, outgoing }
    }

    fn tx<R>(&self, work: impl FnOnce(&mut Tx<'_>) -> postrider_store::Result<R>) -> R {
        self.store.writer().unwrap().transaction(work).unwrap()
    }

    /// The use cases, over the files as they are now.
    pub fn service(&self) -> Service {
        self.service_in(World::real())
    }

    /// The same in another world.
    pub fn service_in(&self, world: World) -> Service {
        let world = World { unix_users: Arc::new(System), ..world };
        let environment = Environment {
            config_dir: self.home.path().join("config"),
            default_store: self.home.path().join("store"),
            default_socket: self.home.path().join("api.sock"),
            home: None,
            path: "/usr/bin:/bin".to_owned(),
            credentials: None,
            uid: rustix::process::geteuid().as_raw(),
            user: OWNER.to_owned(),
            machine_id: None,
            time_zone: None,
        };
        Service::open(world, environment).unwrap()
    }
}

/// A caller of the matrix, as the socket knows them (`true`) or as a token does.
pub fn caller(service: &Service, name: &str, by_uid: bool) -> Caller {
    if name == "owner" {
        return service.owner();
    }
    if let Some((actor, user)) = name.split_once(" for ") {
        return service.act_as(&caller(service, actor, by_uid), user).unwrap();
    }
    if !by_uid {
        return service.caller_of_user(name, name).unwrap();
    }
    let (_, _, uid) = UNIX_USERS.iter().find(|(user, ..)| *user == name).unwrap();
    service.caller_of_uid(*uid).unwrap()
}

/// The system's users that the matrix names.
struct System;

impl UnixUsers for System {
    fn uid_of(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(UNIX_USERS.iter().find(|(_, unix_user, _)| *unix_user == name).map(|(.., uid)| *uid))
    }
}

fn folder(name: &str, role: Option<FolderRole>) -> NewCollection {
    NewCollection { key: name.to_owned(), name: name.to_owned(), role, mailbox_id: None }
}

fn message(account: &str, uid: u32) -> Incoming {
    let subject = format!("{account} {uid}");
    let body = Body::new(format!("Subject: {subject}\r\n\r\n{WORD}\r\n").into_bytes()).unwrap();
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
            message_id: Some(format!("{uid}.{account}@example.org")),
            thread: None,
            match_key: Some(MatchKey(key)),
            date: Some(Timestamp::from_seconds(i64::from(uid))),
            subject,
            addresses: vec![Address {
                role: AddressRole::From,
                name: String::new(),
                email: "somebody@example.org".to_owned(),
            }],
            structure: "{}".to_owned(),
            has_attachment: false,
            snippet: WORD.to_owned(),
        },
    }
}
