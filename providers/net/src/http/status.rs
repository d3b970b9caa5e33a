//! What a status and its `Retry-After` say about trying again (F6.2): pure.

use std::time::UNIX_EPOCH;

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use postrider_model::{ErrorClass, Fault, Timestamp};

/// The fault of an answer that may be another one later: 429 and 503 are `Throttled`, 408 and every other 5xx `Transient`; both
/// carry the pause that the server asked for. `None` for every other status, which the caller judges.
pub fn passing_fault(action: &str, status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Fault> {
    let class = match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => ErrorClass::Throttled,
        StatusCode::REQUEST_TIMEOUT => ErrorClass::Transient,
        other if other.is_server_error() => ErrorClass::Transient,
        _ => return None,
    };
    let mut fault = Fault::new(class, action, format!("the server answered with status {status}"));
    fault.retry_after_ms = retry_after_ms(headers, now);
    Some(fault)
}

/// The pause that a server asks for, in milliseconds: seconds or a date (RFC 9110, section 10.2.3). A date that is over is a
/// pause of 0; what is neither is no wish.
pub fn retry_after_ms(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Some(text.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000));
    }
    let at = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let at = Timestamp::from_seconds(i64::try_from(at.as_secs()).unwrap_or(i64::MAX));
    Some(at.millis_since(now))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_wish_is_seconds_or_a_date() {
        // 1994-11-06T08:49:37Z, the date of RFC 9110, section 5.6.7.
        let now = Timestamp::from_seconds(784_111_777);
        let table = [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60_000)),
            ("Sun Nov  6 08:50:37 1994", Some(60_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ];
        for (value, expected) in table {
            assert_eq!(retry_after_ms(&with(value), now), expected, "{value:?}");
        }
        assert_eq!(retry_after_ms(&HeaderMap::new(), now), None);
    }

    #[test]
    fn only_what_may_pass_is_a_fault_here() {
        let table = [
            (200, None),
            (302, None),
            (400, None),
            (401, None),
            (404, None),
            (408, Some(ErrorClass::Transient)),
            (429, Some(ErrorClass::Throttled)),
            (500, Some(ErrorClass::Transient)),
            (502, Some(ErrorClass::Transient)),
            (503, Some(ErrorClass::Throttled)),
        ];
        for (status, class) in table {
            let status = StatusCode::from_u16(status).unwrap();
            let fault = passing_fault("ask login.test", status, &with("7"), Timestamp(0));
            assert_eq!(fault.as_ref().map(|fault| fault.class), class, "{status}");
            assert!(fault.is_none_or(|fault| fault.retry_after_ms == Some(7_000)));
        }
    }
}
