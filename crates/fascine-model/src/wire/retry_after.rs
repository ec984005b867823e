use std::time::Duration;

use http::{HeaderMap, header};

use super::span_text::seconds_to_span;

/// How long a provider wants to be left alone: `retry-after-ms`, or `Retry-After` in seconds or as a date.
///
/// A date is measured from the response's own `Date`: no clock is read, and none has to agree with the server's.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let millis = text("retry-after-ms").and_then(number);
    if let Some(wait) = millis.and_then(|millis| seconds_to_span(millis / 1000.0)) {
        return Some(wait);
    }
    let value = text(header::RETRY_AFTER.as_str())?;
    if let Some(seconds) = number(value) {
        return seconds_to_span(seconds);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(text(header::DATE.as_str())?).ok()?;
    let wait = until.duration_since(now).unwrap_or_default();
    seconds_to_span(wait.as_secs_f64())
}

/// Not infinite, and no word for a number.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = headers.iter().map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        retry_after(&headers.collect())
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_understood() {
        assert_eq!(read(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(
            read(&[("retry-after", "0.5")]),
            Some(Duration::from_millis(500))
        );
        let both = [("retry-after", "7"), ("retry-after-ms", "250")];
        assert_eq!(read(&both), Some(Duration::from_millis(250)));
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let later = ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT");
        assert_eq!(read(&[date, later]), Some(Duration::from_secs(10)));
        let past = ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(read(&[date, past]), Some(Duration::ZERO));
    }

    #[test]
    fn nonsense_is_no_wish() {
        for value in [
            "",
            "soon",
            "-1",
            "NaN",
            "inf",
            "1e400",
            "Sun, 06 Nov 1994 08:49:47 GMT",
        ] {
            assert_eq!(read(&[("retry-after", value)]), None, "{value}");
        }
    }
}
