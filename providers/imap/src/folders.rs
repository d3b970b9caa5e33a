//! The folder listing: after the login in one flight, with each folder's state where the server can (LIST-STATUS, RFC 5819).
//!
//! STATUS is asked folder by folder, again in one flight, only of servers with CONDSTORE: without a HIGHESTMODSEQ no state
//! shows that nothing changed, so that the folder has to be opened anyway.

use std::collections::BTreeMap;

use postrider_model::{FolderRole, FolderStatus};
use postrider_remote::{FolderKey, RemoteFolder};

use crate::{
    codec::{
        command::Command,
        listing::{ListRow, StatusRow},
        response::Data,
    },
    connection::{Connection, done, passing},
    fault::{During, Failure},
    name,
    settings::ImapSettings,
};

/// How many folders' states are asked for in one flight.
const FLIGHT: usize = 200;
const ACTION: &str = "list folders";

/// What a listing told, before names are read.
#[derive(Default)]
struct Told {
    rows: Vec<ListRow>,
    states: Vec<StatusRow>,
    prefix: Option<Vec<u8>>,
}

impl Told {
    fn take(&mut self, data: Data) {
        match data {
            Data::List(row) => self.rows.push(row),
            Data::FolderStatus(state) => self.states.push(state),
            Data::Namespace(namespaces) => self.prefix = namespaces.personal,
            _ => {}
        }
    }
}

/// Lists all folders.
pub(crate) async fn folders(
    connection: &mut Connection,
    settings: &ImapSettings,
) -> Result<Vec<RemoteFolder>, Failure> {
    let mut told = Told::default();
    let mut commands = connection.introduction(&settings.client);
    if connection.selected.take().is_some() && connection.has("UNSELECT") {
        // The state of the open folder may be old (RFC 3501, section 6.3.10).
        commands.push(Command::new(connection.action("close the folder"), "UNSELECT"));
    }
    if connection.has("NAMESPACE") && !connection.has("SPECIAL-USE") {
        commands.push(Command::new(connection.action("ask for namespaces"), "NAMESPACE"));
    }
    commands.push(list_command(connection));
    let statuses = connection.run(&commands, &mut |_, data| told.take(data)).await?;
    if let (Some(status), Some(command)) = (statuses.last(), commands.last()) {
        done(&command.action, status, During::Command)?;
    }
    let rows = keyed(told.rows, connection.enabled.utf8);
    if rows.is_empty() {
        return Err(passing(connection.action(ACTION), "the server listed no folder, not even INBOX"));
    }
    let states = match (connection.has("LIST-STATUS"), connection.has_mod_seq()) {
        (false, true) => ask_states(connection, &rows).await?,
        _ => told.states,
    };
    let is_utf8 = connection.enabled.utf8;
    let states = states.into_iter().map(|state| (name::key(&state.name, is_utf8), state)).collect();
    let roles = roles(&rows, connection.has("SPECIAL-USE"), told.prefix.as_deref());
    Ok(remote_folders(rows, &states, &roles))
}

fn list_command(connection: &Connection) -> Command {
    let mut returns = Vec::new();
    if connection.has("SPECIAL-USE") {
        returns.push("SPECIAL-USE".to_owned());
    }
    if connection.has("LIST-STATUS") {
        returns.push(format!("STATUS ({})", state_items(connection)));
    }
    let command = Command::new(connection.action(ACTION), "LIST \"\" \"*\"");
    let is_extended = connection.has("LIST-EXTENDED") || connection.has("LIST-STATUS");
    match is_extended && !returns.is_empty() {
        true => command.text(&format!(" RETURN ({})", returns.join(" "))),
        false => command,
    }
}

fn state_items(connection: &Connection) -> String {
    let mod_seq =
        if connection.has("CONDSTORE") || connection.has("QRESYNC") { " HIGHESTMODSEQ" } else { "" };
    let id = if connection.has("OBJECTID") { " MAILBOXID" } else { "" };
    format!("MESSAGES UIDNEXT UIDVALIDITY{mod_seq}{id}")
}

/// The rows by key. A folder that is listed twice has the attributes of both rows.
fn keyed(rows: Vec<ListRow>, is_utf8: bool) -> BTreeMap<FolderKey, ListRow> {
    let mut keyed: BTreeMap<FolderKey, ListRow> = BTreeMap::new();
    for row in rows {
        let key = name::key(&row.name, is_utf8);
        match keyed.get_mut(&key) {
            Some(earlier) => earlier.attributes.extend(row.attributes),
            None => drop(keyed.insert(key, row)),
        }
    }
    keyed
}

