//! Login roles: made.

use postgres_protocol::password::scram_sha_256;
use secrecy::ExposeSecret as _;
use tokio_postgres::types::Type;

use super::PostgresUsers;
use super::accounts::{gone, setting, unfit};
use super::listing::{CALLED, NUMBERED};
use super::names::{ALIKE, must_differ, pattern};
use super::utility::{checked, literal, quoted};
use crate::connectors::sql::names::NameOf;
use crate::connectors::sql::postgres::prepared::{Connection, Param};
use crate::connectors::sql::server::Stage;
use crate::connectors::{ConnectorError, ErrorKind, InitialPassword, Result};
use crate::domain::account::{NewAccount, ObservedAccount};

/// Who bears a mark, and who has a name in any letters: every comment and every role is looked at, as the catalogue has
/// no index for either, so both are asked at once and nothing else is.
const BEFORE: &str = "SELECT d.objoid, NULL::text FROM pg_shdescription d
  WHERE d.classoid = 'pg_authid'::regclass AND d.description = $1
UNION ALL SELECT role.oid, role.rolname::text FROM pg_roles role WHERE";

impl PostgresUsers {
    pub(super) async fn create_account(
        &self,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> Result<ObservedAccount> {
        let name = checked(account.username.as_str(), NameOf::User)?;
        let what = format!("making role {name}");
        // Only what it is compared with is sent, as statements end up in logs.
        let verifier = password.map(|p| scram_sha_256(p.secret.expose_secret().as_bytes()));
        let client = self.server.client().await?;
        let making = async {
            let mark = account.mark.as_str();
            let by_name: [Param<'_>; 1] = [(&name, Type::TEXT)];
            // An answer that was lost may have been a success.
            if let Some(there) = self.made_before(&what, &client, mark, name).await? {
                return Ok(there);
            }
            let role = quoted(name);
            let login = if account.active { "LOGIN" } else { "NOLOGIN" };
            let password = verifier.map(|verifier| format!(" PASSWORD {}", literal(&verifier)));
            let mut statements = vec![
                format!("CREATE ROLE {role} {login}{}", password.unwrap_or_default()),
                format!("COMMENT ON ROLE {role} IS {}", literal(mark)),
            ];
            for (attribute, value) in &account.attributes {
                statements.push(setting(&what, &role, attribute, Some(value))?);
            }
            // Sent together they are carried out all or none; and what they made is asked for in the same breath.
            let statements = statements.join(";");
            let (done, made) = futures::join!(
                client.batch_execute(&statements),
                self.accounts_asked(&what, &client, CALLED, &by_name)
            );
            done.map_err(|error| unfit(self.server.failed(&what, &error, Stage::Committing)))?;
            // It is there: an answer about it that did not come is asked for again.
            let made = made.map_err(|error| ConnectorError {
                kind: ErrorKind::OutcomeUnknown,
                ..error
            });
            made?.pop().ok_or_else(|| gone(&what))
        };
        self.server.bounded(&what, Stage::Committing, making).await
    }

    /// The role that bears a mark already.
    ///
    /// # Errors
    /// There is none, and another role has the name.
    async fn made_before(
        &self,
        what: &str,
        connection: &Connection,
        mark: &str,
        name: &str,
    ) -> Result<Option<ObservedAccount>> {
        let failed = |error| self.server.failed(what, &error, Stage::Undone);
        let pattern = pattern(name);
        let params: [Param<'_>; 2] = [(&mark, Type::TEXT), (&pattern, Type::TEXT)];
        let text = format!("{BEFORE} {ALIKE} $2");
        let rows = connection.ask(&text, &params).await.map_err(failed)?;
        let mut others = Vec::new();
        for row in &rows {
            if let Some(other) = row.try_get::<_, Option<&str>>(1).map_err(failed)? {
                others.push(other);
                continue;
            }
            let oid: u32 = row.try_get(0).map_err(failed)?;
            let by_number: [Param<'_>; 1] = [(&oid, Type::OID)];
            let there = self.accounts_asked(what, connection, NUMBERED, &by_number);
            if let Some(there) = there.await?.pop() {
                return Ok(Some(there));
            }
        }
        must_differ(what, name, others)?;
        Ok(None)
    }
}
