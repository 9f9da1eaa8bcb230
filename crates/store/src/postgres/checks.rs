//! What has to be true of a server and of a database before they are used, in words that say what
//! to do about it.

use tokio_postgres::SimpleQueryMessage;

use super::connection::Connection;

/// The oldest version that may be used, as `server_version_num` has it.
const VERSION_MIN: u32 = 150_000;

/// What is wrong with a server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It is too old.
    #[error("PostgreSQL {version} is too old: at least 15 is needed")]
    TooOld {
        /// Its version.
        version: String,
    },
    /// It is a standby.
    #[error("it is a standby, which takes no changes: name the primary too, or promote it")]
    Standby,
    /// Its transactions are read-only.
    #[error("its transactions are read-only: set default_transaction_read_only to off")]
    ReadOnly,
    /// The database's text is not Unicode.
    #[error("the database's encoding is {encoding}: make it with ENCODING 'UTF8'")]
    Encoding {
        /// What it is.
        encoding: String,
    },
    /// It does not answer as PostgreSQL does.
    #[error("it does not say {0}: it is no PostgreSQL server")]
    Silent(&'static str),
    /// The question failed.
    #[error("it can't be asked about itself")]
    Ask(#[source] tokio_postgres::Error),
}

/// What is wrong with a database that answers.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// There is no schema to put tables into.
    #[error("user {user} has no schema to put tables into: see search_path")]
    NoSchema {
        /// Who asks.
        user: String,
    },
    /// Tables have to be made and may not be.
    #[error(
        "user {user} may make no tables: GRANT CREATE ON SCHEMA \"{schema}\" TO \"{user}\", or \
         let \"{user}\" own the database"
    )]
    MayNotCreate {
        /// Who asks.
        user: String,
        /// Where.
        schema: String,
    },
    /// There are tables of ours that may not be used.
    #[error(
        "user {user} may not use table {table}: let \"{user}\" own it, or GRANT SELECT, INSERT, \
         UPDATE, DELETE ON ALL TABLES IN SCHEMA \"{schema}\" TO \"{user}\""
    )]
    MayNotUse {
        /// Who asks.
        user: String,
        /// One of the tables.
        table: String,
        /// Where it is.
        schema: String,
    },
    /// A synchronous standby is demanded and not set up.
    #[error(
        "a synchronous standby is demanded and the server waits for none: set \
         synchronous_standby_names, or demand none"
    )]
    NoStandbyNamed,
    /// One is set up and not there.
    #[error(
        "a synchronous standby is demanded and none is connected (synchronous_standby_names is \
         {named:?}): start it, or see what pg_stat_replication says"
    )]
    NoStandby {
        /// Which ones are set up.
        named: String,
    },
    /// It can't be seen whether there is one.
    #[error(
        "a synchronous standby is demanded and user {user} may not see whether there is one: \
         GRANT pg_monitor TO \"{user}\""
    )]
    StandbyHidden {
        /// Who asks.
        user: String,
    },
    /// The question failed.
    #[error("the database can't be asked about itself")]
    Ask(#[source] tokio_postgres::Error),
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    version_number: u32,
    version: String,
    standby: bool,
    read_only: bool,
    encoding: String,
    fsync: bool,
}

/// Checks the server at the other end of a connection.
pub(super) async fn server(connection: &Connection) -> Result<(), ServerError> {
    let facts = facts(connection).await?;
    judge(&facts)
}

/// Says in the log what is dangerous about a server and does not forbid its use.
pub(super) async fn warn(connection: &Connection) -> Result<(), ServerError> {
    if !facts(connection).await?.fsync {
        tracing::warn!(
            "the database server runs with fsync = off: a power failure there loses or damages \
             everything; set it to on"
        );
    }
    Ok(())
}

/// Asks the server about itself.
async fn facts(connection: &Connection) -> Result<Facts, ServerError> {
    let sql = "SELECT current_setting('server_version_num'), current_setting('server_version'),
                   pg_is_in_recovery(), current_setting('transaction_read_only'),
                   current_setting('server_encoding'), current_setting('fsync')";
    let answer = connection.client().simple_query(sql).await.map_err(ServerError::Ask)?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let cell = |place, name| {
        row.and_then(|row| row.try_get(place).ok().flatten()).ok_or(ServerError::Silent(name))
    };
    Ok(Facts {
        version_number: cell(0, "its version")?
            .parse()
            .map_err(|_| ServerError::Silent("its version"))?,
        version: cell(1, "its version")?.to_owned(),
        standby: cell(2, "whether it is a standby")? == "t",
        read_only: cell(3, "whether it is read-only")? == "on",
        encoding: cell(4, "its encoding")?.to_owned(),
        fsync: cell(5, "whether it syncs")? == "on",
    })
}