async fn ask_states(
    connection: &mut Connection,
    rows: &BTreeMap<FolderKey, ListRow>,
) -> Result<Vec<StatusRow>, Failure> {
    let (is_utf8, literals, items) =
        (connection.enabled.utf8, connection.literals(), state_items(connection));
    let commands: Vec<Command> = rows
        .iter()
        .filter(|(_, row)| is_selectable(row))
        .map(|(key, _)| {
            let action =
                connection.action(&format!("ask for the state of folder {:?}", name::shown(key, Some('/'))));
            let command =
                Command::new(action, "STATUS ").string(&name::wire(key, is_utf8), literals, is_utf8);
            command.text(&format!(" ({items})"))
        })
        .collect();
    let mut states = Vec::new();
    for flight in commands.chunks(FLIGHT) {
        let mut on = |_: usize, data: Data| {
            if let Data::FolderStatus(state) = data {
                states.push(state);
            }
        };
        let statuses = connection.run(flight, &mut on).await?;
        for (status, command) in statuses.iter().zip(flight) {
            // A folder without a state is opened, and fails then by itself.
            if let Err(refusal) = done(&command.action, status, During::Command) {
                tracing::debug!(why = %refusal.fault, "a folder's state is not known");
            }
        }
    }
    Ok(states)
}

fn is_selectable(row: &ListRow) -> bool {
    !row.has("\\Noselect") && !row.has("\\NonExistent")
}

/// Which folder has which role: as the server says; by name only where it never says (RFC 6154 is not there).
fn roles(
    rows: &BTreeMap<FolderKey, ListRow>,
    is_told: bool,
    prefix: Option<&[u8]>,
) -> BTreeMap<FolderKey, FolderRole> {
    let told: BTreeMap<_, _> =
        rows.iter().filter_map(|(key, row)| Some((key.clone(), told_role(row)?))).collect();
    if is_told || !told.is_empty() {
        return told;
    }
    let prefix = prefix.map(|prefix| name::key(prefix, false).0).unwrap_or_default();
    let mut guessed: BTreeMap<FolderKey, FolderRole> = BTreeMap::new();
    for (key, row) in rows {
        let own = FolderKey(key.0.strip_prefix(&prefix).unwrap_or(&key.0).to_owned());
        if let Some(role) = known_role(&name::shown(&own, row.delimiter))
            && !guessed.values().any(|taken| *taken == role)
        {
            guessed.insert(key.clone(), role);
        }
    }
    guessed
}

fn told_role(row: &ListRow) -> Option<FolderRole> {
    let roles = [
        ("\\Sent", FolderRole::Sent),
        ("\\Drafts", FolderRole::Drafts),
        ("\\Trash", FolderRole::Trash),
        ("\\Junk", FolderRole::Junk),
        ("\\Archive", FolderRole::Archive),
        ("\\All", FolderRole::All),
        ("\\Flagged", FolderRole::Flagged),
    ];
    roles.into_iter().find(|(attribute, _)| row.has(attribute)).map(|(_, role)| role)
}

/// Names that clients and servers made before there was SPECIAL-USE.
fn known_role(name: &str) -> Option<FolderRole> {
    let known: [(FolderRole, &[&str]); 5] = [
        (FolderRole::Sent, &["Sent", "Sent Items", "Sent Messages", "Sent Mail", "Отправленные"]),
        (FolderRole::Drafts, &["Drafts", "Draft", "Черновики"]),
        (FolderRole::Trash, &["Trash", "Deleted Items", "Deleted Messages", "Удаленные", "Корзина"]),
        (FolderRole::Junk, &["Junk", "Spam", "Junk E-mail", "Junk Email", "Bulk Mail", "Спам"]),
        (FolderRole::Archive, &["Archive", "Archives"]),
    ];
    known
        .into_iter()
        .find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        .map(|(role, _)| role)
}

fn remote_folders(
    rows: BTreeMap<FolderKey, ListRow>,
    states: &BTreeMap<FolderKey, StatusRow>,
    roles: &BTreeMap<FolderKey, FolderRole>,
) -> Vec<RemoteFolder> {
    let folder = |(key, row): (FolderKey, ListRow)| {
        let name = name::shown(&key, row.delimiter);
        let role = if name == "INBOX" { Some(FolderRole::Inbox) } else { roles.get(&key).copied() };
        let state = states.get(&key);
        RemoteFolder {
            role,
            selectable: is_selectable(&row),
            status: state.and_then(folder_status),
            mailbox_id: state.and_then(|state| state.mailbox_id.clone()),
            name,
            key,
        }
    };
    rows.into_iter().map(folder).collect()
}

fn folder_status(state: &StatusRow) -> Option<FolderStatus> {
    Some(FolderStatus {
        uid_validity: state.uid_validity?,
        uid_next: state.uid_next.unwrap_or(0),
        highest_mod_seq: state.highest_mod_seq,
        messages: state.messages?,
    })
}

#[cfg(test)]
mod tests;
