//! What may be changed of an account without touching its login.

use std::time::Duration;

use postrider_model::{ErrorClass, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accounts::period;
use crate::{
    api::{Method, Operation},
    config::{Choice, parse_duration},
    service::{AccountChanges, Caller, Change, Service},
};

/// Other settings for an account that was added by command. What is absent stays; what is empty is as if it had never been said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// How much of the past comes in: `1d`, `1w`, `1M`, `1y`, `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// The folders to follow; empty for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folders: Option<Vec<String>>,
    /// The name beside the address in what is sent; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The time between two runs, such as `5m`, at least `1s`; empty for the daemon's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// The text below what is sent, at most 16 KiB; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Nothing more is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

impl Operation for Set {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/set";
    const SUMMARY: &'static str = "Change settings of an account that was added by command";
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        let folders =
            self.folders.map(|names| if names.is_empty() { Choice::All } else { Choice::Listed(names) });
        let changes = AccountChanges {
            period: change(self.period, |text| period(&text))?,
            folders: folders.map_or(Change::Keep, Change::To),
            alias: change(self.alias, Ok)?,
            interval: change(self.interval, |text| interval(&text))?,
            signature: change(self.signature, Ok)?,
        };
        service.set_account(caller, &self.name, changes).map(|()| Done {})
    }
}

fn change<T>(
    said: Option<String>,
    read: impl FnOnce(String) -> Result<T, Fault>,
) -> Result<Change<T>, Fault> {
    match said {
        None => Ok(Change::Keep),
        Some(text) if text.is_empty() => Ok(Change::Reset),
        Some(text) => read(text).map(Change::To),
    }
}

fn interval(text: &str) -> Result<Duration, Fault> {
    parse_duration(text).ok_or_else(|| {
        let cause =
            format!("found {text:?}, expected a number with s, m, h, d or w, at least 1s, such as 5m");
        Fault::new(ErrorClass::Config, "read the interval", cause)
    })
}
