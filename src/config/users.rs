//! `users.toml`: who is known, in which roles, and what they may do (F7.3). `shared-mailboxes.d/NAME.toml`: who may use an
//! account besides its user (F7.1).
//!
//! Both are read and checked here; the rights themselves are kept elsewhere. Where `users.toml` is wrong nothing starts: a right
//! that was meant to be refused must not be given because a line did not parse.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    error::{Origin, quoted},
    name::{ADDRESS_FORM, NAME_FORM, parse_address, parse_name},
    reader::Section,
};

/// Everyone who is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Users {
    /// The users by name.
    pub users: BTreeMap<String, User>,
    /// The names of the roles.
    pub roles: BTreeSet<String>,
    /// Who may do what.
    pub grants: Vec<Grant>,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name of the system's user by which callers are known; at most one user has it.
    pub unix_user: Option<String>,
    /// The user's addresses, with their domains in lower case.
    pub addresses: Vec<String>,
    /// The roles that the user has.
    pub roles: BTreeSet<String>,
}

/// To whom something is granted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// The user of that name.
    User(String),
    /// Every user with that role.
    Role(String),
}

/// What may be granted (F7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Providers, hosts, credentials, commands, file paths, domains for all.
    Administer,
    /// Making a mailbox shared.
    ConnectSharedMailbox,
    /// Changing the grants of a shared mailbox.
    ManageSharedMailboxSync,
    /// Calling in another user's name.
    ActAs,
}

impl Operation {
    /// All there are.
    pub const ALL: [Self; 4] =
        [Self::Administer, Self::ConnectSharedMailbox, Self::ManageSharedMailboxSync, Self::ActAs];

    /// As `users.toml` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administer => "administer",
            Self::ConnectSharedMailbox => "connect-shared-mailbox",
            Self::ManageSharedMailboxSync => "manage-shared-mailbox-sync",
            Self::ActAs => "act-as",
        }
    }
}

/// Operations granted to a user or a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// To whom.
    pub to: Grantee,
    /// Which.
    pub operations: BTreeSet<Operation>,
}

impl Users {
    /// Reads the outermost table of `users.toml`.
    pub(super) fn parse(root: Section<'_, '_>) -> Self {
        let mut read = Self::default();
        for section in root.tables("role") {
            read.read_role(section);
        }
        for section in root.tables("user") {
            read.read_user(section);
        }
        for section in root.tables("grant") {
            let to = grantee(&section);
            if let Some(to) = &to {
                read.check_grantee(&section, to);
            }
            let words = Operation::ALL.map(|operation| (operation.name(), operation));
            let operations = section.choices("operations", &words);
            let operations = section.required("operations", operations, "a list of operations");
            section.finish();
            if let (Some(to), Some(operations)) = (to, operations) {
                read.grants.push(Grant { to, operations: operations.into_iter().collect() });
            }
        }
        root.finish();
        read
    }

    fn read_role(&mut self, section: Section<'_, '_>) {
        let name = section.parsed("name", NAME_FORM, parse_name);
        if let Some(name) = section.required("name", name, NAME_FORM) {
            if self.roles.contains(&name) {
                section.error("name", quoted(&name), "a name that no other role has");
            }
            self.roles.insert(name);
        }
        section.finish();
    }

    fn read_user(&mut self, section: Section<'_, '_>) {
        let name = section.parsed("name", NAME_FORM, parse_name);
        let name = section.required("name", name, NAME_FORM);
        let unix_user = section.parsed("unix_user", "the name of a user of this system", parse_name);
        let addresses = section.list("addresses", &format!("a list, each {ADDRESS_FORM}"), parse_address);
        let roles = section.list("roles", "a list of names of roles", parse_name);
        let user = User {
            unix_user,
            addresses: addresses.unwrap_or_default(),
            roles: roles.unwrap_or_default().into_iter().collect(),
        };
        self.check_user(&section, name.as_deref(), &user);
        section.finish();
        if let Some(name) = name {
            self.users.insert(name, user);
        }
    }

