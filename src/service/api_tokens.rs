//! Tokens by which programs ask the API over TCP (F6.6): made, listed, taken back, known again.
//!
//! A token is 32 octets drawn at random, so its hash needs no salt, and nobody who reads the store can ask by what stands there. It is
//! shown once and kept nowhere.

use postrider_model::{ErrorClass, Fault, Timestamp};
use postrider_store::{ApiToken, AuditEntry, NewApiToken, Outcome};
use zeroize::Zeroizing;

use super::{Caller, Service, audit::noted};
use crate::{
    access::Act,
    config::{Operation, is_name},
};

/// By what a token is told from other secrets, by people and by programs that look for secrets in the wrong places.
const PREFIX: &str = "postrider_";
/// The longest life of a token, in days.
const MOST_DAYS: u32 = 3_650;

/// A token that was just made.
#[derive(Debug)]
pub struct MadeToken {
    /// What is known of it from now on.
    pub token: ApiToken,
    /// The token itself, which nothing can show again.
    pub secret: Zeroizing<String>,
}

impl Service {
    /// Makes a token for that user, by default the caller, good for so many days.
    ///
    /// # Errors
    /// A name that is none or is taken, a user who is not known or whose name is not the caller's to give away.
    pub fn create_api_token(
        &mut self,
        caller: &Caller,
        name: &str,
        user: Option<&str>,
        days: u32,
    ) -> Result<MadeToken, Fault> {
        let refuse = |cause: &str| Fault::new(ErrorClass::Config, format!("make the token {name:?}"), cause);
        if !is_name(name) {
            return Err(refuse("its name is none").hint("a name is of letters, digits and . _ -"));
        }
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(refuse(&format!("found {days} days, expected 1 to {MOST_DAYS}")));
        }
        let user = user.unwrap_or(&caller.user);
        let act = if user == caller.user { Act::MakeToken } else { Act::MakeAnyToken };
        self.in_own_name(caller, act, name)?;
        self.permit_operation(caller, act, name)?;
        if self.caller_of_user(user, name)?.has_everything() && !caller.has_everything() {
            return Err(self.denied(caller, act, "", name));
        }
        let mut octets = Zeroizing::new([0; 32]);
        self.world.entropy.fill(&mut *octets);
        let secret = Zeroizing::new(format!("{PREFIX}{}", hex(&*octets)));
        let now = self.world.clock.now();
        let new = NewApiToken {
            name: name.to_owned(),
            user: user.to_owned(),
            hash: hash(&secret),
            tail: secret.get(secret.len() - 4..).unwrap_or_default().to_owned(),
            created: now,
            expires: Timestamp::from_seconds(now.seconds() + i64::from(days) * 86_400),
        };
        let line = self.line(caller, act, "", &format!("{name} for {user}"));
        let added = self.durable_writer()?.transaction(|tx| {
            let added = tx.add_api_token(&new)?;
            if added {
                tx.audit(line)?;
            }
            Ok(added)
        })?;
        match added {
            true => Ok(MadeToken { token: new.into(), secret }),
            false => Err(refuse("there is one of that name").hint("`postrider api token list` lists them")),
        }
    }

    /// The caller's tokens, or everybody's where the caller administers; those that are over too.
    ///
    /// # Errors
    /// The store's, in words.
    pub fn api_tokens(&self, caller: &Caller) -> Result<Vec<ApiToken>, Fault> {
        let Some(store) = &self.store else { return Ok(Vec::new()) };
        let all = self.has_operation(caller, Operation::Administer);
        let tokens = store.reader()?.api_tokens()?.into_iter();
        Ok(tokens.filter(|token| all || token.user == caller.user).collect())
    }

    /// Takes a token back: from the next call on it is nobody's.
    ///
    /// # Errors
    /// Where the caller has none of that name.
    pub fn revoke_api_token(&mut self, caller: &Caller, name: &str) -> Result<(), Fault> {
        self.in_own_name(caller, Act::RevokeToken, name)?;
        if !self.api_tokens(caller)?.iter().any(|token| token.name == name) {
            let action = format!("take back the token {name:?}");
            return Err(Fault::new(ErrorClass::NotFound, action, "there is none of that name")
                .hint("`postrider api token list` lists them"));
        }
        let line = self.line(caller, Act::RevokeToken, "", name);
        self.durable_writer()?.transaction(noted(line, |tx| tx.delete_api_token(name)))?;
        Ok(())
    }

    /// Whoever acts as another neither leaves a key to that other's rights behind nor takes one away.
    fn in_own_name(&self, caller: &Caller, act: Act, name: &str) -> Result<(), Fault> {
        if !caller.acts_as_another() {
            return Ok(());
        }
        let fault =
            Fault::new(ErrorClass::NotPermitted, act.in_words(""), "it is done in one's own name alone")
                .hint("leave --as out");
        let line = self.line(caller, act, "", name);
        self.note(AuditEntry { outcome: Outcome::Refused, detail: fault.cause.clone(), ..line });
        Err(fault)
    }

    /// The caller who has that token; `None` for one that is nobody's, and for one that is over, of which the log tells.
    ///
    /// # Errors
    /// The store's, in words; a user who is not known any more.
    pub fn caller_of_token(&self, token: &str) -> Result<Option<Caller>, Fault> {
        let Some(store) = self.store.as_ref().filter(|_| token.starts_with(PREFIX)) else {
            return Ok(None);
        };
        let Some(found) = store.reader()?.api_token(&hash(token))? else { return Ok(None) };
        let actor = format!("token {}", found.name);
        if self.world.clock.now() >= found.expires {
            let over = Fault::new(ErrorClass::NotPermitted, "let a token in", "it is over");
            self.note_stranger(&actor, &found.user, Act::Call, &over);
            return Ok(None);
        }
        self.caller_of_user(&found.user, &actor).map(Some)
    }
}

fn hash(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
