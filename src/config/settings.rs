//! `postrider.toml`: the settings of the daemon, the store, the API, the log, and the defaults of activities.
//!
//! Without the file, or without a key, the defaults stand. A wrong key stops the whole program, since no account's run could be
//! trusted to do what its owner meant.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    name::{Places, parse_line},
    reader::Section,
    time_span::{DURATION_FORM, parse_duration},
};

/// The settings that are not of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `[daemon]`
    pub daemon: DaemonSettings,
    /// `[store]`
    pub store: StoreSettings,
    /// `[api]`
    pub api: ApiSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[activities]`
    pub activities: ActivityDefaults,
}

/// `[daemon]`: how often and how much at once (F6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonSettings {
    /// The time between two runs of one account; 5 minutes.
    pub interval: Duration,
    /// How many accounts run at once; 8.
    pub parallel_accounts: usize,
}

/// `[store]`: where it is and how long it remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The store's folder.
    pub path: PathBuf,
    /// How long what was deleted stays restorable (F2.9); 90 days.
    pub keep_deleted: Duration,
    /// How long the audit log is kept, in days (F7.7); 365.
    pub audit_days: u32,
}

/// `[api]`: where other programs may ask (F6.6).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiSettings {
    /// The Unix socket; `None` for the default place.
    pub socket: Option<PathBuf>,
    /// A TCP address on loopback; `None` for no TCP at all.
    pub listen: Option<SocketAddr>,
}

/// `[log]`: how much is told, and in what form (F6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSettings {
    /// How much is told.
    pub level: LogLevel,
    /// In what form.
    pub format: LogFormat,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// And what is suspicious.
    Warn,
    /// And what was done.
    #[default]
    Info,
    /// And how, with names of folders.
    Debug,
    /// And every step on the wire, redacted.
    Trace,
}

impl LogLevel {
    /// The level's name, as `tracing` reads it too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[activities]`: what an activity has that does not say (F4.1, F4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityDefaults {
    /// The length of an appointment without an end; 30 minutes.
    pub default_duration: Duration,
    /// The IANA name of the time zone of what has none; `None` for the machine's.
    pub time_zone: Option<String>,
    /// How long before its start an activity reminds.
    pub reminders: Vec<Duration>,
}

impl Settings {
    /// The settings of an absent or empty file.
    pub(super) fn defaults(store: PathBuf) -> Self {
        Self {
            daemon: DaemonSettings { interval: Duration::from_secs(300), parallel_accounts: 8 },
            store: StoreSettings {
                path: store,
                keep_deleted: Duration::from_secs(90 * 86_400),
                audit_days: 365,
            },
            api: ApiSettings::default(),
            log: LogSettings::default(),
            activities: ActivityDefaults {
                default_duration: Duration::from_secs(1_800),
                time_zone: None,
                reminders: Vec::new(),
            },
        }
    }

    /// Reads the file's outermost table over the defaults.
    pub(super) fn parse(root: Section<'_, '_>, store: PathBuf, places: &Places) -> Self {
        let mut settings = Self::defaults(store);
        if let Some(section) = root.table("daemon") {
            settings.daemon.read(section);
        }
        if let Some(section) = root.table("store") {
            settings.store.read(section, places);
        }
        if let Some(section) = root.table("api") {
            settings.api.read(section, places);
        }
        if let Some(section) = root.table("log") {
            settings.log.read(section);
        }
        if let Some(section) = root.table("activities") {
            settings.activities.read(section);
        }
        root.finish();
        settings
    }
}

impl DaemonSettings {
    fn read(&mut self, section: Section<'_, '_>) {
        self.interval = interval(&section, "interval").unwrap_or(self.interval);
        if let Some(count) = section.integer("parallel_accounts", 1..=1_024) {
            self.parallel_accounts = count as usize;
        }
        section.finish();
    }
}

impl StoreSettings {
    fn read(&mut self, section: Section<'_, '_>, places: &Places) {
        let path = section.parsed("path", "the path of a folder", |text| places.path(text));
        let keep = section.parsed("keep_deleted", DURATION_FORM, parse_duration);
        self.path = path.unwrap_or_else(|| self.path.clone());
        self.keep_deleted = keep.unwrap_or(self.keep_deleted);
        self.audit_days = section.integer("audit_days", 1..=36_500).unwrap_or(self.audit_days);
        section.finish();
    }
}

impl ApiSettings {
    fn read(&mut self, section: Section<'_, '_>, places: &Places) {
        self.socket = section.parsed("socket", "the path of a Unix socket", |text| places.path(text));
        self.listen = section.parsed(
            "listen",
            "an address of this machine with a port, such as 127.0.0.1:8080, since no other machine may ask",
            |text| text.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback()),
        );
        section.finish();
    }
}

