//! `postrider audit list` and `postrider audit verify`.

use chrono::{DateTime, NaiveDate, NaiveTime};
use postrider_model::{ErrorClass, Fault, Timestamp};
use postrider_store::{AuditFilter, AuditRow};

use super::{
    args::{AuditCommand, AuditList},
    out::{Out, counted},
    table::{Column, Table},
    times::{minute, rfc3339},
};
use crate::{
    report::Exit,
    service::{Caller, Service},
};

pub(super) fn audit(
    service: &Service,
    caller: &Caller,
    command: AuditCommand,
    out: Out,
) -> Result<Exit, Fault> {
    match command {
        AuditCommand::List(wanted) => list(service, caller, wanted, out),
        AuditCommand::Verify => verify(service, caller, out),
    }
}

fn list(service: &Service, caller: &Caller, wanted: AuditList, out: Out) -> Result<Exit, Fault> {
    let since = wanted.since.as_deref().map(instant).transpose()?;
    let filter = AuditFilter { account: wanted.account, since, limit: wanted.limit };
    let rows = service.audit(caller, &filter)?;
    if out.json {
        out.value(&rows.iter().map(value).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new([
        Column::number("LINE"),
        Column::whole("TIME (UTC)"),
        Column::text("BY"),
        Column::text("FOR"),
        Column::text("ACCOUNT"),
        Column::whole("WHAT"),
        Column::text("OBJECT"),
        Column::whole("OUTCOME"),
        Column::text("WHY"),
    ]);
    for AuditRow { id, entry } in &rows {
        table.row([
            id.to_string(),
            minute(entry.at),
            entry.actor.clone(),
            entry.user.clone(),
            entry.account.clone(),
            entry.what.clone(),
            entry.object.clone(),
            entry.outcome.to_string(),
            entry.detail.clone(),
        ]);
    }
    out.table(&table);
    if rows.len() as u64 == u64::from(wanted.limit) {
        out.note(format!("the newest {}; --limit shows more", wanted.limit));
    }
    Ok(Exit::Done)
}

fn verify(service: &Service, caller: &Caller, out: Out) -> Result<Exit, Fault> {
    let verified = service.verify_audit(caller)?;
    if let Some(wrong) = verified.wrong {
        let cause = format!("line {}: {}", wrong.id, wrong.why);
        return Err(Fault::new(ErrorClass::Permanent, "trust the audit log", cause)
            .hint("the system's journal has a copy of every line: `journalctl -u postrider`"));
    }
    if out.json {
        out.value(&serde_json::json!({ "lines": verified.lines, "sound": true }))?;
    } else {
        out.line(format!("the audit log is what was written: {}", counted(verified.lines, "line")));
    }
    Ok(Exit::Done)
}

fn value(row: &AuditRow) -> serde_json::Value {
    let entry = &row.entry;
    serde_json::json!({
        "line": row.id,
        "at": rfc3339(entry.at),
        "actor": entry.actor,
        "user": entry.user,
        "account": entry.account,
        "what": entry.what,
        "object": entry.object,
        "outcome": entry.outcome.name(),
        "detail": entry.detail,
    })
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
