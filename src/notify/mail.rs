//! A notice as a mail: text and page beside each other, and an identifier that is the same each time.

use std::fmt::Write as _;
use std::time::SystemTime;

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};

use super::Notice;

/// Longest subject, in characters.
const MAX_SUBJECT: usize = 200;

/// The mail of a notice. The same notice of the same installation has the same `Message-ID`, by which mail servers
/// and programs know what they have already.
pub(super) fn mail(
    notice: &Notice,
    installation: &str,
    from: &Mailbox,
    to: &[Mailbox],
    at: SystemTime,
) -> Result<Message, String> {
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(subject(&notice.subject))
        .message_id(Some(message_id(notice, installation, from)))
        .date(at)
        // Nobody's absence is answered to us (RFC 3834).
        .raw_header(plain("Auto-Submitted", "auto-generated"))
        .raw_header(plain("X-Rollcall-Event", notice.occasion.word()))
        .raw_header(plain("X-Rollcall-Notice", notice.id.as_str()));
    for to in to {
        builder = builder.to(to.clone());
    }
    let text = SinglePart::plain(notice.text.clone());
    let mail = match &notice.html {
        Some(html) => builder.multipart(
            MultiPart::alternative()
                .singlepart(text)
                .singlepart(SinglePart::html(html.clone())),
        ),
        None => builder.singlepart(text),
    };
    mail.map_err(|error| format!("the notice can't be made a mail: {error}"))
}

fn message_id(notice: &Notice, installation: &str, from: &Mailbox) -> String {
    let digest = Sha256::digest(format!("{installation}\n{}", notice.id));
    let mut short = String::new();
    for byte in digest.iter().take(16) {
        // Writing to a String never fails.
        let _ = write!(short, "{byte:02x}");
    }
    format!("<rollcall.{installation}.{short}@{}>", from.email.domain())
}

/// One line, as a line that is broken would begin a header of somebody else's choice.
fn subject(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(MAX_SUBJECT).collect()
}

fn plain(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::notice::{NoticeId, Occasion};
    use super::*;

    fn told(subject: &str, html: Option<&str>) -> String {
        let notice = Notice {
            id: NoticeId::of(Occasion::LeaverReport, &["people", "ada"]),
            occasion: Occasion::LeaverReport,
            subject: subject.to_owned(),
            text: "No credential is left.\n.\nBcc: eve@example.com\n".to_owned(),
            html: html.map(str::to_owned),
            json: serde_json::Value::Null,
        };
        let from: Mailbox = "Rollcall <rollcall@example.com>".parse().unwrap();
        let to = [
            "it@example.com".parse().unwrap(),
            "Zoë <zoe@example.com>".parse().unwrap(),
        ];
        let mail = mail(&notice, "acme", &from, &to, SystemTime::UNIX_EPOCH).unwrap();
        String::from_utf8(mail.formatted()).unwrap()
    }

    fn header<'m>(mail: &'m str, name: &str) -> Vec<&'m str> {
        let head = mail.split("\r\n\r\n").next().unwrap();
        let lines = head.split("\r\n");
        lines
            .filter_map(|l| l.strip_prefix(name)?.strip_prefix(": "))
            .collect()
    }

    #[test]
    fn the_same_notice_has_the_same_identifier() {
        let (one, two) = (told("a", None), told("b", None));
        let id = header(&one, "Message-ID");
        assert_eq!(id, header(&two, "Message-ID"));
        assert!(id[0].starts_with("<rollcall.acme.") && id[0].ends_with("@example.com>"));
        assert_eq!(header(&one, "Auto-Submitted"), ["auto-generated"]);
        assert_eq!(
            header(&one, "X-Rollcall-Notice"),
            ["LeaverReport/people/ada"]
        );
        assert_eq!(header(&one, "To").len(), 1);
    }

    #[test]
    fn no_text_of_others_becomes_a_header() {
        for subject in [
            "x\r\nBcc: eve@example.com",
            "x\nBcc: eve@example.com",
            "x\r\n\r\nbody",
            "ü\r\nBcc: e@x",
        ] {
            let mail = told(subject, Some("<p>page</p>"));
            assert_eq!(header(&mail, "Bcc").len(), 0, "{mail}");
            assert_eq!(header(&mail, "Subject").len(), 1, "{mail}");
            assert!(mail.contains("multipart/alternative"), "{mail}");
        }
    }
}
