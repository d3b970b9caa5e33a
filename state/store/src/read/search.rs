//! Full-text search: newest first among all that have every word (F2.7).
//!
//! The index answers *which* messages have the words; the store answers *where* and *when*. A rare word's few messages are
//! looked up one by one; a common word's many are met soon by walking down from the newest. Neither costs more than a walk over
//! the numbers of the hits, and neither depends on the order in which messages came in.

use std::time::Duration;

use postrider_model::{CollectionId, PlacementId};
use rusqlite::{Connection, ErrorCode};
use tokio::time::Instant;

use super::{
    Filter, Reader, Row,
    list::{Conditions, Newest, key},
};
use crate::{Result, StoreError, file, index};

/// A search ends after this.
const LIMIT: Duration = Duration::from_secs(2);
/// Steps of SQLite's machine between two looks at the clock: well under a millisecond.
const STEPS: i32 = 10_000;
/// So many hits are looked up one by one.
const FEW: usize = 2_000;

/// What is searched for. Words are folded by the caller as those in the index were (see [`Words`](crate::Words)); a message
/// has to have all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchQuery {
    /// Anywhere.
    pub words: Vec<String>,
    /// In the names and addresses of who wrote it.
    pub from: Vec<String>,
    /// In the names and addresses of to whom it went.
    pub to: Vec<String>,
    /// In the subject.
    pub subject: Vec<String>,
    /// Everything else that a list can ask for.
    pub filter: Filter,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The newest of what fits.
    pub rows: Vec<Row>,
    /// Whether all that is in the store could be searched; else the index is still behind the load.
    pub complete: bool,
}

impl Reader {
    /// The newest messages that have the words and fit the filter. Without any word it is a list.
    ///
    /// # Errors
    /// [`StoreError::TimedOut`] after two seconds, damage of either file, what SQLite says.
    pub fn search(&mut self, query: &SearchQuery) -> Result<Found> {
        let found = self.search_within(query, LIMIT);
        self.noting(|| found)
    }

    pub(crate) fn search_within(&mut self, query: &SearchQuery, limit: Duration) -> Result<Found> {
        let Some(expression) = index::expression(query) else {
            return Ok(Found { rows: self.list(&query.filter)?, complete: true });
        };
        let Some(mut index) = self.take_index()? else {
            return Ok(Found { rows: Vec::new(), complete: self.newest_message()? == 0 });
        };
        let deadline = Instant::now() + limit;
        set_deadline(&mut index, Some(deadline))?;
        set_deadline(&mut self.conn, Some(deadline))?;
        let found =
            self.search_with(&index, &expression, &query.filter).map_err(|error| timed_out(error, limit));
        set_deadline(&mut self.conn, None)?;
        // Kept for the next search, and not where it failed: the file may have been made anew meanwhile.
        if found.is_ok() {
            let _ = self.search.set(index);
        }
        found
    }

    fn take_index(&mut self) -> Result<Option<Connection>> {
        if let Some(index) = self.search.take() {
            return Ok(Some(index));
        }
        match self.search_path.try_exists() {
            Ok(true) => {
                let index = file::connect_reader(&self.search_path);
                index.map(Some).map_err(|error| error.about(file::SEARCH_FILE))
            }
            Ok(false) => Ok(None),
            Err(error) => Err(StoreError::io("look for", &self.search_path)(error)),
        }
    }

