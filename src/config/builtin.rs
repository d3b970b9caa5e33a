//! The built-in directory of providers (F1.1): one file each in `builtin/`, in the form of `providers.d`, with the vendor's page
//! from which its values come.
//!
//! No client id is shipped (F1.5). A file of the same name in `providers.d` adds to an entry, key by key.

use super::{
    error::{ConfigError, OriginKind},
    name::Places,
    provider::{Provider, ProviderBody},
    reader::Source,
};

/// The entries by name, in the order of names.
const ENTRIES: [(&str, &str); 10] = [
    ("aol", include_str!("builtin/aol.toml")),
    ("fastmail", include_str!("builtin/fastmail.toml")),
    ("gmail", include_str!("builtin/gmail.toml")),
    ("icloud", include_str!("builtin/icloud.toml")),
    ("mailru", include_str!("builtin/mailru.toml")),
    ("microsoft365", include_str!("builtin/microsoft365.toml")),
    ("outlook", include_str!("builtin/outlook.toml")),
    ("yahoo", include_str!("builtin/yahoo.toml")),
    ("yandex", include_str!("builtin/yandex.toml")),
    ("zoho", include_str!("builtin/zoho.toml")),
];

/// The whole directory, in the order of names. An entry that does not read is a defect of this program, which a test excludes.
pub(super) fn directory() -> Vec<(String, Result<Provider, Vec<ConfigError>>)> {
    ENTRIES.iter().map(|(name, text)| ((*name).to_owned(), entry(name, text))).collect()
}

fn entry(name: &str, text: &str) -> Result<Provider, Vec<ConfigError>> {
    let file = format!("built-in provider {name}");
    let places = Places { folder: "/".into(), home: None };
    Source::read(OriginKind::BuiltIn, &file, text, |root| ProviderBody::parse(root, None, &places))
        .map(|(body, origin)| body.into_provider(name.to_owned(), origin))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::provider::{AuthKind, ProviderKind, Security};

    fn providers() -> Vec<Provider> {
        directory()
            .into_iter()
            .map(|(name, read)| read.unwrap_or_else(|errors| panic!("{name}: {errors:?}")))
            .collect()
    }

    #[test]
    fn every_entry_reads_and_is_protected() {
        for provider in providers() {
            for server in [&provider.imap, &provider.smtp].into_iter().flatten() {
                assert_ne!(server.security, Security::None, "{}", provider.name);
            }
            assert!(provider.imap.is_some() && provider.smtp.is_some(), "{}", provider.name);
            assert_eq!(provider.warnings(), [], "{}", provider.name);
            assert_eq!(provider.oauth.client_id, None, "no client id is shipped: {}", provider.name);
            assert!(provider.note.is_some(), "{}", provider.name);
        }
    }

    #[test]
    fn every_entry_cites_its_source() {
        for (name, text) in ENTRIES {
            assert!(text.lines().any(|line| line.starts_with("# Source: https://")), "{name}");
        }
    }

    #[test]
    fn oauth_comes_with_its_addresses() {
        for provider in providers().iter().filter(|provider| provider.auth.contains(&AuthKind::OAuth2)) {
            let oauth = &provider.oauth;
            assert!(oauth.auth_url.is_some() && oauth.token_url.is_some(), "{}", provider.name);
            assert!(!oauth.scopes.is_empty(), "{}", provider.name);
        }
    }

    /// Without these there is no refresh token, or nobody knows whose consent it was.
    #[test]
    fn google_and_microsoft_are_asked_for_lasting_consents_and_for_names() {
        for provider in providers() {
            let oauth = &provider.oauth;
            let asks = |scope: &str| oauth.scopes.iter().any(|one| one == scope);
            match provider.name.as_str() {
                "gmail" => {
                    let more = [("access_type", "offline"), ("prompt", "consent")];
                    assert_eq!(oauth.auth_parameters, more.map(|(name, value)| (name.into(), value.into())));
                    assert_eq!(oauth.redirect_host.name(), "127.0.0.1");
                    assert!(oauth.revocation_url.is_some() && asks("openid") && asks("email"));
                }
                "microsoft365" | "outlook" => {
                    assert!(asks("offline_access") && asks("openid") && asks("email"));
                    assert_eq!(oauth.redirect_host.name(), "localhost");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn no_domain_has_two_providers() {
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for provider in providers() {
            for domain in provider.domains {
                let other = owners.insert(domain.clone(), provider.name.clone());
                assert_eq!(other, None, "{domain}");
            }
        }
        for (domain, owner) in
            [("gmail.com", "gmail"), ("hotmail.com", "outlook"), ("me.com", "icloud"), ("ya.ru", "yandex")]
        {
            assert_eq!(owners.get(domain).map(String::as_str), Some(owner));
        }
    }

    #[test]
    fn gmail_is_of_the_google_type_and_microsoft_takes_no_passwords() {
        for provider in providers() {
            let is_google = provider.kind == ProviderKind::Google;
            assert_eq!(is_google, provider.name == "gmail", "{}", provider.name);
            let is_microsoft = ["outlook", "microsoft365"].contains(&provider.name.as_str());
            assert_eq!(provider.auth == [AuthKind::OAuth2], is_microsoft, "{}", provider.name);
        }
    }
}
