//! What can be said of the API.

use clap::Subcommand;

/// `postrider api …`
#[derive(Debug, Subcommand)]
pub enum ApiCommand {
    /// Print the API's description (OpenAPI 3.1).
    Describe,
    /// Tokens by which programs ask over TCP.
    #[command(subcommand)]
    Token(TokenCommand),
}

/// `postrider api token …`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, this once.
    Create {
        /// A name by which it can be taken back.
        name: String,
        /// The user in whose name it asks [default: the caller].
        #[arg(long)]
        user: Option<String>,
        /// For how many days it is good.
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// All tokens, without what makes them good.
    List,
    /// Take a token back.
    Revoke {
        /// Its name.
        name: String,
    },
}
