//! What is noted of acts, and how (F7.7).
//!
//! - An act that is one transaction carries its line in it ([`noted`]): both are there, or neither.
//! - One of several steps, or at a server, says first that it begins ([`Service::begin`]), and then how it ended ([`Service::end`]).
//!   Where the beginning cannot be written, it does not begin.
//! - Of what only looks, a line is written where it looks into what is not the caller's own ([`Service::note_look`]). Where that
//!   cannot be written, the look goes on.
//! - Refusals are noted as they are made; they stay refusals where that cannot be written.

use postrider_model::Fault;
use postrider_store::{AuditEntry, AuditFilter, AuditRow, Outcome, Reader, StoreError, Tx, Verified, Writer};

use super::Service;
use crate::access::{Act, Caller, Right};

/// The longest field of a line that nothing was done by, in octets.
const FIELD: usize = 256;

/// A transaction with its line in the log.
pub(super) fn noted<R>(
    line: AuditEntry,
    work: impl FnOnce(&mut Tx<'_>) -> Result<R, StoreError>,
) -> impl FnOnce(&mut Tx<'_>) -> Result<R, StoreError> {
    move |tx| {
        let done = work(tx)?;
        tx.audit(line)?;
        Ok(done)
    }
}

/// An act that has begun.
#[must_use]
pub(super) struct Begun(AuditEntry);

impl Service {
    /// Lines of the audit log, the newest first.
    ///
    /// # Errors
    /// A caller who is no administrator, and the store's, in words.
    pub fn audit(&self, caller: &Caller, filter: &AuditFilter) -> Result<Vec<AuditRow>, Fault> {
        Ok(self.audit_reader(caller)?.audit(filter)?)
    }

    /// Whether the audit log is what was written.
    ///
    /// # Errors
    /// A caller who is no administrator, and the store's, in words.
    pub fn verify_audit(&self, caller: &Caller) -> Result<Verified, Fault> {
        Ok(self.audit_reader(caller)?.verify_audit()?)
    }

    fn audit_reader(&self, caller: &Caller) -> Result<Reader, Fault> {
        self.permit_operation(caller, Act::SeeAudit, "")?;
        self.reader()
    }

    /// The line of an act that is done.
    pub(super) fn line(&self, caller: &Caller, act: Act, account: &str, object: &str) -> AuditEntry {
        AuditEntry {
            at: self.world.clock.now(),
            actor: caller.actor.clone(),
            user: caller.user.clone(),
            account: account.to_owned(),
            what: act.name().to_owned(),
            object: object.to_owned(),
            outcome: Outcome::Done,
            detail: String::new(),
        }
    }

    /// Notes, on the disk, that an act begins.
    ///
    /// # Errors
    /// Where that cannot be written: the act must not begin then.
    pub(super) fn begin(
        &mut self,
        caller: &Caller,
        act: Act,
        account: &str,
        object: &str,
    ) -> Result<Begun, Fault> {
        let line = AuditEntry { outcome: Outcome::Begun, ..self.line(caller, act, account, object) };
        let mut writer = self.durable_writer()?;
        let copy = line.clone();
        writer.transaction(move |tx| tx.audit(copy))?;
        Ok(Begun(line))
    }

    /// Notes how it ended.
    pub(super) fn end<R>(&self, begun: Begun, done: Result<R, Fault>) -> Result<R, Fault> {
        let at = self.world.clock.now();
        self.note(match &done {
            Ok(_) => AuditEntry { at, outcome: Outcome::Done, ..begun.0 },
            Err(fault) => failed(AuditEntry { at, ..begun.0 }, fault),
        });
        done
    }

    /// Notes that an act failed that changed nothing here.
    pub(super) fn note_failed(&self, caller: &Caller, act: Act, account: &str, fault: &Fault) {
        self.note(failed(self.line(caller, act, account, ""), fault));
    }

    /// Notes a look into what is not the caller's own: by a grant, or in another's name.
    pub(super) fn note_look(&self, caller: &Caller, act: Act, account: &str, object: &str) {
        if caller.acts_as_another() || !self.rights(caller, account).has(Right::Own) {
            self.note(self.line(caller, act, account, object));
        }
    }

    /// Notes that the caller may not do that.
    pub(super) fn note_refused(&self, caller: &Caller, act: Act, account: &str, object: &str) {
        let detail = format!("it needs {}", act.need().in_words());
        self.note(AuditEntry {
            outcome: Outcome::Refused,
            detail,
            ..self.line(caller, act, account, object)
        });
    }

    /// Notes that somebody was not let in; the same once a minute.
    pub(super) fn note_stranger(&self, actor: &str, user: &str, act: Act, fault: &Fault) {
        let now = self.world.clock.now();
        if !self.strangers.is_news(actor, act, &fault.cause, now) {
            return;
        }
        self.note(AuditEntry {
            at: now,
            actor: actor.to_owned(),
            user: user.to_owned(),
            account: String::new(),
            what: act.name().to_owned(),
            object: String::new(),
            outcome: Outcome::Refused,
            detail: fault.cause.clone(),
        });
    }

    /// One line of its own, where there is a store. Nothing hangs on it that would have to be taken back. What a caller has said may be of
    /// any length, and is cut.
    pub(super) fn note(&self, mut line: AuditEntry) {
        let Some(store) = &self.store else { return };
        for field in [&mut line.actor, &mut line.user, &mut line.account, &mut line.object, &mut line.detail]
        {
            field.truncate(field.floor_char_boundary(FIELD));
        }
        let written = store.writer().and_then(|mut writer| writer.transaction(|tx| tx.audit(line)));
        if let Err(error) = written {
            tracing::error!(%error, "a line of the audit log could not be written");
        }
    }

    /// A writer whose commits outlive the power: what a person wrote is nowhere else.
    pub(super) fn durable_writer(&mut self) -> Result<Writer, Fault> {
        let mut writer = self.writer()?;
        writer.durable(true)?;
        Ok(writer)
    }
}

/// The class says why: a server's own words may hold anything.
fn failed(line: AuditEntry, fault: &Fault) -> AuditEntry {
    AuditEntry { outcome: Outcome::Failed, detail: fault.class.name().to_owned(), ..line }
}
