//! The whole program on one thread from one seed.
//!
//! Configuration files, service, engine, IMAP client and SQLite store are the real ones; the servers are `postrider-fake`'s,
//! and everything that is not deterministic is drawn from the seed. What is checked, and it is little enough to be read at
//! once, stands in [`laws`], [`wish`] and [`equal`].
//!
//! | module | holds |
//! |---|---|
//! | [`chance`], [`trace`] | what is drawn, and the hash of what came of it |
//! | [`world`], [`crash`], [`power`] | the seams, and how a program dies in them |
//! | [`machine`] | configuration, store and servers, on which the program is started again and again |
//! | [`layout`], [`mail`], [`change`], [`trouble`] | what servers hold, how it changes, what goes wrong |
//! | [`person`] | what is done here meanwhile |
//! | [`stored`], [`both`] | what the store holds, and both sides at one moment |
//! | [`laws`], [`wish`], [`equal`] | what has to hold: of the store, of what people want, at the end |
//! | [`life`] | one seed from its beginning to its end |
//! | [`daemon`], [`weather`], [`watcher`] | one seed of the daemon, what goes wrong around it, who looks on |
//! | [`post`] | what is sent meanwhile |
//! | [`items`] | one seed of contacts, or of activities, with a model of its own |
//! | [`regressions`] | seeds that failed once |

pub mod both;
pub mod chance;
pub mod change;
pub mod crash;
pub mod daemon;
pub mod equal;
pub mod items;
#[cfg(test)]
mod labels;
pub mod laws;
pub mod layout;
pub mod life;
pub mod machine;
pub mod mail;
pub mod person;
pub mod post;
pub mod power;
pub mod regressions;
pub mod stored;
pub mod trace;
pub mod trouble;
pub mod watcher;
pub mod weather;
pub mod wish;
pub mod world;

use anyhow::{Context, Result, anyhow};

use items::home::Of;
use life::{Extent, Summary};

/// What is lived from a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Runs, one after the other.
    Runs,
    /// The daemon.
    Daemon,
    /// Runs of contacts.
    Contacts,
    /// Runs of activities.
    Activities,
}

impl Kind {
    /// How it is asked for on the command line, with the blank before it.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Runs => "",
            Self::Daemon => " --daemon",
            Self::Contacts => " --contacts",
            Self::Activities => " --activities",
        }
    }
}

/// Lives one seed on a runtime of its own, of one thread and paused time. A panic anywhere in it is its failure.
///
/// # Errors
/// What went wrong, from the round down to the law.
pub fn run_seed(kind: Kind, seed: u64, extent: Extent, aloud: bool) -> Result<Summary> {
    let lived = std::panic::catch_unwind(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .context("start a runtime")?;
        runtime.block_on(async {
            match kind {
                Kind::Runs => life::live(seed, extent, aloud).await,
                Kind::Daemon => daemon::live(seed, extent, aloud).await,
                Kind::Contacts => items::live(Of::Contacts, seed, extent, aloud).await,
                Kind::Activities => items::live(Of::Activities, seed, extent, aloud).await,
            }
        })
    });
    lived.unwrap_or_else(|_| Err(anyhow!("it panicked; the message stands above")))
}
