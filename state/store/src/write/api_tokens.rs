//! Tokens by which programs ask the API over TCP. Only their hashes are here.

use postrider_model::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::Tx;
use crate::{Reader, Result};

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its name, which no other has.
    pub name: String,
    /// The user in whose name it calls.
    pub user: String,
    /// Its last four characters.
    pub tail: String,
    /// Since when it is.
    pub created: Timestamp,
    /// From when on it is nobody's.
    pub expires: Timestamp,
}

/// A token to be kept.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    /// Its name.
    pub name: String,
    /// The user in whose name it calls.
    pub user: String,
    /// Its BLAKE3 hash.
    pub hash: [u8; 32],
    /// Its last four characters.
    pub tail: String,
    /// Now.
    pub created: Timestamp,
    /// From when on it is nobody's.
    pub expires: Timestamp,
}

impl From<NewApiToken> for ApiToken {
    fn from(new: NewApiToken) -> Self {
        Self { name: new.name, user: new.user, tail: new.tail, created: new.created, expires: new.expires }
    }
}

const COLUMNS: &str = "name, user, tail, created_us, expires_us";

fn token(row: &Row<'_>) -> rusqlite::Result<ApiToken> {
    Ok(ApiToken {
        name: row.get(0)?,
        user: row.get(1)?,
        tail: row.get(2)?,
        created: Timestamp(row.get(3)?),
        expires: Timestamp(row.get(4)?),
    })
}

impl Tx<'_> {
    /// Keeps a token. `false`, and nothing changed, where there is one of that name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn add_api_token(&mut self, new: &NewApiToken) -> Result<bool> {
        let added = self.conn.execute(
            "INSERT INTO api_token (name, user, hash, tail, created_us, expires_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (name) DO NOTHING",
            params![new.name, new.user, new.hash.as_slice(), new.tail, new.created.0, new.expires.0],
        )?;
        Ok(added > 0)
    }

    /// Forgets a token; answers whether there was one.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn delete_api_token(&mut self, name: &str) -> Result<bool> {
        Ok(self.conn.execute("DELETE FROM api_token WHERE name = ?1", [name])? > 0)
    }
}

impl Reader {
    /// All tokens by name, those that are over too.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        self.noting(|| {
            let mut statement =
                self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM api_token ORDER BY name"))?;
            Ok(statement.query_map([], token)?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The token with that hash, be it over or not.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn api_token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>> {
        self.noting(|| {
            let sql = format!("SELECT {COLUMNS} FROM api_token WHERE hash = ?1");
            Ok(self.conn.prepare_cached(&sql)?.query_row([hash.as_slice()], token).optional()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Store};

    fn new(name: &str, hash: u8) -> NewApiToken {
        NewApiToken {
            name: name.to_owned(),
            user: "anna".to_owned(),
            hash: [hash; 32],
            tail: "abcd".to_owned(),
            created: Timestamp(1),
            expires: Timestamp(2),
        }
    }

    #[test]
    fn a_token_is_known_by_its_hash_until_it_is_taken_back() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(home.path().join("store"), [1; 16], Timestamp(0))).unwrap();
        let mut writer = store.writer().unwrap();
        let mut add = |token| writer.transaction(|tx| tx.add_api_token(&token)).unwrap();
        assert!(add(new("b", 1)) && add(new("a", 2)));
        assert!(!add(new("a", 3)), "a name is one token's");
        let reader = store.reader().unwrap();
        let names: Vec<String> = reader.api_tokens().unwrap().into_iter().map(|token| token.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(reader.api_token(&[1; 32]).unwrap(), Some(new("b", 1).into()));
        assert_eq!(reader.api_token(&[3; 32]).unwrap(), None);
        assert!(writer.transaction(|tx| tx.delete_api_token("b")).unwrap());
        assert!(!writer.transaction(|tx| tx.delete_api_token("b")).unwrap());
        assert_eq!(reader.api_token(&[1; 32]).unwrap(), None);
    }
}