impl LogSettings {
    fn read(&mut self, section: Section<'_, '_>) {
        let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
        self.level =
            section.choice("level", &levels.map(|level| (level.name(), level))).unwrap_or(self.level);
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        self.format = section.choice("format", &formats).unwrap_or(self.format);
        section.finish();
    }
}

impl ActivityDefaults {
    fn read(&mut self, section: Section<'_, '_>) {
        let duration = section.parsed("default_duration", DURATION_FORM, parse_duration);
        self.default_duration = duration.unwrap_or(self.default_duration);
        self.time_zone =
            section.parsed("time_zone", "the IANA name of a time zone, such as Europe/Berlin", parse_zone);
        let expected = format!("a list, each {DURATION_FORM}");
        self.reminders = section.list("reminders", &expected, parse_duration).unwrap_or_default();
        section.finish();
    }
}

/// Reads a time between two runs: at least a second.
pub(super) fn interval(section: &Section<'_, '_>, name: &'static str) -> Option<Duration> {
    section.parsed(name, "a number with s, m, h, d or w, at least 1s, such as 5m", |text| {
        parse_duration(text).filter(|interval| *interval >= Duration::from_secs(1))
    })
}

/// The form of a zone's name; whether there is such a zone is known to what expands activities.
fn parse_zone(text: &str) -> Option<String> {
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c));
    text.split('/').all(is_part).then(|| parse_line(text)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        error::{ConfigError, OriginKind},
        reader::Source,
    };

    fn read(text: &str) -> Result<Settings, Vec<ConfigError>> {
        let places = Places { folder: "/etc/postrider".into(), home: Some("/home/e".into()) };
        Source::read(OriginKind::File, "postrider.toml", text, |root| {
            Some(Settings::parse(root, "/var/lib/postrider".into(), &places))
        })
        .map(|(settings, _)| settings)
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        assert_eq!(read(""), Ok(Settings::defaults("/var/lib/postrider".into())));
    }

    #[test]
    fn every_key_is_read() {
        let settings = read(
            r#"
            [daemon]
            interval = "90s"
            parallel_accounts = 2
            [store]
            path = "~/mail"
            keep_deleted = "30d"
            audit_days = 7
            [api]
            socket = "/run/postrider/api.sock"
            listen = "[::1]:8080"
            [log]
            level = "debug"
            format = "json"
            [activities]
            default_duration = "1h"
            time_zone = "America/Argentina/Buenos_Aires"
            reminders = ["15m", "1d"]
            "#,
        );
        let expected = Settings {
            daemon: DaemonSettings { interval: Duration::from_secs(90), parallel_accounts: 2 },
            store: StoreSettings {
                path: "/home/e/mail".into(),
                keep_deleted: Duration::from_secs(30 * 86_400),
                audit_days: 7,
            },
            api: ApiSettings {
                socket: Some("/run/postrider/api.sock".into()),
                listen: Some(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 8080))),
            },
            log: LogSettings { level: LogLevel::Debug, format: LogFormat::Json },
            activities: ActivityDefaults {
                default_duration: Duration::from_secs(3_600),
                time_zone: Some("America/Argentina/Buenos_Aires".into()),
                reminders: vec![Duration::from_secs(900), Duration::from_secs(86_400)],
            },
        };
        assert_eq!(settings, Ok(expected));
    }

    #[test]
    fn every_wrong_key_is_told_at_once() {
        let errors = read(
            "[daemon]\ninterval = 5\nparallel_accounts = 0\n[store]\nkeep_deleted = \"ever\"\n[api]\nlisten = \
             \"0.0.0.0:80\"\n[log]\nlevel = \"verbos\"\n[activities]\ntime_zone = \"Mars/\"\n[strore]\n",
        )
        .unwrap_err();
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "postrider.toml:2: daemon.interval: found 5, expected a number with s, m, h, d or w, at least 1s, such \
                 as 5m",
                "postrider.toml:3: daemon.parallel_accounts: found 0, expected a whole number from 1 to 1024",
                "postrider.toml:5: store.keep_deleted: found \"ever\", expected a number with s, m, h, d or w, such as \
                 5m or 90d",
                "postrider.toml:7: api.listen: found \"0.0.0.0:80\", expected an address of this machine with a port, \
                 such as 127.0.0.1:8080, since no other machine may ask",
                "postrider.toml:9: log.level: found \"verbos\", expected one of error, warn, info, debug, trace",
                "postrider.toml:11: activities.time_zone: found \"Mars/\", expected the IANA name of a time zone, such \
                 as Europe/Berlin",
                "postrider.toml:12: strore: found an unknown key, expected one of daemon, store, api, log, activities",
            ]
        );
        let hints: Vec<Option<&str>> = errors.iter().map(|error| error.hint.as_deref()).collect();
        assert_eq!(hints.last(), Some(&Some("did you mean `store`?")));
    }
}
