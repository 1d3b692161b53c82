//! Packets of MySQL and MariaDB (MariaDB's manual, "Client/Server Protocol"), as far as a proxy must understand
//! them: without compression, one question at a time.

use super::{Reader, Request};

pub struct MySql;

/// What stands before the content of a packet: three bytes of its length, and its number.
const HEAD: usize = 4;
/// A command with the text of a statement.
const QUERY: u8 = 0x03;

/// The length of the first packet in some bytes, where it is whole.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..HEAD)?;
    let size = u32::from_le_bytes([head[0], head[1], head[2], 0]);
    let length = HEAD + usize::try_from(size).unwrap();
    (bytes.len() >= length).then_some(length)
}

impl Reader for MySql {
    fn request(&mut self, bytes: &[u8]) -> Option<Request> {
        let length = whole(bytes)?;
        let content = &bytes[HEAD..length];
        let what = match (bytes[3], content.first()) {
            (0, Some(&QUERY)) => Some(String::from_utf8_lossy(&content[1..]).into_owned()),
            // The answer to the greeting.
            (1, _) => Some("sign in".to_owned()),
            _ => None,
        };
        Some(Request {
            length,
            number: 0,
            what,
        })
    }

    fn answer(&mut self, bytes: &[u8]) -> Option<(usize, Option<u64>)> {
        Some((whole(bytes)?, Some(0)))
    }

    fn refusal(&mut self, request: &[u8], code: &str, why: &str) -> Vec<u8> {
        let code: u16 = code.parse().unwrap();
        let content = [&[0xff][..], &code.to_le_bytes(), b"#28000", why.as_bytes()].concat();
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        [&size[..3], &[request[3] + 1], &content].concat()
    }
}
