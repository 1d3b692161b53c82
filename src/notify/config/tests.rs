//! What a configuration may say, and what is said of one that makes no sense.

use std::time::Duration;

use super::*;

const EMAIL: &str =
    "email: {smtp: {host: mail.example.com}, from: rollcall@example.com, to: [it@example.com]}";

#[test]
fn defaults_are_encrypted_and_everything_is_told() {
    let config = Config::parse(EMAIL).unwrap();
    let email = config.email.unwrap();
    assert_eq!((email.port, email.encryption), (465, Encryption::TLS));
    assert_eq!(config.occasions.len(), Occasion::ALL.len());
    assert_eq!(config.leaver_deadline, Duration::from_hours(24));
    for (encryption, port) in [("StartTLS", 587), ("None", 25), ("TLS", 465)] {
        let text = EMAIL.replace(
            "example.com},",
            &format!("example.com, encryption: {encryption}}},"),
        );
        assert_eq!(Config::parse(&text).unwrap().email.unwrap().port, port);
    }
}

#[test]
fn everything_that_is_said_is_heard() {
    let config = Config::parse(
        r"
email:
  smtp: {host: mail.example.com, port: 2525, encryption: StartTLS, usernameFile: /s/user, passwordFile: /s/pass}
  from: Rollcall <rollcall@example.com>
  to: [it@example.com, 'Zoë <zoe@example.com>']
webhooks:
  - {name: chat, urlFile: /s/url}
  - {name: tickets, url: 'http://tickets.people.svc/notices', allowUnencrypted: true, bearerTokenFile: /s/token}
events: [LeaverReport, LeaverOverdue]
leaverDeadline: 4h
",
    )
    .unwrap();
    let email = config.email.unwrap();
    assert_eq!(email.to.len(), 2);
    assert_eq!(email.credentials.unwrap().password, Path::new("/s/pass"));
    assert_eq!(config.webhooks[0].address, Address::InFile("/s/url".into()));
    assert_eq!(config.webhooks[1].name, "tickets");
    assert_eq!(config.occasions.len(), 2);
    assert_eq!(config.leaver_deadline, Duration::from_hours(4));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_field_and_the_way_out() {
    let email = |more: &str| {
        format!("email: {{smtp: {{host: m{more}}}, from: a@example.com, to: [b@example.com]}}")
    };
    let hook = |fields: &str| format!("webhooks: [{{{fields}}}]");
    for (text, parts) in [
        (
            "{}".to_owned(),
            vec!["neither email nor webhooks", "--notifications"],
        ),
        (
            format!("{EMAIL}\nevent: [LeaverReport]"),
            vec!["event", "docs/notifications.md"],
        ),
        (
            format!("{EMAIL}\nevents: []"),
            vec!["events", "leave it out"],
        ),
        (
            format!("{EMAIL}\nevents: [Leaver]"),
            vec!["events[0]", "Leaver", "LeaverOverdue"],
        ),
        (
            format!("{EMAIL}\nleaverDeadline: soon"),
            vec!["leaverDeadline", "10m"],
        ),
        (email(", port: 99999"), vec!["port"]),
        (email(", encryption: Maybe"), vec!["StartTLS"]),
        (email(", pasword: x"), vec!["pasword"]),
        (email(", usernameFile: /u"), vec!["passwordFile", "both"]),
        (
            email(", encryption: None, usernameFile: /u, passwordFile: /p"),
            vec!["email.smtp.encryption", "in the clear"],
        ),
        (email(", caBundle: x"), vec!["email.smtp.caBundle", "PEM"]),
        (
            EMAIL.replace("mail.example.com", "'mail example'"),
            vec!["email.smtp.host"],
        ),
        (
            EMAIL.replace("[it@example.com]", "[]"),
            vec!["email.to", "1 to 50"],
        ),
        (
            EMAIL.replace("[it@example.com]", "[it]"),
            vec!["email.to[0]", "it@example.com"],
        ),
        (
            EMAIL.replace("[it@example.com]", "[\"it@example.com\\nBcc: x@y.z\"]"),
            vec!["email.to[0]"],
        ),
        (
            EMAIL.replace("from: rollcall@", "from: rollcäll@"),
            vec!["email.from"],
        ),
        (hook("name: chat"), vec!["webhooks[0].url", "urlFile"]),
        (
            hook("name: chat, url: 'https://a', urlFile: /u"),
            vec!["webhooks[0].url"],
        ),
        (
            hook("name: Chat, url: 'https://a'"),
            vec!["webhooks[0].name"],
        ),
        (
            hook("name: email, url: 'https://a'"),
            vec!["webhooks[0].name", "taken"],
        ),
        (
            hook("name: chat, url: 'http://a'"),
            vec!["webhooks[0].url", "allowUnencrypted"],
        ),
        (
            hook("name: chat, url: 'ftp://a'"),
            vec!["webhooks[0].url", "https://"],
        ),
        (
            hook("name: chat, url: 'https://me:x@a'"),
            vec!["webhooks[0].url", "bearerTokenFile"],
        ),
        (
            hook("name: chat, url: nowhere"),
            vec!["webhooks[0].url", "no URL"],
        ),
    ] {
        let why = Config::parse(&text).expect_err(&text);
        for part in parts {
            assert!(why.contains(part), "{text}: no {part:?} in {why}");
        }
    }
}

#[test]
fn files_that_are_missing_are_told_at_the_start_without_what_the_others_hold() {
    let folder = tempfile::TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("user"), "rollcall\n").unwrap();
    std::fs::write(at("config"), format!(
        "email: {{smtp: {{host: m, usernameFile: {}, passwordFile: {}}}, from: a@example.com, to: [b@example.com]}}",
        at("user"), at("pass"),
    )).unwrap();
    let read = || Config::read(Path::new(&at("config")));
    let why = read().unwrap_err().to_string();
    assert!(
        why.contains("email.smtp.passwordFile") && why.contains(&at("pass")),
        "{why}"
    );
    for (held, part) in [("", "is empty"), ("hunter2\nhunter3", "several lines")] {
        std::fs::write(at("pass"), held).unwrap();
        let why = read().unwrap_err().to_string();
        assert!(why.contains(part) && !why.contains("hunter"), "{why}");
    }
    std::fs::write(at("pass"), "hunter2\r\n").unwrap();
    assert!(read().is_ok());
}