    /// A search index that is found damaged is made anew by the next run.
    fn forsaken(&self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Damaged { .. }) {
            index::forsake(&self.search_path);
        }
        error
    }

    fn search_with(&self, index: &Connection, expression: &str, filter: &Filter) -> Result<Found> {
        let (hits, watermark) =
            index::hits(index, expression).map_err(|error| self.forsaken(error.about(file::SEARCH_FILE)))?;
        let complete = watermark >= self.newest_message()?;
        Ok(Found { rows: self.rows(&self.newest_of(&hits, filter)?)?, complete })
    }

    /// The newest placements of those messages, given in ascending order, that fit the filter.
    pub(super) fn newest_of(&self, hits: &[i64], filter: &Filter) -> Result<Vec<PlacementId>> {
        let (collections, conditions) = (self.visible(filter)?, Conditions::of(filter));
        match hits.len() <= FEW {
            true => self.newest_of_few(hits, &collections, &conditions, filter),
            false => self.newest_of_many(&Marks::of(hits), &collections, &conditions, filter),
        }
    }

    fn newest_of_few(
        &self,
        hits: &[i64],
        collections: &[CollectionId],
        conditions: &Conditions,
        filter: &Filter,
    ) -> Result<Vec<PlacementId>> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT p.internal_us, p.message, p.id, p.folder FROM placement p
             WHERE p.message = ? AND (p.deleted_us IS NOT NULL) = ? AND coalesce(p.discard, '') NOT IN ('rest', 'left'){}",
            conditions.sql
        ))?;
        let mut newest = Newest::new(filter.limit);
        for hit in hits {
            let mut rows = statement.query(conditions.after(&[hit, &filter.deleted]).as_slice())?;
            while let Some(row) = rows.next()? {
                if collections.binary_search(&CollectionId(row.get(3)?)).is_ok() {
                    newest.offer(key(row)?);
                }
            }
        }
        Ok(newest.finish())
    }

    fn newest_of_many(
        &self,
        hits: &Marks,
        collections: &[CollectionId],
        conditions: &Conditions,
        filter: &Filter,
    ) -> Result<Vec<PlacementId>> {
        let order = match filter.deleted {
            true => "p.deleted_us IS NOT NULL AND coalesce(p.discard, '') NOT IN ('rest', 'left')",
            false => "p.deleted_us IS NULL",
        };
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT p.internal_us, p.message, p.id FROM placement p
             WHERE p.folder = ? AND {order} AND p.internal_us >= ?{}
             ORDER BY p.internal_us DESC, p.message DESC, p.id DESC",
            conditions.sql
        ))?;
        let mut newest = Newest::new(filter.limit);
        for collection in collections {
            let threshold = newest.threshold().0;
            let mut rows = statement.query(conditions.after(&[&collection.0, &threshold]).as_slice())?;
            let mut wanted = filter.limit;
            while let Some(row) = rows.next()? {
                if wanted == 0 {
                    break;
                }
                if hits.contains(row.get(1)?) {
                    newest.offer(key(row)?);
                    wanted -= 1;
                }
            }
        }
        Ok(newest.finish())
    }

    fn newest_message(&self) -> Result<i64> {
        let mut statement = self.conn.prepare_cached("SELECT coalesce(max(id), 0) FROM message")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }
}

fn set_deadline(conn: &mut Connection, deadline: Option<Instant>) -> Result<()> {
    Ok(conn.progress_handler(STEPS, deadline.map(|deadline| move || Instant::now() >= deadline))?)
}

fn timed_out(error: StoreError, limit: Duration) -> StoreError {
    match &error {
        StoreError::Sqlite(cause) if cause.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            StoreError::TimedOut { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
        }
        _ => error,
    }
}

/// A set of message ids, one bit each.
struct Marks(Vec<u64>);

impl Marks {
    /// Of ascending ids.
    fn of(ids: &[i64]) -> Self {
        let words = ids.last().map_or(0, |last| at(*last).0 + 1);
        let mut marks = vec![0; words];
        for id in ids {
            let (word, bit) = at(*id);
            if let Some(word) = marks.get_mut(word) {
                *word |= bit;
            }
        }
        Self(marks)
    }

    fn contains(&self, id: i64) -> bool {
        let (word, bit) = at(id);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

fn at(id: i64) -> (usize, u64) {
    let id = id.max(0).cast_unsigned();
    (usize::try_from(id / 64).unwrap_or(usize::MAX - 1), 1 << (id % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use postrider_model::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::{Options, Store};

    #[test]
    fn a_search_that_takes_too_long_ends_and_says_so() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(home.path().join("store"), [1; 16], Timestamp(0))).unwrap();
        drop(store.indexer().unwrap());
        let index = file::connect(&store.dir().join(file::SEARCH_FILE)).unwrap();
        index
            .execute_batch(
                "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
                 INSERT INTO body_fts (rowid, text) SELECT i, 'tea' FROM n",
            )
            .unwrap();
        let query = SearchQuery { words: vec!["tea".to_owned()], ..SearchQuery::default() };
        let mut reader = store.reader().unwrap();
        let refused = reader.search_within(&query, Duration::ZERO).unwrap_err();
        assert!(matches!(refused, StoreError::TimedOut { limit_ms: 0 }), "{refused}");
        // The limit was that search's and not the reader's.
        assert!(reader.search(&query).unwrap().rows.is_empty());
        assert!(reader.list(&Filter::default()).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn marks_are_a_set(ids in prop::collection::btree_set(1_i64..500, 0..60), id in 0_i64..600) {
            let ids: BTreeSet<i64> = ids;
            let marks = Marks::of(&ids.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(marks.contains(id), ids.contains(&id));
        }
    }
}
