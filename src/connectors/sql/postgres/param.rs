//! Values in the text form of PostgreSQL, which reads them as whatever type a place has.

use std::error::Error;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::connectors::sql::value::Param;

impl ToSql for Param {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let is_array = matches!(ty.kind(), Kind::Array(_));
        let text = match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Truth(truth) => truth.to_string(),
            Self::Text(text) if is_array => array(std::slice::from_ref(text)),
            Self::Text(text) => text.clone(),
            Self::Texts(texts) if is_array => array(texts),
            Self::Texts(texts) => match texts.as_slice() {
                [] => return Ok(IsNull::Yes),
                [one] => one.clone(),
                _ => return Err(format!("several values do not fit into one {ty}").into()),
            },
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// An array as it is written: each element in quotes.
fn array(texts: &[String]) -> String {
    let quoted = texts.iter().map(|text| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}
