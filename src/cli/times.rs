//! Instants as people read them.

use chrono::DateTime;
use postrider_model::Timestamp;

/// `2026-11-20 08:15`, in UTC.
pub(super) fn minute(at: Timestamp) -> String {
    match DateTime::from_timestamp(at.seconds(), 0) {
        Some(at) => at.format("%Y-%m-%d %H:%M").to_string(),
        None => "?".to_owned(),
    }
}

/// `2026-11-20T08:15:00Z` (RFC 3339), in UTC.
pub(super) fn rfc3339(at: Timestamp) -> Option<String> {
    DateTime::from_timestamp(at.seconds(), 0).map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc_and_hopeless_ones_do_not_panic() {
        assert_eq!(minute(Timestamp(0)), "1970-01-01 00:00");
        assert_eq!(rfc3339(Timestamp(-1)).as_deref(), Some("1969-12-31T23:59:59Z"));
        assert_eq!(minute(Timestamp(i64::MAX)), "?");
    }
}
