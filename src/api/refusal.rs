//! What is not answered: a status and what went wrong, in words (the table in docs/api.md).

use http::StatusCode;
use postrider_model::{ErrorClass, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub fault: Fault,
    /// The method by which that path may be asked.
    pub allow: Option<&'static str>,
}

/// The body of every refusal.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Refused {
    /// What went wrong.
    pub error: Problem,
}

impl Refusal {
    pub fn new(status: StatusCode, class: ErrorClass, cause: &str) -> Self {
        Self { status, fault: Fault::new(class, "answer the request", cause), allow: None }
    }

    /// The request cannot be read as what it should be.
    pub const fn malformed(fault: Fault) -> Self {
        Self { status: StatusCode::BAD_REQUEST, fault, allow: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.fault.hint = Some(hint.to_owned());
        self
    }

    /// The seconds after which the same may be asked again, where it may.
    pub fn retry_after(&self) -> Option<u64> {
        let wanted = self.fault.retry_after_ms.map(|millis| millis.div_ceil(1_000));
        (self.status == StatusCode::SERVICE_UNAVAILABLE).then(|| wanted.unwrap_or(30).max(1))
    }

    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&Refused { error: Problem::from(&self.fault) }).unwrap_or_default()
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self { status: status_of(fault.class), fault, allow: None }
    }
}

/// What a fault's class is in HTTP.
const fn status_of(class: ErrorClass) -> StatusCode {
    match class {
        ErrorClass::Config => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorClass::NotFound => StatusCode::NOT_FOUND,
        ErrorClass::NotPermitted => StatusCode::FORBIDDEN,
        ErrorClass::Busy => StatusCode::CONFLICT,
        // The caller's own credentials are right: those of the account are not.
        ErrorClass::Login => StatusCode::FAILED_DEPENDENCY,
        ErrorClass::Transient | ErrorClass::Throttled => StatusCode::SERVICE_UNAVAILABLE,
        ErrorClass::Permanent => StatusCode::BAD_GATEWAY,
    }
}

/// Every status of a refusal, and when it is one. What is not in this list is never answered.
pub(super) const REFUSALS: &[(StatusCode, &str)] = &[
    (StatusCode::BAD_REQUEST, "The request cannot be read as what is described here"),
    (StatusCode::UNAUTHORIZED, "On TCP: no token, or one that is nobody's or is over"),
    (StatusCode::FORBIDDEN, "Not permitted: to this caller, or to a web page"),
    (StatusCode::NOT_FOUND, "There is no such thing, or the caller may not see it"),
    (StatusCode::METHOD_NOT_ALLOWED, "The path takes another method"),
    (StatusCode::REQUEST_TIMEOUT, "The body did not come in time"),
    (StatusCode::CONFLICT, "Something else is at it; the same may be asked again"),
    (StatusCode::LENGTH_REQUIRED, "The length of the body is not said"),
    (StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than the path takes"),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not said to be JSON"),
    (StatusCode::UNPROCESSABLE_ENTITY, "What is asked for, or a file of the configuration, is wrong"),
    (StatusCode::FAILED_DEPENDENCY, "The account's login is refused or missing"),
    (StatusCode::INTERNAL_SERVER_ERROR, "A defect of this program"),
    (StatusCode::BAD_GATEWAY, "It failed for good, here or at the mail server"),
    (StatusCode::SERVICE_UNAVAILABLE, "It may pass: ask again later"),
];
