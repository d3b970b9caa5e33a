//! What can be said of the store itself and of its key.

use std::path::PathBuf;

use clap::Subcommand;

/// `postrider store …`
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Write a consistent copy of the store, without the key, while it is in use.
    Backup {
        /// A new file, or a folder for one.
        #[arg(value_name = "FILE|DIR")]
        to: PathBuf,
    },
    /// Put a backup in the store's place. What was there is kept aside; nothing is sent before `adopt`.
    Restore {
        /// The backup.
        file: PathBuf,
    },
    /// Look for damage.
    Check {
        /// Read every message, not a sample.
        #[arg(long)]
        full: bool,
    },
    /// Give back room that is free inside the store's files.
    Compact,
}

/// `postrider key …`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Seal stored passwords and tokens by a new key, or end a rotation that was cut off.
    Rotate,
}
