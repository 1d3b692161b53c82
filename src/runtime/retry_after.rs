//! How long a server asks to be left alone (RFC 9110 section 10.2.3).

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Longest time that a server may send us away for.
const LONGEST: Duration = Duration::from_hours(1);

/// Seconds, or an HTTP date against the server's own clock where it shows it. At most an hour.
#[must_use]
pub fn asked(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let asked = text(RETRY_AFTER)?.trim();
    let wait = if let Ok(seconds) = asked.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let until = httpdate::parse_http_date(asked).ok()?;
        let now = text(DATE)
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .unwrap_or(now);
        until.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn reads_retry_after_as_seconds_and_as_a_date() {
        let noon = "Mon, 23 Nov 2026 12:00:00 GMT";
        for (value, date, seconds) in [
            (Some("7"), None, Some(7)),
            (Some(" 0 "), None, Some(0)),
            (Some("999999999999"), None, Some(3600)),
            (Some("Mon, 23 Nov 2026 12:01:30 GMT"), Some(noon), Some(90)),
            (Some("Monday, 23-Nov-26 12:01:30 GMT"), Some(noon), Some(90)),
            (Some("Mon Nov 23 12:01:30 2026"), Some(noon), Some(90)),
            (Some("Mon, 23 Nov 2026 11:00:00 GMT"), Some(noon), Some(0)),
            (
                Some("Mon, 23 Nov 2099 12:00:00 GMT"),
                Some(noon),
                Some(3600),
            ),
            (Some("Thu, 01 Jan 1970 00:00:42 GMT"), None, Some(42)),
            (
                Some("Thu, 01 Jan 1970 00:00:42 GMT"),
                Some("nonsense"),
                Some(42),
            ),
            (Some("soon"), None, None),
            (Some("-5"), None, None),
            (Some("1.5"), None, None),
            (Some(""), None, None),
            (None, Some(noon), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            }
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_static(date));
            }
            let expected = seconds.map(Duration::from_secs);
            let asked = asked(&headers, SystemTime::UNIX_EPOCH);
            assert_eq!(asked, expected, "{value:?} {date:?}");
        }
    }
}
