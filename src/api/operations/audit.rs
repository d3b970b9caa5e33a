//! The audit log: who did what through which account, and what was refused to whom.

use chrono::{DateTime, NaiveDate, NaiveTime};
use postrider_model::{ErrorClass, Fault, Timestamp};
use postrider_store::{AuditFilter, AuditRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Instant, Method, Operation},
    service::{Caller, Service},
};

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// Its number.
    pub line: i64,
    /// When it was.
    pub at: Option<Instant>,
    /// Who called.
    pub actor: String,
    /// In whose name.
    pub user: String,
    /// Through which account; empty where it is about none.
    pub account: String,
    /// What was done, such as `mail.send`.
    pub what: String,
    /// What it was done to: ids and names.
    pub object: String,
    /// `begun`, `done`, `refused` or `failed`.
    pub outcome: String,
    /// Why it was refused or failed.
    pub detail: String,
}

impl From<AuditRow> for Line {
    fn from(AuditRow { id, entry }: AuditRow) -> Self {
        Self {
            line: id,
            at: Instant::of(entry.at),
            actor: entry.actor,
            user: entry.user,
            account: entry.account,
            what: entry.what,
            object: entry.object,
            outcome: entry.outcome.name().to_owned(),
            detail: entry.detail,
        }
    }
}

/// Lines of the audit log, the newest first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only through that account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only since that day, `2026-11-20`, or that instant, `2026-11-20T08:15:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// At most so many.
    #[serde(default = "hundred")]
    pub limit: u32,
}

const fn hundred() -> u32 {
    100
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/audit";
    const SUMMARY: &'static str = "Lines of the audit log, the newest first";
    type Answer = Vec<Line>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Line>, Fault> {
        let since = self.since.as_deref().map(instant).transpose()?;
        let filter = AuditFilter { account: self.account, since, limit: self.limit };
        Ok(service.audit(caller, &filter)?.into_iter().map(Line::from).collect())
    }
}

/// Whether the audit log is what was written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {}

/// What a look at all of the log came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// How many lines it has.
    pub lines: u64,
    /// Whether it is what was written.
    pub sound: bool,
    /// The first line that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong_line: Option<i64>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Operation for Verify {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/audit/verify";
    const SUMMARY: &'static str = "Whether the audit log is what was written";
    type Answer = Verified;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Verified, Fault> {
        let verified = service.verify_audit(caller)?;
        Ok(Verified {
            lines: verified.lines,
            sound: verified.wrong.is_none(),
            wrong_line: verified.wrong.as_ref().map(|wrong| wrong.id),
            why: verified.wrong.map(|wrong| wrong.why.to_owned()),
        })
    }
}

/// A day's start in UTC, or an instant (RFC 3339).
fn instant(text: &str) -> Result<Timestamp, Fault> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let instant = day.or_else(|_| DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc()));
    instant.map(|at| Timestamp(at.timestamp_micros())).map_err(|_| {
        Fault::new(ErrorClass::Config, format!("read the time {text}"), "it is neither a day nor an instant")
            .hint("write 2026-11-20 or 2026-11-20T08:15:00Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc_and_an_instant_is_as_it_says() {
        let table = [
            ("1970-01-02", Some(86_400_000_000)),
            ("1970-01-01T00:00:01Z", Some(1_000_000)),
            ("1970-01-01T02:00:00+02:00", Some(0)),
            ("yesterday", None),
            ("", None),
        ];
        for (text, at) in table {
            assert_eq!(instant(text).ok().map(|at| at.0), at, "{text}");
        }
    }
}
