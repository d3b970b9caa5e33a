//! Refusals of those who were not let in, and when each was noted: whoever knocks without end must not fill the log.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use postrider_model::Timestamp;

use crate::access::Act;

/// The same refusal is noted once in so many seconds.
const EVERY: i64 = 60;

/// Who was refused what and why, and when that was noted last.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<BTreeMap<(String, Act, String), Timestamp>>);

impl Strangers {
    /// Whether that refusal is to be noted, at that time; if so, it is not again for a while. What is past that time is forgotten.
    pub(super) fn is_news(&self, actor: &str, act: Act, cause: &str, now: Timestamp) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back makes all of it new.
        noted.retain(|_, at| (0..EVERY).contains(&(now.seconds() - at.seconds())));
        let key = (actor.to_owned(), act, cause.to_owned());
        let is_news = !noted.contains_key(&key);
        if is_news {
            noted.insert(key, now);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_is_news_once_a_minute_and_nothing_is_kept_longer() {
        let strangers = Strangers::default();
        let at = |seconds| Timestamp::from_seconds(seconds);
        assert!(strangers.is_news("port", Act::Call, "no token", at(100)));
        assert!(!strangers.is_news("port", Act::Call, "no token", at(159)));
        assert!(strangers.is_news("port", Act::Call, "a page", at(159)));
        assert!(strangers.is_news("uid 7", Act::Call, "no token", at(159)));
        assert!(strangers.is_news("port", Act::ActAs, "no token", at(159)));
        assert!(strangers.is_news("port", Act::Call, "no token", at(160)));
        assert!(strangers.is_news("port", Act::Call, "no token", at(50)), "the clock was set back");
        assert!(strangers.is_news("x", Act::Call, "", at(1_000)));
        assert_eq!(strangers.0.lock().unwrap().len(), 1);
    }
}
