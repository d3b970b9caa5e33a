//! What `status` is told of runs: how the last one went, of each kind of data that the account has.
//!
//! An account has one row. Where its kinds run each on their own interval, a run of one of them leaves in it what is known of the others, and
//! the row's status is the worst of all.

use std::collections::BTreeMap;

use postrider_model::{AccountId, AccountReport, AccountStatus, ErrorReport, KindReport, RunId, Timestamp};
use postrider_store::{RunRow, StoreError, Tx};
use serde::{Deserialize, Serialize};

/// How the last run of one kind of data ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KindEnded {
    /// How.
    pub status: AccountStatus,
    /// When.
    pub ended_us: i64,
    /// Why not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

/// A run that is to be noted.
pub(super) struct Ended {
    pub run: RunId,
    pub started: Timestamp,
    pub ended: Timestamp,
    pub report: AccountReport,
    /// The kinds of data that the account has.
    pub kinds: Vec<&'static str>,
}

/// Notes runs.
pub(super) fn note(tx: &mut Tx<'_>, runs: impl Iterator<Item = Ended>) -> Result<(), StoreError> {
    for run in runs {
        // An account that never got as far as the store has nothing to be noted at.
        let Some(account) = tx.account_id(&run.report.account)? else { continue };
        // Only where runs of one kind leave others as they were is it asked what they were.
        let rows = if run.kinds.len() > 1 { tx.runs()? } else { Vec::new() };
        let before = rows.iter().find(|row| row.account == account);
        tx.record_run(&run.row(account, before))?;
    }
    Ok(())
}

impl Ended {
    /// Its row, in the place of the one before.
    pub(super) fn row(&self, account: AccountId, before: Option<&RunRow>) -> RunRow {
        let Self { run, started, ended, report, kinds } = self;
        let mut known = before.map(|row| ended_kinds(&row.counts)).unwrap_or_default();
        known.retain(|kind, _| {
            kinds.contains(&kind.as_str()) && !report.kinds.iter().any(|one| one.kind == kind)
        });
        let others = known.values().map(|one| (one.status, one.error.as_ref()));
        let this = (report.status, report.error.as_ref());
        // Of those that are as bad, what this run says.
        let worst = others.fold(this, |worst, other| if is_worse(other.0, worst.0) { other } else { worst });
        let (status, error) = (worst.0, worst.1.and_then(|error| serde_json::to_string(error).ok()));
        let of_run = |one: &KindReport| {
            let ended = KindEnded { status: one.status, ended_us: ended.0, error: one.error.clone() };
            (one.kind.to_owned(), ended)
        };
        known.extend(report.kinds.iter().map(of_run));
        let counts = match (&report.mail, before) {
            (mail, _) if kinds.len() < 2 => serde_json::to_string(mail).unwrap_or_default(),
            (None, Some(before)) => {
                with_kinds(serde_json::from_str(&before.counts).unwrap_or_default(), &known)
            }
            (mail, _) => with_kinds(serde_json::to_value(mail).unwrap_or_default(), &known),
        };
        RunRow { counts, error, ..RunRow::new(account, *run, *started, *ended, status.name()) }
    }
}

fn with_kinds(counts: serde_json::Value, kinds: &BTreeMap<String, KindEnded>) -> String {
    let mut counts = match counts {
        serde_json::Value::Object(counts) => counts,
        _ => serde_json::Map::new(),
    };
    counts.insert("kinds".to_owned(), serde_json::to_value(kinds).unwrap_or_default());
    serde_json::Value::Object(counts).to_string()
}

/// What a row tells of each kind, where it tells of several.
pub(super) fn ended_kinds(counts: &str) -> BTreeMap<String, KindEnded> {
    #[derive(Deserialize)]
    struct Kinds {
        #[serde(default)]
        kinds: BTreeMap<String, KindEnded>,
    }
    serde_json::from_str(counts).map(|counts: Kinds| counts.kinds).unwrap_or_default()
}

/// What a person has to do something about comes first, then what will be tried again.
fn is_worse(one: AccountStatus, than: AccountStatus) -> bool {
    let order = |status| match status {
        AccountStatus::ConfigError => 5,
        AccountStatus::LoginNeeded => 4,
        AccountStatus::Failed => 3,
        AccountStatus::Held => 2,
        AccountStatus::Busy => 1,
        AccountStatus::Ok => 0,
    };
    order(one) > order(than)
}

#[cfg(test)]
mod tests {
    use postrider_model::{ErrorClass, MailCounts};

    use super::*;
    use crate::service::run::empty_report;

    const ALL: [&str; 3] = ["mail", "contacts", "activities"];

    fn error(message: &str) -> ErrorReport {
        ErrorReport { class: ErrorClass::Transient, message: message.to_owned(), hint: None }
    }

    /// A run of these kinds, each with what failed.
    fn report(kinds: &[(&'static str, Option<&str>)]) -> AccountReport {
        let mut report = empty_report("work".to_owned());
        for (kind, why) in kinds {
            let status = if why.is_some() { AccountStatus::Failed } else { AccountStatus::Ok };
            report.kinds.push(KindReport { kind, status, error: why.map(error) });
            if *kind == "mail" {
                report.mail = Some(MailCounts { pulled: 7, ..MailCounts::default() });
            }
            if let (Some(why), None) = (why, &report.error) {
                (report.status, report.error) = (AccountStatus::Failed, Some(error(why)));
            }
        }
        report
    }

    fn noted(report: &AccountReport, kinds: &[&'static str], ended: i64, before: Option<&RunRow>) -> RunRow {
        let (report, kinds) = (report.clone(), kinds.to_vec());
        let ended = Ended { run: RunId(1), started: Timestamp(0), ended: Timestamp(ended), report, kinds };
        ended.row(AccountId(1), before)
    }

    #[test]
    fn what_failed_of_one_kind_is_told_until_that_kind_ran_well() {
        let mail = noted(&report(&[("mail", Some("no answer"))]), &ALL, 1, None);
        assert_eq!(mail.status, "failed");
        let contacts = noted(&report(&[("contacts", None)]), &ALL, 2, Some(&mail));
        assert_eq!(contacts.status, "failed", "its mail still is");
        assert!(contacts.error.as_ref().unwrap().contains("no answer"));
        assert!(contacts.counts.contains("\"pulled\":7"), "what its mail came to: {}", contacts.counts);
        let kinds = ended_kinds(&contacts.counts);
        assert_eq!((kinds["mail"].ended_us, kinds["contacts"].ended_us), (1, 2));
        let well = noted(&report(&[("mail", None)]), &ALL, 3, Some(&contacts));
        assert_eq!((well.status.as_str(), well.error), ("ok", None));
    }

    #[test]
    fn a_kind_that_an_account_has_no_more_is_forgotten() {
        let before = noted(&report(&[("mail", None), ("contacts", Some("gone"))]), &ALL, 1, None);
        let after = noted(&report(&[("mail", None)]), &["mail"], 2, Some(&before));
        assert_eq!((after.status.as_str(), ended_kinds(&after.counts).len()), ("ok", 0));
    }

    #[test]
    fn the_row_of_an_account_with_one_kind_says_what_it_did_and_no_more() {
        let row = noted(&report(&[("mail", None)]), &["mail"], 1, None);
        assert_eq!(row.counts, serde_json::to_string(&report(&[("mail", None)]).mail).unwrap());
    }
}
