//! How notices are configured: one YAML file, read strictly at the start.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use serde::Deserialize;
use url::Url;

use super::files;
use super::notice::Occasion;
use crate::api::duration;
use crate::runtime::trust;

/// Largest file, in bytes.
const MAX_FILE: u64 = 256 * 1024;
/// Recipients of a mail, and webhooks, at most.
const MAX_RECIPIENTS: usize = 50;
const MAX_WEBHOOKS: usize = 16;
/// Longest name of a webhook.
const MAX_NAME: usize = 40;
/// When an offboarding that is not complete is told of, unless something else is said.
const DEADLINE: Duration = Duration::from_hours(24);
/// The name under which the sink of e-mail is known.
pub const EMAIL: &str = "email";

/// Where notices go, and which.
#[derive(Clone, Debug)]
pub struct Config {
    /// By e-mail.
    pub email: Option<Email>,
    /// To web servers.
    pub webhooks: Vec<Webhook>,
    /// What is told of.
    pub occasions: BTreeSet<Occasion>,
    /// How long after the last day an offboarding that is not complete is told of.
    pub leaver_deadline: Duration,
}

/// By e-mail.
#[derive(Clone, Debug)]
pub struct Email {
    /// Name of the mail server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is protected.
    pub encryption: Encryption,
    /// With what one signs in there, where one has to.
    pub credentials: Option<CredentialFiles>,
    /// Authorities beside those of the system, PEM.
    pub ca_bundle: Option<String>,
    /// From whom.
    pub from: Mailbox,
    /// To whom.
    pub to: Vec<Mailbox>,
}

/// Files that hold a user name and a password. Read anew each time, as Secrets are renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialFiles {
    /// The user name.
    pub username: PathBuf,
    /// The password.
    pub password: PathBuf,
}

/// How the way to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Encryption {
    /// TLS from the first byte.
    #[default]
    TLS,
    /// TLS from `STARTTLS` on, and nothing without it.
    StartTLS,
    /// Not at all.
    None,
}

/// To a web server.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// What it is known by.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// File that holds a token to show there.
    pub bearer_token: Option<PathBuf>,
    /// Authorities beside those of the system, PEM.
    pub ca_bundle: Option<String>,
    /// Whether `http` will do.
    pub allow_unencrypted: bool,
}