    /// No name, system user or address has two owners: an uid that two users claim is nobody's (F7.5).
    fn check_user(&self, section: &Section<'_, '_>, name: Option<&str>, user: &User) {
        if let Some(name) = name.filter(|name| self.users.contains_key(*name)) {
            section.error("name", quoted(name), "a name that no other user has");
        }
        let claimed =
            self.users.values().any(|other| other.unix_user.is_some() && other.unix_user == user.unix_user);
        if let Some(unix_user) = user.unix_user.as_ref().filter(|_| claimed) {
            section.error("unix_user", quoted(unix_user), "a system user that no other user has");
        }
        for address in &user.addresses {
            if self.users.values().any(|other| other.addresses.contains(address)) {
                section.error("addresses", quoted(address), "addresses that no other user has");
            }
        }
        for role in user.roles.iter().filter(|role| !self.roles.contains(*role)) {
            section.error(
                "roles",
                quoted(role),
                format!("a role that is declared by [[role]]{}", self.known_roles()),
            );
        }
    }

    fn check_grantee(&self, section: &Section<'_, '_>, to: &Grantee) {
        match to {
            Grantee::User(name) if !self.users.contains_key(name) => {
                section.error("user", quoted(name), "a user that is declared by [[user]]");
            }
            Grantee::Role(name) if !self.roles.contains(name) => {
                section.error(
                    "role",
                    quoted(name),
                    format!("a role that is declared by [[role]]{}", self.known_roles()),
                );
            }
            _ => {}
        }
    }

