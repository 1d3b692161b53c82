//! What a server sends, looked at before it is decoded: the decoder takes messages of any length and any
//! depth, and follows each level of nesting by a call, so that a hostile server could end the program.

/// Longest message, in bytes: a group with some hundred thousand members.
const MAX_LENGTH: usize = 64 * 1024 * 1024;
/// What each message is.
const SEQUENCE: u8 = 0x30;
/// Deepest nesting. A search entry has five levels, a message with controls six.
const MAX_DEPTH: usize = 24;

/// Takes bytes and gives whole messages (RFC 4511 section 4.1.1).
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
}

/// A value of BER as RFC 4511 section 5.1 allows it: definite length, tags of one byte.
struct Header {
    constructed: bool,
    /// Where the contents begin.
    begin: usize,
    /// Where they end.
    end: usize,
}

impl Frames {
    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, if it is there.
    ///
    /// # Errors
    /// Why what comes is not taken.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        if self.bytes.first().is_some_and(|tag| *tag != SEQUENCE) {
            return Err("it sends no LDAP".to_owned());
        }
        let Some(header) = header(&self.bytes)? else {
            return Ok(None);
        };
        if header.end > MAX_LENGTH {
            return Err(format!(
                "it sends a message of {} bytes, and {MAX_LENGTH} are taken",
                header.end
            ));
        }
        if self.bytes.len() < header.end {
            return Ok(None);
        }
        let rest = self.bytes.split_off(header.end);
        let message = std::mem::replace(&mut self.bytes, rest);
        check_depth(&message)?;
        Ok(Some(message))
    }
}

fn header(bytes: &[u8]) -> Result<Option<Header>, String> {
    let [tag, first, rest @ ..] = bytes else {
        return Ok(None);
    };
    if tag & 0x1f == 0x1f {
        return Err("it sends no LDAP (a tag of several bytes)".to_owned());
    }
    let (length, begin) = match first {
        0..=0x7f => (usize::from(*first), 2),
        0x81..=0x84 => {
            let size = usize::from(first & 0x7f);
            let Some(digits) = rest.get(..size) else {
                return Ok(None);
            };
            let fold = |length: usize, byte: &u8| length << 8 | usize::from(*byte);
            (digits.iter().fold(0, fold), 2 + size)
        }
        _ => return Err("it sends no LDAP (a length that can't be)".to_owned()),
    };
    Ok(Some(Header {
        constructed: tag & 0x20 != 0,
        begin,
        end: begin + length,
    }))
}

/// Walks through a message level by level, without a call for each.
fn check_depth(message: &[u8]) -> Result<(), String> {
    let broken = || "it sends no LDAP (a value does not fit into the one around it)".to_owned();
    let mut ends = vec![message.len()];
    let mut at = 0;
    while let Some(end) = ends.last().copied() {
        if at >= end {
            ends.pop();
            continue;
        }
        let header = header(&message[at..end])?.ok_or_else(broken)?;
        if at + header.end > end {
            return Err(broken());
        }
        if header.constructed {
            if ends.len() > MAX_DEPTH {
                return Err(format!("it sends values more than {MAX_DEPTH} levels deep"));
            }
            ends.push(at + header.end);
            at += header.begin;
        } else {
            at += header.end;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Vec<u8> {
        let mut bytes = vec![0x02, 0x01, 0x01];
        for _ in 0..levels {
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            bytes = [&[0x30, 0x82], &length[..], &bytes].concat();
        }
        bytes
    }

    #[test]
    fn whole_messages_come_out_however_they_came_in() {
        let two = [nested(2), nested(5)].concat();
        let mut frames = Frames::default();
        let mut out = Vec::new();
        for byte in &two {
            frames.push(&[*byte]);
            out.extend(frames.next().unwrap());
        }
        assert_eq!(out, [nested(2), nested(5)]);
    }

    #[test]
    fn what_could_end_the_program_is_refused() {
        for (bytes, why) in [
            (nested(MAX_DEPTH + 2), "levels deep"),
            (nested(2000), "levels deep"),
            (vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff], "bytes, and"),
            (vec![0x30, 0x80, 0, 0], "a length that can't be"),
            (
                vec![0x30, 0x04, 0x3f, 0x81, 0x01, 0x00],
                "a tag of several bytes",
            ),
            (vec![0x30, 0x03, 0x04, 0x09, 0x00], "does not fit"),
            (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "no LDAP"),
        ] {
            let mut frames = Frames::default();
            frames.push(&bytes);
            let refused = frames.next().unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