/// Where a web server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// There.
    Known(Url),
    /// Where a file says, as some addresses are credentials.
    InFile(PathBuf),
}

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[error("notifications in {file}: {what}")]
pub struct ConfigError {
    /// The file.
    pub file: String,
    /// The field, what is wrong with it, and what to do.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    email: Option<WrittenEmail>,
    #[serde(default)]
    webhooks: Vec<WrittenWebhook>,
    events: Option<Vec<String>>,
    leaver_deadline: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenEmail {
    smtp: WrittenSmtp,
    from: String,
    to: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenSmtp {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    encryption: Encryption,
    username_file: Option<PathBuf>,
    password_file: Option<PathBuf>,
    ca_bundle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenWebhook {
    name: String,
    url: Option<String>,
    url_file: Option<PathBuf>,
    bearer_token_file: Option<PathBuf>,
    ca_bundle: Option<String>,
    #[serde(default)]
    allow_unencrypted: bool,
}

impl Config {
    /// Reads the file, and looks whether everything that it names is there.
    ///
    /// # Errors
    /// A [`ConfigError`].
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let wrong = |what| ConfigError {
            file: file.display().to_string(),
            what,
        };
        let text = files::text(file, MAX_FILE).map_err(|why| wrong(format!("the file {why}")))?;
        let config = Self::parse(&text).map_err(wrong)?;
        config.files_are_there().map_err(wrong)?;
        Ok(config)
    }

    /// Makes sense of the text of such a file.
    ///
    /// # Errors
    /// A sentence that names the field, and what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let written: Written = serde_saphyr::from_str(text)
            .map_err(|error| format!("{error}; docs/notifications.md has every field"))?;
        if written.email.is_none() && written.webhooks.is_empty() {
            return Err("neither email nor webhooks is there, so that nobody would hear of anything: add one, or leave --notifications out".to_owned());
        }
        let deadline = written.leaver_deadline.as_deref().map(duration::parse);
        let deadline = deadline.transpose();
        let deadline = deadline.map_err(|why| format!("leaverDeadline: {why}"))?;
        if written.webhooks.len() > MAX_WEBHOOKS {
            return Err(format!(
                "webhooks: there are more than {MAX_WEBHOOKS}: let one pass notices on"
            ));
        }
        let webhooks = written.webhooks.into_iter().enumerate();
        let webhooks: Vec<Webhook> = webhooks.map(webhook).collect::<Result<_, _>>()?;
        let mut names = BTreeSet::from([EMAIL]);
        for (n, webhook) in webhooks.iter().enumerate() {
            if !names.insert(&webhook.name) {
                return Err(format!(
                    "webhooks[{n}].name: {:?} is taken; give each a name of its own, and none the name {EMAIL}",
                    webhook.name
                ));
            }
        }
        Ok(Self {
            email: written.email.map(email).transpose()?,
            webhooks,
            occasions: occasions(written.events)?,
            leaver_deadline: deadline.unwrap_or(DEADLINE),
        })
    }

    fn files_are_there(&self) -> Result<(), String> {
        let mut named: Vec<(String, &Path)> = Vec::new();
        if let Some(files) = self
            .email
            .as_ref()
            .and_then(|email| email.credentials.as_ref())
        {
            named.push(("email.smtp.usernameFile".to_owned(), &files.username));
            named.push(("email.smtp.passwordFile".to_owned(), &files.password));
        }
        for (n, webhook) in self.webhooks.iter().enumerate() {
            if let Address::InFile(file) = &webhook.address {
                named.push((format!("webhooks[{n}].urlFile"), file));
            }
            if let Some(file) = &webhook.bearer_token {
                named.push((format!("webhooks[{n}].bearerTokenFile"), file));
            }
        }
        for (field, file) in named {
            files::secret(file).map_err(|why| format!("{field}: {} {why}", file.display()))?;
        }
        Ok(())
    }
}

fn occasions(events: Option<Vec<String>>) -> Result<BTreeSet<Occasion>, String> {
    let Some(events) = events else {
        return Ok(Occasion::ALL.into());
    };
    let words = Occasion::ALL.map(Occasion::word).join(", ");
    if events.is_empty() {
        return Err(format!(
            "events: it is empty: leave it out for all, or name some of {words}"
        ));
    }
    let one = |(n, event): (usize, &String)| {
        let found = Occasion::ALL.into_iter().find(|o| o.word() == event);
        found.ok_or_else(|| format!("events[{n}]: {event:?} is none of {words}"))
    };
    events.iter().enumerate().map(one).collect()
}

fn email(written: WrittenEmail) -> Result<Email, String> {
    let smtp = written.smtp;
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    if smtp.host.is_empty() || !smtp.host.chars().all(is_host) {
        return Err(format!(
            "email.smtp.host: {:?} is no name or address of a server: write it as mail.example.com",
            smtp.host
        ));
    }
    let credentials = match (smtp.username_file, smtp.password_file) {
        (None, None) => None,
        (Some(username), Some(password)) => Some(CredentialFiles { username, password }),
        _ => {
            return Err(
                "email.smtp: usernameFile and passwordFile belong together: give both, or none"
                    .to_owned(),
            );
        }
    };
    if credentials.is_some() && smtp.encryption == Encryption::None {
        return Err("email.smtp.encryption: a password is not sent in the clear: let it be TLS or StartTLS, or leave usernameFile and passwordFile out".to_owned());
    }
    bundle("email.smtp.caBundle", smtp.ca_bundle.as_deref())?;
    if written.to.is_empty() || written.to.len() > MAX_RECIPIENTS {
        return Err(format!(
            "email.to: there are {}: give 1 to {MAX_RECIPIENTS}; a list of the mail server reaches more",
            written.to.len()
        ));
    }
    let to = written.to.iter().enumerate();
    Ok(Email {
        port: smtp.port.unwrap_or(match smtp.encryption {
            Encryption::TLS => 465,
            Encryption::StartTLS => 587,
            Encryption::None => 25,
        }),
        host: smtp.host,
        encryption: smtp.encryption,
        credentials,
        ca_bundle: smtp.ca_bundle,
        from: mailbox("email.from", &written.from)?,
        to: to
            .map(|(n, text)| mailbox(&format!("email.to[{n}]"), text))
            .collect::<Result<_, _>>()?,
    })
}

fn mailbox(field: &str, text: &str) -> Result<Mailbox, String> {
    let wrong = || {
        format!(
            "{field}: {text:?} is no address: write it as it@example.com, or IT <it@example.com>"
        )
    };
    let mailbox: Mailbox = text.parse().map_err(|_| wrong())?;
    let is_plain = text.chars().all(|c| !c.is_control()) && mailbox.email.to_string().is_ascii();
    is_plain.then_some(mailbox).ok_or_else(wrong)
}

fn webhook((n, written): (usize, WrittenWebhook)) -> Result<Webhook, String> {
    let wrong = |field: &str, what: &str| Err(format!("webhooks[{n}].{field}: {what}"));
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if written.name.is_empty()
        || written.name.len() > MAX_NAME
        || !written.name.chars().all(is_word)
    {
        return wrong(
            "name",
            "it has 1 to 40 lower-case letters, digits and hyphens, such as chat",
        );
    }
    let address = match (written.url, written.url_file) {
        (Some(text), None) => {
            let url = address(&text, written.allow_unencrypted);
            Address::Known(url.map_err(|why| format!("webhooks[{n}].url: {why}"))?)
        }
        (None, Some(file)) => Address::InFile(file),
        _ => return wrong("url", "give one of url and urlFile"),
    };
    bundle(
        &format!("webhooks[{n}].caBundle"),
        written.ca_bundle.as_deref(),
    )?;
    Ok(Webhook {
        name: written.name,
        address,
        bearer_token: written.bearer_token_file,
        ca_bundle: written.ca_bundle,
        allow_unencrypted: written.allow_unencrypted,
    })
}

/// What a notice may be sent to. The address is not told, as it may be a credential.
pub(super) fn address(text: &str, allow_unencrypted: bool) -> Result<Url, String> {
    let url: Url = text
        .parse()
        .map_err(|_| "it is no URL: write it as https://example.com/notices".to_owned())?;
    match url.scheme() {
        "https" => {}
        "http" if allow_unencrypted => {}
        "http" => return Err("notices hold personal data, and http shows it to everybody on the way: use https, or say allowUnencrypted: true".to_owned()),
        _ => return Err("it must begin with https://".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must carry no user and password: use bearerTokenFile".to_owned());
    }
    Ok(url)
}

fn bundle(field: &str, pem: Option<&str>) -> Result<(), String> {
    trust::roots(pem)
        .map(drop)
        .map_err(|why| format!("{field}: it {why}"))
}

#[cfg(test)]
mod tests;
