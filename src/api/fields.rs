//! Fields that several operations have: ids, instants, octets, what went wrong.

use std::{borrow::Cow, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::DateTime;
use postrider_model::{ErrorClass, ErrorReport, Fault, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

macro_rules! shown_id {
    ($(#[$doc:meta])* $name:ident, $id:ident, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub postrider_model::$id);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }

        impl From<postrider_model::$id> for $name {
            fn from(id: postrider_model::$id) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

shown_id! {
    /// A message where it stands, such as `m17`.
    MessageId, PlacementId, "^m[1-9][0-9]{0,17}$"
}
shown_id! {
    /// An entry of the outbox, such as `o3`.
    OutboxId, OutboxId, "^o[1-9][0-9]{0,17}$"
}

shown_id! {
    /// A contact, such as `c5`.
    ContactId, ContactId, "^c[1-9][0-9]{0,17}$"
}
shown_id! {
    /// A company, such as `f2`.
    CompanyId, CompanyId, "^f[1-9][0-9]{0,17}$"
}
shown_id! {
    /// An appointment or a task, such as `a8`.
    ActivityId, ActivityId, "^a[1-9][0-9]{0,17}$"
}
shown_id! {
    /// What a record was, such as `v4`.
    VersionId, VersionId, "^v[1-9][0-9]{0,17}$"
}

/// A moment, as RFC 3339 writes it, in UTC, to the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Instant(pub String);

impl Instant {
    /// That moment; `None` for one beyond the years that people write.
    pub fn of(at: Timestamp) -> Option<Self> {
        let at = DateTime::from_timestamp(at.seconds(), 0)?;
        Some(Self(at.format("%Y-%m-%dT%H:%M:%SZ").to_string()))
    }

    /// `2026-11-20 08:15`.
    pub fn minute(&self) -> String {
        self.0.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
    }
}

/// Octets, in base64 with padding (RFC 4648, section 4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Base64(pub Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Base64 {
    fn schema_name() -> Cow<'static, str> {
        "Base64".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "contentEncoding": "base64",
            "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$",
        })
    }
}

/// Reads a whole number, `1542` as well as `1542.0`: to JSON Schema the two are one (draft 2020-12, section 4.2.3).
pub(crate) fn whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<T, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let is_whole = |value: &f64| value.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(value);
    let whole = number.as_u64().or_else(|| number.as_f64().filter(is_whole).map(|value| value as u64));
    whole
        .and_then(|whole| T::try_from(whole).ok())
        .ok_or_else(|| D::Error::custom(format!("found {number}, expected a whole number in its range")))
}

/// The same where it may be null.
pub(crate) fn whole_or_null<'de, D: Deserializer<'de>, T: TryFrom<u64>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let number: Option<serde_json::Number> = Option::deserialize(deserializer)?;
    number.map(|number| whole(number).map_err(D::Error::custom)).transpose()
}

/// What went wrong, and what a person can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// What is to be done about it.
    #[schemars(schema_with = "class_schema")]
    pub class: ErrorClass,
    /// What was being done, to what, and why it failed.
    pub message: String,
    /// What a person can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

fn class_schema(_: &mut SchemaGenerator) -> Schema {
    use ErrorClass::{Busy, Config, Login, NotFound, NotPermitted, Permanent, Throttled, Transient};
    let all = [Transient, Throttled, Login, Permanent, Config, NotFound, Busy, NotPermitted];
    json_schema!({ "type": "string", "enum": all.map(ErrorClass::name) })
}

impl From<&Fault> for Problem {
    fn from(fault: &Fault) -> Self {
        Self { class: fault.class, message: fault.message(), hint: fault.hint.clone() }
    }
}

impl From<ErrorReport> for Problem {
    fn from(error: ErrorReport) -> Self {
        Self { class: error.class, message: error.message, hint: error.hint }
    }
}

/// The message says `cannot ACTION: CAUSE`, and is put together again in the same words.
impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        let message = problem.message.strip_prefix("cannot ").unwrap_or(&problem.message);
        let (action, cause) = message.split_once(": ").unwrap_or(("do it", message));
        let mut fault = Self::new(problem.class, action, cause);
        fault.hint = problem.hint;
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_the_same_behind_the_wire() {
        let fault = Fault::new(ErrorClass::Config, "read `a: b`", "c: d").hint("do e");
        let back = Fault::from(Problem::from(&fault));
        assert_eq!((back.class, back.message(), back.hint), (fault.class, fault.message(), fault.hint));
    }

    #[test]
    fn whole_numbers_are_read_in_either_form_and_within_their_range() {
        let read = |text: &str| whole::<_, u16>(&mut serde_json::Deserializer::from_str(text)).ok();
        let table = [
            ("0", Some(0)),
            ("993", Some(993)),
            ("993.0", Some(993)),
            ("9.5", None),
            ("-1", None),
            ("65536", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected, "{text}");
        }
        let read = |text: &str| whole_or_null::<_, u16>(&mut serde_json::Deserializer::from_str(text)).ok();
        assert_eq!((read("null"), read("7.0"), read("x")), (Some(None), Some(Some(7)), None));
    }

    #[test]
    fn instants_are_written_in_utc_and_hopeless_ones_not_at_all() {
        assert_eq!(Instant::of(Timestamp(-1)), Some(Instant("1969-12-31T23:59:59Z".to_owned())));
        assert_eq!(Instant::of(Timestamp(0)).map(|at| at.minute()), Some("1970-01-01 00:00".to_owned()));
        assert_eq!(Instant::of(Timestamp(i64::MAX)), None);
    }
}
