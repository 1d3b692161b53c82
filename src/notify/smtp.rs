//! E-mail: each step of the conversation by itself, so that it is known whether anything was accepted.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::bounded::Bounded;
use super::config::{EMAIL, Email, Encryption};
use super::sink::{Refusal, Sink};
use super::{Notice, files, mail};
use crate::connectors::redact::Redactor;
use crate::runtime::trust;

/// How long each step may take: a connection, signing in, naming the recipients.
const STEP: Duration = Duration::from_secs(30);
/// How long a server may think about a mail before it says whether it takes it (RFC 5321 section 4.5.3.2.6 asks for
/// ten minutes, as one that is not waited for is sent twice; here it would not be sent again, only be in doubt).
const ACCEPTANCE: Duration = Duration::from_mins(10);
/// Longest answer that is shown, in characters.
const MAX_SHOWN: usize = 300;

/// A mail server.
pub(super) struct Smtp {
    config: Email,
    installation: String,
    way: Way,
}

/// How it is spoken to.
enum Way {
    Plain,
    Tls(TlsConnector, ServerName<'static>),
    StartTls(TlsParameters),
}

impl Smtp {
    /// Nothing is sent yet.
    pub(super) fn new(config: Email, installation: &str) -> Result<Self, String> {
        let way = match config.encryption {
            Encryption::None => Way::Plain,
            Encryption::TLS => {
                let client = trust::client(config.ca_bundle.as_deref());
                let client = client.map_err(|why| why.to_string())?;
                let name = ServerName::try_from(config.host.clone());
                let name = name.map_err(|error| format!("email.smtp.host: {error}"))?;
                Way::Tls(TlsConnector::from(Arc::new(client)), name)
            }
            Encryption::StartTLS => Way::StartTls(start_tls(&config)?),
        };
        Ok(Self {
            config,
            installation: installation.to_owned(),
            way,
        })
    }

    /// A user name and a password, where one has to sign in.
    fn credentials(&self) -> Result<Vec<SecretString>, Refusal> {
        let Some(files) = &self.config.credentials else {
            return Ok(Vec::new());
        };
        let read = |field: &str, file| {
            let text = files::secret(file);
            text.map_err(|why| Refusal::later(format!("email.smtp.{field}: the file {why}")))
        };
        let username = read("usernameFile", &files.username)?;
        Ok(vec![username, read("passwordFile", &files.password)?])
    }

    /// A connection on which one may speak.
    async fn open(&self) -> Result<AsyncSmtpConnection, Failed> {
        let tcp = TcpStream::connect((self.config.host.as_str(), self.config.port)).await?;
        let peer = tcp.peer_addr()?;
        let hello = ClientId::default();
        let stream: Box<dyn AsyncTokioStream> = match &self.way {
            Way::Tls(tls, name) => {
                let encrypted = tls.connect(name.clone(), tcp).await?;
                Box::new(Bounded::new(encrypted, peer))
            }
            Way::Plain | Way::StartTls(_) => Box::new(Bounded::new(tcp, peer)),
        };
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &hello).await?;
        if let Way::StartTls(tls) = &self.way {
            connection.starttls(tls.clone(), &hello).await?;
        }
        Ok(connection)
    }

    /// Everything up to the point from which on a mail may have been accepted.
    async fn prepare(
        &self,
        credentials: &[SecretString],
        redactor: &Redactor,
    ) -> Result<AsyncSmtpConnection, Refusal> {
        let step = within(self.open()).await;
        let mut connection = step.map_err(|why| Refusal::later(self.of_server(&why)))?;
        if let [username, password] = credentials {
            let text = |secret: &SecretString| secret.expose_secret().to_owned();
            let credentials = Credentials::new(text(username), text(password));
            let step = within(connection.auth(DEFAULT_MECHANISMS, &credentials)).await;
            if let Err(failed) = step {
                // What a server says of a password is not repeated.
                let code = failed
                    .status()
                    .map_or("no clear answer".to_owned(), |c| c.to_string());
                return Err(Refusal::later(format!(
                    "the mail server does not let us in ({code}): renew what usernameFile and passwordFile of email.smtp hold"
                )));
            }
        }
        let from = Some(self.config.from.email.clone());
        let step = within(connection.command(Mail::new(from, vec![]))).await;
        step.map_err(|why| self.refused("the sender email.from", &why))?;
        let mut unknown = Vec::new();
        for to in &self.config.to {
            let step = within(connection.command(Rcpt::new(to.email.clone(), vec![]))).await;
            match step {
                Ok(_) => {}
                Err(failed) if failed.is_permanent() => {
                    unknown.push(format!("{}: {}", to.email, failed.shown()));
                }
                Err(failed) => return Err(self.refused("a recipient", &failed)),
            }
        }
        if unknown.len() == self.config.to.len() {
            return Err(Refusal::Never(format!(
                "the mail server refuses every address in email.to: {}",
                unknown.join("; ")
            )));
        }
        for unknown in unknown {
            let unknown = redactor.hide(&unknown);
            tracing::warn!(
                sink = EMAIL,
                "the mail server refuses an address in email.to, the others get the mail: {unknown}"
            );
        }
        let step = within(connection.command(Data)).await;
        step.map_err(|why| self.refused("the mail", &why))?;
        Ok(connection)
    }

