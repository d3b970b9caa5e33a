//! Configuration: files of a folder, and texts of the same form that the store keeps → validated types (spec,
//! "Configuration").
//!
//! | module | holds |
//! |---|---|
//! | `load` | the folder as a whole, and what the store adds |
//! | `ready` | an account with its provider, its login, its password's source |
//! | `ready_items` | the same for contacts and activities |
//! | `settings`, `provider`, `account`, `users` | one kind of file each |
//! | `oauth` | what a provider's file says of OAuth 2.0 |
//! | `builtin` | the directory of providers |
//! | `compose` | the TOML of what is added by command |
//! | `reader`, `error` | keys and lines; what is said when something is wrong |
//! | `trust` | which files are believed |
//! | `name`, `time_span` | the forms of single values |
//!
//! Rules: a wrong file stops only its own account, and all its errors come out at once, each with file, line, key, what was
//! found and what is expected. Unknown keys are errors. The folder is never written. No secret is read here, only where one
//! comes from.

mod account;
mod builtin;
mod compose;
mod error;
mod load;
mod name;
mod oauth;
mod provider;
mod reader;
mod ready;
mod ready_items;
mod settings;
mod time_span;
pub(crate) mod trust;
mod users;

pub use account::{
    Account, ActivitySettings, Choice, ContactSettings, ContactType, Deletions, MailSettings, SyncSettings,
};
pub use compose::{AccountDraft, ProviderDraft, ServerDraft, mailbox_toml};
pub use error::{ConfigError, ConfigWarning, Origin, OriginKind, fault, nearest};
pub use load::{Config, LoadContext, Read};
pub use name::{domain_of, is_loopback, is_name, mailbox_of, parse_address};
pub use oauth::{ConsentSettings, OAuthSettings, RedirectHost};
pub use provider::{
    AuthKind, ExchangeSettings, LoginKind, MailProtocol, Provider, ProviderKind, Security, Server,
};
pub use ready::{Login, ReadyAccount, login_name};
pub use ready_items::{ItemServer, ReadyActivities, ReadyContacts};
pub use settings::{
    ActivityDefaults, ApiSettings, DaemonSettings, LogFormat, LogLevel, LogSettings, Settings, StoreSettings,
};
pub use time_span::{Period, PeriodParseError, format_duration, parse_duration};
pub use users::{Grant, Grantee, MailboxGrant, Operation, SharedMailbox, User, Users};
