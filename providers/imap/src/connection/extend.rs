//! Turning extensions on: ENABLE (RFC 5161), COMPRESS (RFC 4978), ID (RFC 2971).

use super::{Connection, done};
use crate::{
    codec::{command::Command, status::StatusKind},
    fault::{During, Failure},
    settings::ClientName,
};

/// What was turned on by ENABLE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Enabled {
    /// QRESYNC (RFC 7162)
    pub(crate) qresync: bool,
    /// UTF8=ACCEPT (RFC 6855)
    pub(crate) utf8: bool,
}

impl Enabled {
    pub(super) fn note(&mut self, words: &[String]) {
        let is_named = |name: &str| words.iter().any(|word| word.eq_ignore_ascii_case(name));
        self.qresync |= is_named("QRESYNC");
        self.utf8 |= is_named("UTF8=ACCEPT");
    }
}

impl Connection {
    /// Whether FETCH and STATUS know MODSEQ.
    pub(crate) fn has_mod_seq(&self) -> bool {
        self.has("CONDSTORE") || self.enabled.qresync
    }

    /// The FETCH item that names a message's content, where the server has one.
    pub(crate) fn email_id_item(&self) -> Option<&'static str> {
        match () {
            () if self.has("OBJECTID") => Some("EMAILID"),
            () if self.has("X-GM-EXT-1") => Some("X-GM-MSGID"),
            () => None,
        }
    }

    /// The commands that turn extensions on and tell who we are; none when that was done. They may go with others in a
    /// flight, before any SELECT.
    pub(crate) fn introduction(&mut self, client: &ClientName) -> Vec<Command> {
        if std::mem::replace(&mut self.is_extended, true) {
            return Vec::new();
        }
        let utf8 = self.has("UTF8=ACCEPT") || self.has("UTF8=ONLY");
        let wanted = [("QRESYNC", self.has("QRESYNC")), ("UTF8=ACCEPT", utf8)];
        let wanted: Vec<&str> =
            wanted.into_iter().filter(|(_, is_offered)| *is_offered).map(|(name, _)| name).collect();
        let mut commands = Vec::new();
        if !wanted.is_empty() && self.has("ENABLE") {
            commands.push(Command::new(
                self.action("enable extensions"),
                &format!("ENABLE {}", wanted.join(" ")),
            ));
        }
        if self.has("ID") {
            let literals = self.literals();
            let id = Command::new(self.action("introduce ourselves"), "ID (\"name\" ")
                .string(client.name.as_bytes(), literals, false)
                .text(" \"version\" ")
                .string(client.version.as_bytes(), literals, false)
                .text(")");
            commands.push(id);
        }
        commands
    }

    /// Makes the connection ready for folders: what [`Self::introduction`] does where it was not done, and compression.
    /// Extensions that the server then refuses are done without.
    pub(crate) async fn prepare(&mut self, client: &ClientName, compress: bool) -> Result<(), Failure> {
        let mut commands = self.introduction(client);
        // Nothing may follow COMPRESS in a flight (RFC 4978, section 3).
        let compresses = compress && !self.is_compressed && self.has("COMPRESS=DEFLATE");
        if compresses {
            commands.push(Command::new(self.action("compress"), "COMPRESS DEFLATE"));
        }
        if commands.is_empty() {
            return Ok(());
        }
        let statuses = self.run(&commands, &mut |_, _| ()).await?;
        for (status, command) in statuses.iter().zip(&commands) {
            if let Err(refusal) = done(&command.action, status, During::Command) {
                tracing::debug!(why = %refusal.fault, "an extension is done without");
            }
        }
        if compresses {
            self.is_compressed = true;
            if statuses.last().is_some_and(|status| status.kind == StatusKind::Ok) {
                self.stream.compress();
            }
        }
        Ok(())
    }
}
