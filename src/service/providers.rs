//! The directory of providers: built in, of files, added by command (F1.1, F1.7).

use postrider_model::{ErrorClass, Fault};
use serde::Serialize;

use super::{Caller, Service, audit::noted};
use crate::{
    access::Act,
    config::{Operation, ProviderDraft, Server, fault as config_fault},
};

/// A provider, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderView {
    /// Its name.
    pub name: String,
    /// What it offers: `imap`, `exchange`, `google`.
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    /// The domains whose addresses are its own.
    pub domains: Vec<String>,
    /// How its accounts may log in.
    pub auth: Vec<&'static str>,
    /// Its IMAP server.
    pub imap: Option<String>,
    /// Its SMTP server.
    pub smtp: Option<String>,
    /// `built in`, `file` or `store`: where it is defined.
    pub origin: Option<&'static str>,
    /// The accounts that use it.
    pub accounts: Vec<String>,
    /// What a person should know who logs in there.
    pub note: Option<String>,
    /// What is wrong with its file.
    pub errors: Vec<String>,
}

impl Service {
    /// All providers, by name, each with those of its accounts that the caller sees.
    pub fn providers(&self, caller: &Caller) -> Vec<ProviderView> {
        self.config.providers.keys().filter_map(|name| self.provider_view(caller, name)).collect()
    }

    /// One provider.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn provider(&self, caller: &Caller, name: &str) -> Result<ProviderView, Fault> {
        self.provider_view(caller, name).ok_or_else(|| unknown("show", name))
    }

    /// Adds a provider, in the store.
    ///
    /// # Errors
    /// A name that is taken, and all that is wrong with what was said.
    pub fn add_provider(
        &mut self,
        caller: &Caller,
        name: &str,
        draft: &ProviderDraft,
    ) -> Result<ProviderView, Fault> {
        self.permit_operation(caller, Act::AddProvider, name)?;
        if self.config.providers.contains_key(name) {
            let fault = Fault::new(
                ErrorClass::Config,
                format!("add provider {name}"),
                "there is one of that name already",
            );
            return Err(fault.hint(format!("`postrider provider show {name}` shows it")));
        }
        let toml = draft.to_toml();
        self.config.check_provider(name, &toml).map_err(|errors| config_fault(&errors))?;
        let stored = name.to_owned();
        let line = self.line(caller, Act::AddProvider, "", name);
        self.edit(noted(line, move |tx| tx.put_stored_provider(&stored, &toml)))?;
        self.provider_view(caller, name).ok_or_else(|| unknown("show", name))
    }

    /// Takes a provider away that was added by command.
    ///
    /// # Errors
    /// Where there is none, where a file or this program defines it, or where accounts use it: the refusal lists them (F1.7).
    pub fn remove_provider(&mut self, caller: &Caller, name: &str) -> Result<(), Fault> {
        self.permit_operation(caller, Act::RemoveProvider, name)?;
        let view = self.provider_view(caller, name).ok_or_else(|| unknown("remove", name))?;
        let refuse = |cause: String| Fault::new(ErrorClass::Config, format!("remove provider {name}"), cause);
        if !view.accounts.is_empty() {
            let accounts = view.accounts.join(", ");
            return Err(refuse(format!("it is in use by {accounts}")).hint("remove these accounts first"));
        }
        match view.origin {
            Some("store") => {}
            Some("built in") => return Err(refuse("it is built in".to_owned())),
            _ => {
                let file = self.config.dir.join("providers.d").join(format!("{name}.toml"));
                return Err(refuse("a file defines it".to_owned()).hint(format!("delete {}", file.display())));
            }
        }
        let line = self.line(caller, Act::RemoveProvider, "", name);
        let name = name.to_owned();
        self.edit(noted(line, move |tx| {
            tx.delete_domains_of(&name)?;
            tx.delete_stored_provider(&name)
        }))?;
        Ok(())
    }

    fn provider_view(&self, caller: &Caller, name: &str) -> Option<ProviderView> {
        let read = self.config.providers.get(name)?;
        let provider = read.as_ref().ok();
        let errors = match (read, self.has_operation(caller, Operation::Administer)) {
            (Ok(_), _) => Vec::new(),
            (Err(errors), true) => errors.iter().map(ToString::to_string).collect(),
            (Err(_), false) => vec!["its file is wrong; an administrator sees how".to_owned()],
        };
        let accounts = self.config.accounts_of_provider(name).into_iter();
        let accounts = accounts.filter(|account| self.may(caller, Act::SeeAccount, account));
        let address =
            |server: &Server| format!("{}:{} ({})", server.host, server.port, server.security.name());
        Some(ProviderView {
            name: name.to_owned(),
            kind: provider.map(|provider| provider.kind.name()),
            domains: provider.map(|provider| provider.domains.clone()).unwrap_or_default(),
            auth: provider.map(|p| p.auth.iter().map(|auth| auth.name()).collect()).unwrap_or_default(),
            imap: provider.and_then(|provider| provider.imap.as_ref()).map(address),
            smtp: provider.and_then(|provider| provider.smtp.as_ref()).map(address),
            origin: provider.map(|provider| provider.origin.kind.name()),
            accounts: accounts.map(ToOwned::to_owned).collect(),
            note: provider.and_then(|provider| provider.note.clone()),
            errors,
        })
    }
}

fn unknown(verb: &str, name: &str) -> Fault {
    Fault::new(ErrorClass::NotFound, format!("{verb} provider {name}"), "there is none of that name")
        .hint("`postrider provider list` lists them")
}
