//! `fleetwright user token`: tokens that users have besides those that they sign in for.

use anyhow::Result;
use serde_json::json;

use crate::client::Client;
use crate::client::answers::{NewToken, Tokens};
use crate::output;

/// Makes, lists and revokes tokens.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Makes a token, which may do what its user may. It is shown once and never again.
    #[command(after_help = "Example:\n  \
        fleetwright user token create ada --name nightly --days 90\n\n\
        Whoever holds the token uses it as FLEETWRIGHT_TOKEN.")]
    Create {
        /// The user's name.
        user: String,
        /// What the token is called, once among the user's.
        #[arg(long)]
        name: String,
        /// How many days it works: 1 to 366.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=366))]
        days: u32,
    },
    /// Lists a user's tokens, those got by signing in too.
    #[command(after_help = "Example:\n  fleetwright user token list ada")]
    List {
        /// The user's name.
        user: String,
    },
    /// Revokes a token, which works no more from then on.
    #[command(after_help = "Example:\n  fleetwright user token revoke 0f3a9c51d2e47b68")]
    Revoke {
        /// The token's id, as the list shows it.
        id: String,
    },
}

impl Command {
    /// Does it.
    pub fn run(self, client: &Client, is_json: bool) -> Result<()> {
        match self {
            Self::Create { user, name, days } => create(client, &user, &name, days, is_json),
            Self::List { user } => list(client, &user, is_json),
            Self::Revoke { id } => {
                client.delete(&["tokens", &id], &[])?;
                output::tell(&format!("{} works no more", output::clean(&id)));
                Ok(())
            }
        }
    }
}

fn create(client: &Client, user: &str, name: &str, days: u32, is_json: bool) -> Result<()> {
    let body = json!({ "name": name, "expires_in_days": days });
    let answer = client.post(&["users", user, "tokens"], &body)?;
    if is_json {
        return Ok(output::json(&answer)?);
    }
    let made: NewToken = client.read(&answer)?;
    output::tell("The token is shown now and never again.");
    let fields =
        [("id", made.id), ("name", made.name), ("expires", made.expires_at), ("token", made.token)];
    Ok(output::data(&output::fields(&fields))?)
}

fn list(client: &Client, user: &str, is_json: bool) -> Result<()> {
    let answer = client.get(&["users", user, "tokens"], &[])?;
    if is_json {
        return Ok(output::json(&answer)?);
    }
    let list: Tokens = client.read(&answer)?;
    let rows = list.tokens.into_iter().map(|token| {
        let name = token.name.unwrap_or_else(|| "(signed in)".to_owned());
        let last = token.last_used_at.unwrap_or_default();
        vec![token.id, name, token.issued_at, token.expires_at, last]
    });
    let header = ["ID", "NAME", "ISSUED", "EXPIRES", "LAST USED"];
    Ok(output::data(&output::table(&header, rows.collect()))?)
}
