//! The tokens of accounts that log in by OAuth 2.0, sealed.
//!
//! A refresh token may serve once alone, and who renews it may have read it long before. So tokens are replaced by whoever says which
//! they replace, and the number by which it is said is never used again, not even after a disconnection.

use std::fmt;

use rusqlite::{OptionalExtension, params};

use super::Tx;
use crate::Result;

/// An account's sealed tokens, and which they are.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedTokens {
    /// Grows with every replacement.
    pub generation: u64,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
    /// What they were given for; it is sealed with them.
    pub given_for: Option<String>,
}

/// Sealed tokens to be kept.
#[derive(Clone, Copy)]
pub struct NewTokens<'a> {
    /// With which key they were sealed.
    pub key_id: &'a str,
    /// Nonce and ciphertext.
    pub sealed: &'a [u8],
    /// What they were given for; it is sealed with them.
    pub given_for: Option<&'a str>,
}

/// As [`SealedTokens`].
impl fmt::Debug for NewTokens<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTokens").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The ciphertext is no use to a reader, and stays out of logs all the same (I11).
impl fmt::Debug for SealedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTokens").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Tx<'_> {
    /// Puts these tokens in place of those of generation `seen` (`None`: of none). `false`, and nothing changed, where those are not
    /// the ones that are there.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn replace_tokens(&mut self, account: &str, seen: Option<u64>, new: NewTokens<'_>) -> Result<bool> {
        let (last, is_there) = self.last_tokens(account)?;
        if seen.map(u64::cast_signed) != last.filter(|_| is_there) {
            return Ok(false);
        }
        self.put_tokens(account, new)?;
        Ok(true)
    }

    /// Puts tokens there in place of any others: those of a new consent.
    ///
    /// # Errors
    /// [`StoreError::OtherKey`](crate::StoreError::OtherKey), and what SQLite says.
    pub fn put_tokens(&mut self, account: &str, new: NewTokens<'_>) -> Result<()> {
        self.same_key(new.key_id)?;
        self.conn.execute(
            "INSERT INTO oauth_token (account, generation, key_id, sealed, given_for) VALUES (?1, 1, ?2, ?3, ?4)
             ON CONFLICT (account) DO UPDATE
             SET generation = generation + 1, key_id = excluded.key_id, sealed = excluded.sealed,
                 given_for = excluded.given_for",
            params![account, new.key_id, new.sealed, new.given_for],
        )?;
        Ok(())
    }

    /// Forgets an account's tokens; answers whether there were any.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn erase_tokens(&mut self, account: &str) -> Result<bool> {
        let sql = "UPDATE oauth_token SET key_id = NULL, sealed = NULL, given_for = NULL WHERE account = ?1 AND sealed IS NOT NULL";
        Ok(self.conn.execute(sql, [account])? > 0)
    }

    /// The last generation, and whether its tokens are there.
    fn last_tokens(&self, account: &str) -> Result<(Option<i64>, bool)> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT generation, sealed IS NOT NULL FROM oauth_token WHERE account = ?1")?;
        let last: Option<(i64, bool)> =
            statement.query_row([account], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(last.map_or((None, false), |(generation, is_there)| (Some(generation), is_there)))
    }
}

#[cfg(test)]
mod tests {
    use postrider_model::Timestamp;

    use super::NewTokens;
    use crate::{Options, Store};

    const fn new(sealed: &[u8]) -> NewTokens<'_> {
        NewTokens { key_id: "0011223344556677", sealed, given_for: None }
    }

    #[test]
    fn tokens_are_replaced_by_who_says_which_and_no_generation_comes_twice() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(home.path().join("store"), [1; 16], Timestamp(0))).unwrap();
        let mut writer = store.writer().unwrap();
        let mut replace = |seen, sealed: &[u8]| {
            writer.transaction(|tx| tx.replace_tokens("work", seen, new(sealed))).unwrap()
        };
        let there = || {
            let found = store.reader().unwrap().tokens("work").unwrap();
            found.map(|tokens| (tokens.generation, tokens.sealed))
        };
        assert_eq!(there(), None);
        assert!(!replace(Some(1), b"early"), "nothing is there to be replaced");
        assert!(replace(None, b"first"));
        assert!(!replace(None, b"twice"));
        assert!(!replace(Some(2), b"late"));
        assert!(replace(Some(1), b"second"));
        assert_eq!(there(), Some((2, b"second".to_vec())));
        assert_eq!(store.reader().unwrap().secret_keys().unwrap(), ["0011223344556677"]);

        assert!(writer.transaction(|tx| tx.erase_tokens("work")).unwrap());
        assert!(!writer.transaction(|tx| tx.erase_tokens("work")).unwrap());
        assert_eq!(there(), None);
        assert!(store.reader().unwrap().secret_keys().unwrap().is_empty());
        let mut replace = |seen, sealed: &[u8]| {
            writer.transaction(|tx| tx.replace_tokens("work", seen, new(sealed))).unwrap()
        };
        assert!(!replace(Some(2), b"of one who has not heard of it"));
        assert!(replace(None, b"third"));
        assert_eq!(there(), Some((3, b"third".to_vec())));
        writer.transaction(|tx| tx.put_tokens("work", new(b"of a new consent"))).unwrap();
        assert_eq!(there(), Some((4, b"of a new consent".to_vec())));
        assert_eq!(store.reader().unwrap().tokens("other").unwrap(), None);
    }
}
