//! From the `ldap` block of an `AppConnector` to a connector. The only file of this folder that sees the API.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::LdapConnector;
use super::config::{Accounts, Disabling, Groups, LdapConfig, MemberForm};
use super::dialect::Dialect;
use super::dn::{self, Template};
use super::ids::IdAttribute;
use crate::api::AppConnectorSpec;
use crate::api::app_connector::{Ldap, LdapDialect, LdapGroupKind, LdapGroups, Manager};
use crate::api::duration;
use crate::connectors::registry::{Credentials, Protocol};
use crate::connectors::{ConnectorError, SharedConnector};
use crate::domain::problem::Problem;
use crate::runtime::secrets::Destination;

/// The attribute that can name a manager's entry (RFC 4524 section 2.16).
const MANAGER: &str = "manager";
/// Stands in a group that would be empty. No entry has that name.
const NOBODY: &str = "cn=empty-membership-placeholder";

/// LDAP, as the registry knows it.
pub const PROTOCOL: Protocol = Protocol {
    word: "LDAP",
    is_used: |spec| spec.ldap.is_some(),
    block: |spec| serde_json::to_value(&spec.ldap).unwrap_or_default(),
    target: |spec| {
        let ldap = spec.ldap.as_ref()?;
        let server = ldap.servers.first()?.trim_end_matches('/').to_lowercase();
        Some(format!("ldap {server} {}", dn::key(&ldap.accounts.base)))
    },
    manager_attribute: MANAGER,
    membership_limit: |_| None,
    own_account: |spec| spec.ldap.as_ref().map(|ldap| user_of(&ldap.bind.dn)),
    open,
};

/// The user name in whatever a directory takes for a name when signing in.
fn user_of(bind: &str) -> String {
    if let Some((_, value)) = dn::naming(bind) {
        return value;
    }
    let user = bind.rsplit('\\').next().unwrap_or(bind);
    user.split('@').next().unwrap_or(user).to_owned()
}

fn open(
    spec: &AppConnectorSpec,
    credentials: &mut Credentials<'_>,
) -> Result<SharedConnector, Problem> {
    let Some(ldap) = &spec.ldap else {
        return Err(Problem::edit("NoProtocol", "spec.ldap is missing"));
    };
    let servers = servers(ldap)?;
    // What only an edit cures is told first, whether or not the credential is there yet.
    connector(
        spec,
        ldap,
        servers.clone(),
        SecretString::from("placeholder"),
    )?;
    let mut password = None;
    for server in &servers {
        let to = destination(server, ldap.start_tls)?;
        password = Some(credentials(&ldap.bind.password_secret_key_ref, &to)?);
    }
    let password = password.ok_or_else(|| Problem::edit("BadUrl", "spec.ldap.servers is empty"))?;
    Ok(Arc::new(connector(spec, ldap, servers, password)?))
}

fn bad_server(server: &str) -> Problem {
    Problem::edit(
        "BadUrl",
        format!(
            "spec.ldap.servers: {server} is no usable URL: write it as ldaps://ldap.example.com, or ldap:// with startTLS"
        ),
    )
}

fn servers(ldap: &Ldap) -> Result<Vec<Url>, Problem> {
    let parsed = ldap.servers.iter().map(|server| {
        let url = Url::parse(server).map_err(|_| bad_server(server))?;
        let plain = matches!(url.scheme(), "ldap" | "ldaps")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none();
        plain.then_some(url).ok_or_else(|| bad_server(server))
    });
    parsed.collect()
}

fn destination(server: &Url, start_tls: bool) -> Result<Destination, Problem> {
    let is_tls = server.scheme() == "ldaps";
    let host = server
        .host_str()
        .ok_or_else(|| bad_server(server.as_str()))?;
    let port = server.port().unwrap_or(if is_tls { 636 } else { 389 });
    Ok(Destination {
        host: format!("{host}:{port}"),
        encrypted: is_tls || start_tls,
    })
}

