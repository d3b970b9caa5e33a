//! What is added by command and not by a file: accounts, providers, domains, secrets (F1.6, F8.1, F8.3).
//!
//! Accounts and providers are kept as the text of the file that they would be. Secrets come in sealed and go out sealed: the
//! key is never here.

use std::fmt;

use rusqlite::params;

use super::Tx;
use crate::Result;

/// A sealed secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Of which account.
    pub account: String,
    /// Which of its secrets, such as `password`.
    pub field: String,
    /// With which key it was sealed.
    pub key_id: String,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
    /// What it was given for; it is sealed with it.
    pub given_for: Option<String>,
}

/// The ciphertext is no use to a reader, and stays out of logs all the same (I11).
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("account", &self.account)
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}

impl Tx<'_> {
    /// Keeps a new account's settings; answers whether the name was free. With `also_left` it is not free either where the store has an
    /// account of that name, whose settings may be gone.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn add_stored_account(&mut self, name: &str, toml: &str, also_left: bool) -> Result<bool> {
        if also_left && self.account_id(name)?.is_some() {
            return Ok(false);
        }
        let sql = "INSERT INTO stored_account (name, toml) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
        Ok(self.conn.execute(sql, [name, toml])? > 0)
    }

    /// Keeps an account's settings in the place of these; answers whether it was they that were there.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn replace_stored_account(&mut self, name: &str, was: &str, toml: &str) -> Result<bool> {
        let sql = "UPDATE stored_account SET toml = ?3 WHERE name = ?1 AND toml = ?2";
        Ok(self.conn.execute(sql, [name, was, toml])? > 0)
    }

    /// Whether an account's settings are still these.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn is_stored_account(&self, name: &str, toml: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM stored_account WHERE name = ?1 AND toml = ?2)";
        Ok(self.conn.query_row(sql, [name, toml], |row| row.get(0))?)
    }

    /// Forgets an account's settings; answers whether there were any.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn delete_stored_account(&mut self, name: &str) -> Result<bool> {
        Ok(self.conn.execute("DELETE FROM stored_account WHERE name = ?1", [name])? > 0)
    }

    /// All accounts that were added by command: name and text, sorted by name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn stored_accounts(&self) -> Result<Vec<(String, String)>> {
        crate::read::texts(self.conn, "stored_account")
    }

    /// Keeps a provider's settings, in the place of what was kept under that name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn put_stored_provider(&mut self, name: &str, toml: &str) -> Result<()> {
        self.put("stored_provider", name, toml)
    }

    /// Forgets a provider's settings; answers whether there were any.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn delete_stored_provider(&mut self, name: &str) -> Result<bool> {
        Ok(self.conn.execute("DELETE FROM stored_provider WHERE name = ?1", [name])? > 0)
    }

    /// All providers that were added by command: name and text, sorted by name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn stored_providers(&self) -> Result<Vec<(String, String)>> {
        crate::read::texts(self.conn, "stored_provider")
    }

    /// Keeps what is granted of an account, in the place of what was kept of it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn put_stored_mailbox(&mut self, account: &str, toml: &str) -> Result<()> {
        self.put("stored_mailbox", account, toml)
    }

    /// Forgets what was granted of an account; answers whether anything was.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn delete_stored_mailbox(&mut self, account: &str) -> Result<bool> {
        Ok(self.conn.execute("DELETE FROM stored_mailbox WHERE name = ?1", [account])? > 0)
    }

    fn put(&mut self, table: &str, name: &str, toml: &str) -> Result<()> {
        let sql = format!(
            "INSERT INTO {table} (name, toml) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET toml = excluded.toml WHERE toml <> excluded.toml"
        );
        self.conn.execute(&sql, [name, toml])?;
        Ok(())
    }

    /// Remembers which provider serves a domain: for that user, or for everybody.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn put_domain(&mut self, domain: &str, user: Option<&str>, provider: &str) -> Result<()> {
        self.conn.execute(
            "INSERT INTO domain (domain, user, provider) VALUES (?1, ?2, ?3)
             ON CONFLICT (domain, user) DO UPDATE SET provider = excluded.provider WHERE provider <> excluded.provider",
            [domain, user.unwrap_or(""), provider],
        )?;
        Ok(())
    }

    /// Forgets the domains of a provider that is there no more.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn delete_domains_of(&mut self, provider: &str) -> Result<()> {
        self.conn.execute("DELETE FROM domain WHERE provider = ?1", [provider])?;
        Ok(())
    }

    /// Forgets which provider serves a domain for that user, or for everybody; answers whether it was known.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn delete_domain(&mut self, domain: &str, user: Option<&str>) -> Result<bool> {
        let sql = "DELETE FROM domain WHERE domain = ?1 AND user = ?2";
        Ok(self.conn.execute(sql, [domain, user.unwrap_or("")])? > 0)
    }

    /// The provider remembered for a domain: the user's own before everybody's.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn domain_provider(&self, domain: &str, user: &str) -> Result<Option<String>> {
        crate::read::domain_provider(self.conn, domain, user)
    }

    /// Keeps a sealed secret, in the place of the one before.
    ///
    /// # Errors
    /// [`StoreError::OtherKey`](crate::StoreError::OtherKey), and what SQLite says.
    pub fn put_secret(&mut self, secret: &Secret) -> Result<()> {
        self.same_key(&secret.key_id)?;
        self.conn.execute(
            "INSERT OR REPLACE INTO secret (account, field, key_id, sealed, given_for) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![secret.account, secret.field, secret.key_id, secret.sealed, secret.given_for],
        )?;
        Ok(())
    }

    /// A sealed secret.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn secret(&self, account: &str, field: &str) -> Result<Option<Secret>> {
        crate::read::secret(self.conn, account, field)
    }

    /// Forgets one secret of an account, or all of them; answers how many there were.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn delete_secrets(&mut self, account: &str, field: Option<&str>) -> Result<u64> {
        let sql = "DELETE FROM secret WHERE account = ?1 AND (?2 IS NULL OR field = ?2)";
        Ok(self.conn.execute(sql, params![account, field])? as u64)
    }
}
