//! A look at an installation: what is wrong with it and what to do. It works where nothing else does.

use postrider_model::Fault;
use postrider_store::Store;
use serde::Serialize;

use super::{Environment, Service};
use crate::{
    config::{ConfigError, Login},
    secrets::StoreKey,
    world::World,
};

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Good,
    /// It works, and a person should know.
    Warning,
    /// Something does not work.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at.
    pub about: String,
    /// What was found.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Finding {
    fn good(about: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Good, about: about.into(), message: message.into(), hint: None }
    }

    fn of_fault(about: impl Into<String>, fault: &Fault) -> Self {
        let hint = fault.hint.clone();
        Self { severity: Severity::Error, about: about.into(), message: fault.message(), hint }
    }

    fn of_config(error: &ConfigError) -> Self {
        let hint = error.hint.clone();
        Self {
            severity: Severity::Error,
            about: "configuration".to_owned(),
            message: error.to_string(),
            hint,
        }
    }

    fn warning(about: impl Into<String>, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { severity: Severity::Warning, about: about.into(), message: message.into(), hint }
    }
}

impl Service {
    /// Looks at configuration, store, key and accounts; with `online` each account is tried at its server too.
    ///
    /// # Errors
    /// None but what keeps it from looking at all.
    pub async fn doctor(world: World, env: Environment, online: bool) -> Result<Vec<Finding>, Fault> {
        let mut service = Self::examine(world, env)?;
        let mut findings = service.look_at_configuration();
        findings.extend(service.look_at_store());
        findings.extend(service.look_at_key());
        for name in service.config.accounts.keys().cloned().collect::<Vec<_>>() {
            findings.push(service.look_at_account(&name, online).await);
        }
        service.settle().await;
        if service.config.accounts.is_empty() {
            let hint = "`postrider account add ADDRESS` adds one".to_owned();
            findings.push(Finding::warning("accounts", "there are none", Some(hint)));
        }
        Ok(findings)
    }

    fn look_at_configuration(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.config.errors.iter().map(Finding::of_config).collect();
        let wrong = self.config.providers.values().filter_map(|read| read.as_ref().err());
        findings.extend(wrong.flatten().map(Finding::of_config));
        let shared = self.config.shared_mailboxes.values().filter_map(|read| read.as_ref().err());
        findings.extend(shared.flatten().map(Finding::of_config));
        if findings.is_empty() {
            findings
                .push(Finding::good("configuration", format!("{} reads well", self.config.dir.display())));
        }
        findings
    }

    fn look_at_store(&mut self) -> Vec<Finding> {
        let dir = self.config.settings.store.path.display().to_string();
        let found = Store::open_existing(&self.store_options()).map_err(Fault::from).and_then(|store| {
            self.store = store;
            self.merge_stored()?;
            let Some(store) = &self.store else { return Ok(None) };
            let wrong = store.reader()?.check()?;
            wrong.first().map_or(Ok(()), |first| store.note_damage(first))?;
            Ok(Some(wrong))
        });
        match found {
            Ok(None) => {
                vec![Finding::good("store", format!("there is none in {dir} yet; the first run makes it"))]
            }
            Ok(Some(wrong)) if wrong.is_empty() => vec![Finding::good("store", format!("{dir} is sound"))],
            Ok(Some(wrong)) => wrong
                .into_iter()
                .map(|message| Finding {
                    severity: Severity::Error,
                    about: "store".to_owned(),
                    message,
                    hint: Some(
                        "`postrider store check` tells more, and `postrider store restore FILE` puts a backup in its place"
                            .to_owned(),
                    ),
                })
                .collect(),
            Err(fault) => vec![Finding::of_fault("store", &fault)],
        }
    }

    fn look_at_key(&self) -> Option<Finding> {
        let place = self.resolver().key_place();
        match StoreKey::load(&place) {
            Ok(Some(key)) => Some(Finding::good("key", format!("the key {} is there", key.id()))),
            Ok(None) => None,
            Err(fault) => Some(Finding::of_fault("key", &fault)),
        }
    }

    async fn look_at_account(&self, name: &str, online: bool) -> Finding {
        let about = format!("account {name}");
        let account = match self.config.ready(name) {
            Ok(account) => account,
            Err(errors) => return Finding::of_fault(about, &crate::config::fault(&errors)),
        };
        let tried = match (&account.login, online) {
            // A token that is over would be renewed at its server.
            (Login::Consent(_), false) => Ok(None),
            (Login::Password(source), false) => self.password(&account, source).await.map(|_| None),
            (_, true) => match self.credential(&account).await {
                Ok(credential) => self.try_account(&account, credential).await.map(Some),
                Err(fault) => Err(fault),
            },
        };
        match tried {
            Err(fault) => Finding::of_fault(about, &fault),
            Ok(Some(trial)) if !trial.missing.is_empty() => {
                let message = format!("not on the server: {}", trial.missing.join(", "));
                Finding::warning(about, message, Some("check `folders` in the account's file".to_owned()))
            }
            Ok(Some(trial)) => {
                Finding::good(about, format!("logs in to {}, {} folders", trial.imap, trial.folders))
            }
            Ok(None) => match account.warnings.first() {
                Some(warning) => Finding::warning(about, warning.to_string(), None),
                None => Finding::good(about, said_of_login(&account.login, self.has_consent(name))),
            },
        }
    }
}

const fn said_of_login(login: &Login, has_consent: bool) -> &'static str {
    match (login, has_consent) {
        (Login::Password(_), _) => "its files are right and its password is there",
        (Login::Consent(_), true) => "its files are right and its tokens are there",
        (Login::Consent(_), false) => "its files are right; nobody has consented for it yet",
    }
}
