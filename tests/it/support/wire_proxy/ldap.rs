//! LDAP messages (RFC 4511), as far as a proxy must understand them.

use super::{Reader, Request};

pub struct Ldap;

/// A value of BER.
struct Value<'a> {
    tag: u8,
    /// Of all of it, its head included.
    length: usize,
    content: &'a [u8],
}

/// The first value in some bytes, where it is whole.
fn value(bytes: &[u8]) -> Option<Value<'_>> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let more = if first < 0x80 {
        0
    } else {
        usize::from(first & 0x7f)
    };
    let size = if more == 0 {
        usize::from(first)
    } else {
        let digits = rest.get(..more)?.iter();
        digits.fold(0, |size, byte| size << 8 | usize::from(*byte))
    };
    let content = rest.get(more..)?.get(..size)?;
    Some(Value {
        tag,
        length: 2 + more + size,
        content,
    })
}

/// The number of a message, and what it asks for or answers.
fn message(content: &[u8]) -> Option<(u64, Value<'_>)> {
    let id = value(content)?;
    let number = id.content.iter();
    let number = number.fold(0, |number, byte| number << 8 | u64::from(*byte));
    Some((number, value(&content[id.length..])?))
}

/// The verbs that a test may judge, by their tags (RFC 4511 appendix B).
const VERBS: [(u8, &str); 6] = [
    (0x60, "Bind"),
    (0x66, "Modify"),
    (0x68, "Add"),
    (0x4a, "Delete"),
    (0x6c, "Rename"),
    (0x77, "Extended"),
];

/// The entry that it is about, or the name of an extension.
fn subject<'a>(asked: &Value<'a>) -> &'a [u8] {
    let content = match asked.tag {
        // Its name is all that there is of it.
        0x4a => return asked.content,
        // A version stands before it.
        0x60 => value(asked.content).map_or(&[][..], |version| &asked.content[version.length..]),
        _ => asked.content,
    };
    value(content).map_or(&[], |name| name.content)
}

impl Reader for Ldap {
    fn request(&mut self, bytes: &[u8]) -> Option<Request> {
        let whole = value(bytes)?;
        let read = message(whole.content);
        let what = read.as_ref().and_then(|(_, asked)| {
            let (_, verb) = VERBS.iter().find(|(tag, _)| *tag == asked.tag)?;
            Some(format!(
                "{verb} {}",
                String::from_utf8_lossy(subject(asked))
            ))
        });
        Some(Request {
            length: whole.length,
            number: read.map_or(0, |(number, _)| number),
            what,
        })
    }

    fn answer(&mut self, bytes: &[u8]) -> Option<(usize, Option<u64>)> {
        let whole = value(bytes)?;
        Some((
            whole.length,
            message(whole.content).map(|(number, _)| number),
        ))
    }

    fn refusal(&mut self, request: &[u8], code: &str, why: &str) -> Vec<u8> {
        let whole = value(request).unwrap();
        let (_, asked) = message(whole.content).unwrap();
        let id = value(whole.content).unwrap().length;
        // An answer has the tag after that of what it answers, and is made of parts.
        let tag = if asked.tag == 0x4a {
            0x6b
        } else {
            asked.tag + 1
        };
        let result = [
            written(0x0a, &[code.parse().unwrap()]),
            written(0x04, &[]),
            written(0x04, why.as_bytes()),
        ];
        let answer = written(tag, &result.concat());
        written(0x30, &[&whole.content[..id], &answer].concat())
    }
}

fn written(tag: u8, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &size, content].concat()
}