    fn known_roles(&self) -> String {
        match self.roles.is_empty() {
            true => String::new(),
            false => format!(" ({})", self.roles.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Reads `user` or `role`, of which exactly one is given.
fn grantee(section: &Section<'_, '_>) -> Option<Grantee> {
    let user = section.parsed("user", NAME_FORM, parse_name);
    let role = section.parsed("role", NAME_FORM, parse_name);
    match (section.gives("user"), section.gives("role")) {
        (true, true) => section.error("role", "both user and role", "one of user, role"),
        (false, false) => section.error("role", "nothing", "one of user, role"),
        _ => {}
    }
    user.map(Grantee::User).or(role.map(Grantee::Role))
}

/// An account that others may use too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedMailbox {
    /// The account's name.
    pub account: String,
    /// What is granted to whom.
    pub grants: Vec<MailboxGrant>,
    /// Where it was defined.
    pub origin: Origin,
}

/// What one user or role may do with a shared mailbox (F7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxGrant {
    /// To whom.
    pub to: Grantee,
    /// Seeing its messages. Implied by `send`.
    pub read: bool,
    /// Sending as its address.
    pub send: bool,
    /// Changing its name, folders, period, interval and signature text.
    pub configure: bool,
}

/// Reads the outermost table of a file of `shared-mailboxes.d`: the account's name and the grants.
pub(super) fn parse_shared_mailbox(root: Section<'_, '_>) -> Option<(String, Vec<MailboxGrant>)> {
    let account = root.parsed("account", "the name of an account", parse_name);
    let account = root.required("account", account, "the name of an account");
    let sections = root.tables("grant");
    if sections.is_empty() && !root.gives("grant") {
        root.error("grant", "nothing", "at least one [[grant]]");
    }
    let grants = sections.into_iter().filter_map(mailbox_grant).collect();
    root.finish();
    account.map(|account| (account, grants))
}

fn mailbox_grant(section: Section<'_, '_>) -> Option<MailboxGrant> {
    let to = grantee(&section);
    let send = section.bool("send").unwrap_or(false);
    let read = section.bool("read");
    if send && read == Some(false) {
        section.error("read", "false", "true, since send implies read");
    }
    let configure = section.bool("configure").unwrap_or(false);
    section.finish();
    to.map(|to| MailboxGrant { to, read: read.unwrap_or(false) || send, send, configure })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{error::OriginKind, reader::Source};

    fn users(text: &str) -> Result<Users, Vec<String>> {
        Source::read(OriginKind::File, "users.toml", text, |root| Some(Users::parse(root)))
            .map(|(users, _)| users)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    fn mailbox(text: &str) -> Result<(String, Vec<MailboxGrant>), Vec<String>> {
        Source::read(OriginKind::File, "shared-mailboxes.d/support.toml", text, parse_shared_mailbox)
            .map(|(mailbox, _)| mailbox)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn users_roles_and_grants_are_read() {
        let read = users(
            r#"
            [[user]]
            name = "e.mirny"
            unix_user = "emirny"
            addresses = ["e.mirny@Example.com"]
            roles = ["sales"]
            [[role]]
            name = "sales"
            [[grant]]
            role = "sales"
            operations = ["connect-shared-mailbox", "act-as"]
            [[grant]]
            user = "e.mirny"
            operations = "administer"
            "#,
        )
        .unwrap();
        let user = User {
            unix_user: Some("emirny".into()),
            addresses: vec!["e.mirny@example.com".into()],
            roles: BTreeSet::from(["sales".into()]),
        };
        assert_eq!(read.users, BTreeMap::from([("e.mirny".into(), user)]));
        assert_eq!(
            read.grants,
            [
                Grant {
                    to: Grantee::Role("sales".into()),
                    operations: BTreeSet::from([Operation::ConnectSharedMailbox, Operation::ActAs]),
                },
                Grant {
                    to: Grantee::User("e.mirny".into()),
                    operations: BTreeSet::from([Operation::Administer]),
                },
            ]
        );
    }

    #[test]
    fn what_is_claimed_twice_or_not_declared_is_refused() {
        let errors = users(
            "[[user]]\nname = \"a\"\nunix_user = \"u\"\naddresses = [\"a@b.c\"]\n[[user]]\nname = \"b\"\nunix_user = \
             \"u\"\naddresses = [\"a@B.c\"]\nroles = [\"x\"]\n[[grant]]\nuser = \"c\"\noperations = [\"administrate\"]\n",
        )
        .unwrap_err();
        assert_eq!(
            errors,
            [
                "users.toml:7: user[2].unix_user: found \"u\", expected a system user that no other user has",
                "users.toml:8: user[2].addresses: found \"a@b.c\", expected addresses that no other user has",
                "users.toml:9: user[2].roles: found \"x\", expected a role that is declared by [[role]]",
                "users.toml:11: grant[1].user: found \"c\", expected a user that is declared by [[user]]",
                "users.toml:12: grant[1].operations: found \"administrate\", expected one of administer, \
                 connect-shared-mailbox, manage-shared-mailbox-sync, act-as",
            ]
        );
    }

    #[test]
    fn a_shared_mailbox_is_read_and_sending_implies_reading() {
        let read = mailbox("account = \"support\"\n[[grant]]\nrole = \"service\"\nsend = true\n").unwrap();
        let grant =
            MailboxGrant { to: Grantee::Role("service".into()), read: true, send: true, configure: false };
        assert_eq!(read, ("support".into(), vec![grant]));
    }

    #[test]
    fn a_wrong_shared_mailbox_is_told() {
        let errors = mailbox("[[grant]]\nread = false\nsend = true\n[[grant]]\nuser = \"a\"\nrole = \"b\"\n")
            .unwrap_err();
        assert_eq!(
            errors,
            [
                "shared-mailboxes.d/support.toml: account: found nothing, expected the name of an account",
                "shared-mailboxes.d/support.toml:1: grant[1].role: found nothing, expected one of user, role",
                "shared-mailboxes.d/support.toml:2: grant[1].read: found false, expected true, since send implies read",
                "shared-mailboxes.d/support.toml:6: grant[2].role: found both user and role, expected one of user, role",
            ]
        );
        assert_eq!(
            mailbox("account = \"a\"\n").unwrap_err(),
            ["shared-mailboxes.d/support.toml: grant: found nothing, expected at least one [[grant]]"]
        );
    }
}