/// Whether a server that says this of itself can be used.
fn judge(facts: &Facts) -> Result<(), ServerError> {
    if facts.version_number < VERSION_MIN {
        return Err(ServerError::TooOld { version: facts.version.clone() });
    }
    if facts.standby {
        return Err(ServerError::Standby);
    }
    if facts.read_only {
        return Err(ServerError::ReadOnly);
    }
    if facts.encoding != "UTF8" {
        return Err(ServerError::Encoding { encoding: facts.encoding.clone() });
    }
    Ok(())
}

/// Checks that tables can be made: asked if some are missing.
pub(super) async fn may_create(connection: &Connection) -> Result<(), DatabaseError> {
    let sql = "SELECT current_user::text, current_schema()::text,
                   coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)";
    let row = connection.client().query_one(sql, &[]).await.map_err(DatabaseError::Ask)?;
    let user: String = row.try_get(0).map_err(DatabaseError::Ask)?;
    let schema: Option<String> = row.try_get(1).map_err(DatabaseError::Ask)?;
    let may: bool = row.try_get(2).map_err(DatabaseError::Ask)?;
    match schema {
        None => Err(DatabaseError::NoSchema { user }),
        Some(schema) if !may => Err(DatabaseError::MayNotCreate { user, schema }),
        Some(_) => Ok(()),
    }
}

/// Checks that the tables can be used: asked once they are all there.
pub(super) async fn may_use(connection: &Connection) -> Result<(), DatabaseError> {
    let sql = "SELECT current_user::text, c.relname::text, current_schema()::text
               FROM pg_catalog.pg_class c
               WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
                   AND NOT (has_table_privilege(c.oid, 'SELECT')
                       AND has_table_privilege(c.oid, 'INSERT')
                       AND has_table_privilege(c.oid, 'UPDATE')
                       AND has_table_privilege(c.oid, 'DELETE'))
               ORDER BY c.relname LIMIT 1";
    let row = connection.client().query_opt(sql, &[]).await.map_err(DatabaseError::Ask)?;
    let Some(row) = row else { return Ok(()) };
    Err(DatabaseError::MayNotUse {
        user: row.try_get(0).map_err(DatabaseError::Ask)?,
        table: row.try_get(1).map_err(DatabaseError::Ask)?,
        schema: row.try_get(2).map_err(DatabaseError::Ask)?,
    })
}

/// Checks that commits wait for a standby that is there.
pub(super) async fn synchronous_standby(connection: &Connection) -> Result<(), DatabaseError> {
    let sql = "SELECT current_setting('synchronous_standby_names'), current_user::text,
                   coalesce(bool_or(sync_state IN ('sync', 'quorum')), false),
                   coalesce(bool_or(pid IS NOT NULL AND sync_state IS NULL), false)
               FROM pg_catalog.pg_stat_replication";
    let row = connection.client().query_one(sql, &[]).await.map_err(DatabaseError::Ask)?;
    let named: String = row.try_get(0).map_err(DatabaseError::Ask)?;
    let user: String = row.try_get(1).map_err(DatabaseError::Ask)?;
    let present: bool = row.try_get(2).map_err(DatabaseError::Ask)?;
    let hidden: bool = row.try_get(3).map_err(DatabaseError::Ask)?;
    match (named.trim().is_empty(), present, hidden) {
        (true, _, _) => Err(DatabaseError::NoStandbyNamed),
        (false, true, _) => Ok(()),
        (false, false, true) => Err(DatabaseError::StandbyHidden { user }),
        (false, false, false) => Err(DatabaseError::NoStandby { named }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        Facts {
            version_number: 150_018,
            version: "15.18 (Debian 15.18-0+deb12u1)".to_owned(),
            standby: false,
            read_only: false,
            encoding: "UTF8".to_owned(),
            fsync: true,
        }
    }

    #[test]
    fn a_server_is_judged_by_what_it_says() {
        assert!(judge(&good()).is_ok());
        let old = Facts { version_number: 140_022, version: "14.22".to_owned(), ..good() };
        let said = judge(&old).unwrap_err().to_string();
        assert_eq!(said, "PostgreSQL 14.22 is too old: at least 15 is needed");
        let standby = Facts { standby: true, read_only: true, ..good() };
        assert!(matches!(judge(&standby), Err(ServerError::Standby)));
        let read_only = Facts { read_only: true, ..good() };
        assert!(matches!(judge(&read_only), Err(ServerError::ReadOnly)));
        let encoding = Facts { encoding: "SQL_ASCII".to_owned(), ..good() };
        assert!(judge(&encoding).unwrap_err().to_string().contains("SQL_ASCII"));
    }
}
