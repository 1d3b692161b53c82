//! Values as MySQL sends and takes them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Value as Sent};
use serde_json::Value;

use crate::connectors::sql::value::{Param, Row};
use crate::connectors::{ConnectorError, ErrorKind};

/// A value for one place.
///
/// # Errors
/// [`ErrorKind::Invalid`] for several texts: there is no type that holds them.
pub(super) fn sent(what: &str, param: &Param) -> Result<Sent, ConnectorError> {
    Ok(match param {
        Param::Null => Sent::NULL,
        Param::Truth(truth) => Sent::Int(i64::from(*truth)),
        Param::Text(text) => Sent::Bytes(text.clone().into_bytes()),
        Param::Texts(texts) => match texts.as_slice() {
            [] => Sent::NULL,
            [one] => Sent::Bytes(one.clone().into_bytes()),
            _ => {
                return Err(ConnectorError::new(
                    ErrorKind::Invalid,
                    format!("{what}: several values do not fit into one column"),
                ));
            }
        },
    })
}

/// A row as it came.
pub(super) fn row(row: mysql_async::Row) -> Row {
    let columns = row.columns();
    let values = row.unwrap_raw();
    let named = columns.iter().zip(values);
    named
        .map(|(column, value)| {
            let value = value.unwrap_or(Sent::NULL);
            (column.name_str().into_owned(), read(column, value))
        })
        .collect()
}

fn read(column: &Column, value: Sent) -> Value {
    match value {
        Sent::NULL => Value::Null,
        // A truth value is a number of one digit (`BOOLEAN` is `TINYINT(1)`).
        Sent::Int(number @ (0 | 1)) if is_truth(column) => Value::Bool(number == 1),
        Sent::Int(number) => number.into(),
        Sent::UInt(number) => number.into(),
        Sent::Float(number) => f64::from(number).into(),
        Sent::Double(number) => number.into(),
        Sent::Bytes(bytes) if column.column_type() == ColumnType::MYSQL_TYPE_BIT => {
            let number = bytes
                .iter()
                .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
            number.into()
        }
        Sent::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Value::String(text),
            // No text at all: two that differ must not look the same.
            Err(error) => Value::String(BASE64_STANDARD.encode(error.as_bytes())),
        },
        Sent::Date(year, month, day, hour, minute, second, micros) => {
            let date = format!("{year:04}-{month:02}-{day:02}");
            Value::String(match column.column_type() {
                ColumnType::MYSQL_TYPE_DATE => date,
                _ => format!(
                    "{date} {hour:02}:{minute:02}:{second:02}{}",
                    fraction(micros)
                ),
            })
        }
        Sent::Time(negative, days, hours, minutes, seconds, micros) => {
            let sign = if negative { "-" } else { "" };
            let hours = days * 24 + u32::from(hours);
            Value::String(format!(
                "{sign}{hours:02}:{minutes:02}:{seconds:02}{}",
                fraction(micros)
            ))
        }
    }
}

fn is_truth(column: &Column) -> bool {
    column.column_type() == ColumnType::MYSQL_TYPE_TINY
        && column.column_length() == 1
        && !column.flags().contains(ColumnFlags::UNSIGNED_FLAG)
}

fn fraction(micros: u32) -> String {
    if micros == 0 {
        String::new()
    } else {
        format!(".{micros:06}")
    }
}