    fn of_server(&self, failed: &Failed) -> String {
        let Email { host, port, .. } = &self.config;
        format!("mail server {host}:{port}: {}", failed.shown())
    }

    /// An answer before anything was accepted.
    fn refused(&self, what: &str, failed: &Failed) -> Refusal {
        let why = format!("{what} was refused: {}", self.of_server(failed));
        if failed.is_permanent() {
            Refusal::Never(why)
        } else {
            Refusal::later(why)
        }
    }

    async fn send(
        &self,
        notice: &Notice,
        credentials: &[SecretString],
        redactor: &Redactor,
    ) -> Result<(), Refusal> {
        let Email { from, to, .. } = &self.config;
        let mail = mail::mail(notice, &self.installation, from, to, SystemTime::now());
        let mail = mail.map_err(Refusal::Never)?.formatted();
        let mut connection = self.prepare(credentials, redactor).await?;
        match timeout(ACCEPTANCE, connection.message(&mail)).await {
            Ok(Ok(_)) => {
                // The mail is accepted, whatever comes of taking leave.
                let _ = timeout(STEP, connection.quit()).await;
                Ok(())
            }
            Ok(Err(error)) if error.status().is_some() => {
                Err(self.refused("the mail", &Failed::Said(error)))
            }
            Ok(Err(error)) => Err(Refusal::Uncertain(format!(
                "the mail was handed over, and the answer was lost: {}",
                self.of_server(&Failed::Said(error))
            ))),
            Err(_) => Err(Refusal::Uncertain(
                "the mail was handed over, and the mail server did not say whether it took it"
                    .to_owned(),
            )),
        }
    }
}

#[async_trait]
impl Sink for Smtp {
    fn name(&self) -> &str {
        EMAIL
    }

    async fn deliver(&self, notice: &Notice) -> Result<(), Refusal> {
        let credentials = self.credentials()?;
        // A server may say the password again.
        let password = credentials.last().cloned();
        let redactor = Redactor::new(password.into_iter().collect());
        let sent = self.send(notice, &credentials, &redactor).await;
        sent.map_err(|refusal| refusal.told(|why| redactor.hide(why)))
    }
}

/// A step that failed.
enum Failed {
    Said(Error),
    Connection(std::io::Error),
    Late,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Connection(error)
    }
}

impl Failed {
    fn status(&self) -> Option<lettre::transport::smtp::response::Code> {
        match self {
            Self::Said(error) => error.status(),
            Self::Connection(_) | Self::Late => None,
        }
    }

    fn is_permanent(&self) -> bool {
        matches!(self, Self::Said(error) if error.is_permanent())
    }

    /// In words, with what lies behind them.
    fn shown(&self) -> String {
        let text = match self {
            Self::Said(error) => error.to_string(),
            Self::Connection(error) => error.to_string(),
            Self::Late => return format!("no answer within {} s", STEP.as_secs()),
        };
        let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        clean.take(MAX_SHOWN).collect()
    }
}

async fn within<T, E: Into<Failed>>(step: impl Future<Output = Result<T, E>>) -> Result<T, Failed> {
    match timeout(STEP, step).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(Failed::Late),
    }
}

fn start_tls(config: &Email) -> Result<TlsParameters, String> {
    let wrong = |error: Error| format!("TLS to the mail server can't be set up: {error}");
    let mut builder =
        TlsParameters::builder(config.host.clone()).certificate_store(CertificateStore::None);
    let roots = trust::roots(config.ca_bundle.as_deref()).map_err(|why| why.to_string())?;
    for root in roots {
        let root = Certificate::from_der(root.to_vec()).map_err(wrong)?;
        builder = builder.add_root_certificate(root);
    }
    builder.build_rustls().map_err(wrong)
}