fn connector(
    spec: &AppConnectorSpec,
    ldap: &Ldap,
    servers: Vec<Url>,
    password: SecretString,
) -> Result<LdapConnector, Problem> {
    let dialect = match ldap.dialect {
        LdapDialect::Standard => Dialect::Standard,
        LdapDialect::OpenLdap => Dialect::OpenLdap,
        LdapDialect::DirectoryServer389 => Dialect::DirectoryServer389,
        LdapDialect::ActiveDirectory => Dialect::ActiveDirectory,
    };
    let must_change = spec
        .account
        .initial_password
        .as_ref()
        .is_some_and(|p| p.must_change);
    if must_change && !dialect.can_expire_passwords() {
        return Err(Problem::edit(
            "Unsupported",
            "spec.account.initialPassword.mustChange: there is no way to ask for that in this dialect: set it to false, and let the directory's own policy see to it",
        ));
    }
    let in_clear = !ldap.start_tls && servers.iter().any(|server| server.scheme() != "ldaps");
    if spec.account.initial_password.is_some() && in_clear {
        return Err(Problem::edit(
            "InvalidValue",
            "spec.account.initialPassword: passwords would travel in clear: write ldaps:// in spec.ldap.servers, or set spec.ldap.startTLS",
        ));
    }
    let accounts = &ldap.accounts;
    let username = accounts.username_attribute.as_deref();
    let username = username.unwrap_or_else(|| dialect.username_attribute());
    if let Some(most) = dialect.longest(username)
        && spec.account.username_rules.max_length > most
    {
        return Err(Problem::edit(
            "InvalidValue",
            format!(
                "spec.account.usernameRules.maxLength: {username} holds at most {most} characters: set it to {most} or less"
            ),
        ));
    }
    let template = accounts.dn.clone().unwrap_or_else(|| {
        format!(
            "{}={{username}},{}",
            dialect.naming_attribute(),
            accounts.base
        )
    });
    let template = Template::parse(&template)
        .map_err(|why| Problem::edit("BadTemplate", format!("spec.ldap.accounts.dn: {why}")))?;
    let id = ldap.id_attribute.as_deref();
    let config = LdapConfig {
        servers,
        start_tls: ldap.start_tls,
        ca_bundle: spec.sync.tls.as_ref().map(|tls| tls.ca_bundle.clone()),
        allow_link_local: spec.sync.allow_link_local,
        timeout: duration::parse(&spec.sync.timeout).unwrap_or(Duration::from_secs(30)),
        page_size: spec.sync.page_size,
        bind_dn: ldap.bind.dn.clone(),
        bind_password: password,
        dialect,
        id: IdAttribute::new(id.unwrap_or_else(|| dialect.id_attribute())),
        accounts: Accounts {
            base: accounts.base.clone(),
            template,
            object_classes: or_those(&accounts.object_classes, dialect.account_classes()),
            filter: accounts
                .filter
                .clone()
                .unwrap_or_else(|| dialect.account_filter().to_owned()),
            username: username.to_owned(),
            mark: accounts.mark_attribute.clone(),
        },
        disabling: disabling(ldap, dialect),
        groups: ldap.groups.as_ref().map(|of| groups(of, dialect)),
        managed: spec.observed_attributes().into_iter().collect(),
        manager: (spec.account.manager == Manager::FromManagerRef).then(|| MANAGER.to_owned()),
    };
    LdapConnector::new(config)
        .map_err(|error: ConnectorError| Problem::edit(error.kind.reason(), error.message))
}

fn or_those(named: &[String], usual: &[&str]) -> Vec<String> {
    if named.is_empty() {
        return usual.iter().map(|class| (*class).to_owned()).collect();
    }
    named.to_vec()
}

fn disabling(ldap: &Ldap, dialect: Dialect) -> Disabling {
    let Some(disable) = &ldap.disable else {
        return dialect.disabling();
    };
    match (&disable.attribute, &disable.container) {
        (Some(attribute), _) => Disabling::Attribute {
            name: attribute.name.clone(),
            disabled: attribute.disabled.clone(),
            enabled: attribute.enabled.clone(),
        },
        (None, Some(container)) => Disabling::Container(container.clone()),
        (None, None) => dialect.disabling(),
    }
}

fn groups(groups: &LdapGroups, dialect: Dialect) -> Groups {
    let (class, member, form) = match groups.kind {
        LdapGroupKind::GroupOfNames => ("groupOfNames", "member", MemberForm::Dn),
        LdapGroupKind::GroupOfUniqueNames => ("groupOfUniqueNames", "uniqueMember", MemberForm::Dn),
        LdapGroupKind::PosixGroup => ("posixGroup", "memberUid", MemberForm::Username),
        LdapGroupKind::ActiveDirectory => ("group", "member", MemberForm::Dn),
    };
    let wants_one = !dialect.allows_empty_groups()
        && matches!(
            groups.kind,
            LdapGroupKind::GroupOfNames | LdapGroupKind::GroupOfUniqueNames
        );
    let placeholder = match &groups.placeholder {
        Some(named) => Some(named.clone()).filter(|named| !named.is_empty()),
        None => wants_one.then(|| NOBODY.to_owned()),
    };
    Groups {
        base: groups.base.clone(),
        object_classes: or_those(&groups.object_classes, &[class]),
        filter: groups
            .filter
            .clone()
            .unwrap_or_else(|| format!("(objectClass={class})")),
        name: groups.name_attribute.clone(),
        member: groups
            .member_attribute
            .clone()
            .unwrap_or_else(|| member.to_owned()),
        form,
        placeholder,
        can_create: groups.kind != LdapGroupKind::PosixGroup,
    }
}
