//! Filters (RFC 7644 section 3.4.2.2), built so that no value can end its own quotes.

use url::Url;

/// `attribute eq "value"`. The value is quoted as a JSON string, which is what the RFC's grammar
/// asks for.
#[must_use]
pub fn equals(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", serde_json::Value::from(value))
}

/// Puts parameters into the query of an address. A space becomes `%20` and a plus `%2B`, as servers
/// differ in what they take a bare `+` for.
pub fn set_query(url: &mut Url, parameters: &[(&str, &str)]) {
    let encode = |text: &str| {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    let query: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    url.set_query(Some(&query.join("&")));
}
