//! Messages of PostgreSQL (its manual, "Frontend/Backend Protocol"), as far as a proxy must understand them.

use super::{Reader, Request};

/// One connection. Each question is answered up to `ReadyForQuery`, in the order in which they were asked.
#[derive(Default)]
pub struct Postgres {
    asked: u64,
    told: u64,
    /// What a transaction that goes on has done so far.
    transaction: Option<Vec<String>>,
}

impl Postgres {
    /// What a statement asks for by itself.
    fn judged(&mut self, statement: &str) -> Option<String> {
        let first = statement.split_whitespace().next().unwrap_or_default();
        match (first, &mut self.transaction) {
            ("BEGIN" | "START", _) => {
                self.transaction = Some(Vec::new());
                None
            }
            ("ROLLBACK", _) => {
                self.transaction = None;
                None
            }
            ("COMMIT", open) => Some(open.take()?.join("; ")).filter(|all| !all.is_empty()),
            (_, Some(open)) => {
                open.push(statement.to_owned());
                None
            }
            (_, None) => Some(statement.to_owned()),
        }
    }
}

/// The length of the first message in some bytes, where it is whole; `head` bytes stand before its length.
fn whole(bytes: &[u8], head: usize) -> Option<usize> {
    let size: [u8; 4] = bytes.get(head..head + 4)?.try_into().unwrap();
    let length = head + usize::try_from(u32::from_be_bytes(size)).unwrap();
    (bytes.len() >= length).then_some(length)
}

/// The text up to a zero.
fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

impl Reader for Postgres {
    fn request(&mut self, bytes: &[u8]) -> Option<Request> {
        // The first message has no tag.
        let head = usize::from(self.asked > 0);
        let length = whole(bytes, head)?;
        let tag = if head == 0 { 0 } else { bytes[0] };
        let what = match tag {
            0 => Some("sign in".to_owned()),
            b'Q' => self.judged(&text(&bytes[5..length])),
            _ => None,
        };
        if matches!(tag, 0 | b'Q' | b'S') {
            self.asked += 1;
        }
        Some(Request {
            length,
            number: self.asked,
            what,
        })
    }

    fn answer(&mut self, bytes: &[u8]) -> Option<(usize, Option<u64>)> {
        let length = whole(bytes, 1)?;
        let is_end = bytes[0] == b'Z';
        self.told += u64::from(is_end);
        Some((length, is_end.then_some(self.told)))
    }

    fn refusal(&mut self, _: &[u8], code: &str, why: &str) -> Vec<u8> {
        let ended = self.asked > 1;
        let severity = if ended { "ERROR" } else { "FATAL" };
        let fields = [("S", severity), ("V", severity), ("C", code), ("M", why)];
        let fields = fields.map(|(field, value)| format!("{field}{value}\0"));
        let body = format!("{}\0", fields.concat());
        let size = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        let mut answer = [&b"E"[..], &size, body.as_bytes()].concat();
        self.told += 1;
        if ended {
            answer.extend(b"Z\0\0\0\x05I");
        }
        answer
    }
}
