use std::time::Duration;

/// Reads a span of time as Go writes it, such as `1h2m3s` or `7.66s`, or a plain number of seconds.
pub(crate) fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return seconds_to_span(seconds);
    }
    match leading(text)? {
        (span, "") => Some(span),
        _ => None,
    }
}

/// Reads the span of time that a sentence begins with, such as `1.5s.` or `6 minutes, please`, and gives the rest.
pub(crate) fn leading(text: &str) -> Option<(Duration, &str)> {
    let mut seconds = None;
    let mut rest = text;
    while let Some((more, after)) = one(rest.trim_start_matches(' ')) {
        seconds = Some(seconds.unwrap_or(0.0) + more);
        rest = after;
    }
    Some((seconds_to_span(seconds?)?, rest))
}

/// As much as fits a year; a number that is negative or none says nothing.
pub(crate) fn seconds_to_span(seconds: f64) -> Option<Duration> {
    let longest = LONGEST.as_secs_f64();
    (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(longest)))
}

/// One number with its unit.
fn one(text: &str) -> Option<(f64, &str)> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..number_end].parse().ok()?;
    let rest = text[number_end..].trim_start_matches(' ');
    let unit_end = rest
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(rest.len());
    let seconds = match &rest[..unit_end] {
        "ns" => number / 1e9,
        "us" | "\u{b5}s" | "\u{3bc}s" => number / 1e6,
        "ms" | "millisecond" | "milliseconds" => number / 1e3,
        "s" | "sec" | "secs" | "second" | "seconds" => number,
        "m" | "min" | "mins" | "minute" | "minutes" => number * 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => number * 3600.0,
        "d" | "day" | "days" => number * 86400.0,
        _ => return None,
    };
    Some((seconds, &rest[unit_end..]))
}

/// Longer waits are no different, and could not be added to a point in time.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_go_writes_them() {
        for (text, millis) in [
            ("1s", 1000),
            ("6m0s", 360_000),
            ("12ms", 12),
            ("1h2m3s", 3_723_000),
            ("7.66s", 7660),
            ("1m30.5s", 90_500),
            ("2562047h47m16s", 366 * 24 * 3_600_000),
            (" 9 ", 9000),
            ("0.25", 250),
            ("0", 0),
            ("1500us", 1),
        ] {
            let read = span(text).map(|span| span.as_millis());
            assert_eq!(read, Some(millis), "{text}");
        }
        for text in [
            "", "soon", "-1s", "-1", "NaN", "1x", "s", ".", "1s later", "1..2s", "1s2",
        ] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn a_sentence_may_go_on() {
        for (text, millis, rest) in [
            ("1.5s. Visit", 1500, ". Visit"),
            ("93ms", 93, ""),
            ("6m0s.", 360_000, "."),
            ("2 minutes 5 seconds, please", 125_000, ", please"),
            ("10.689924287s.", 10_689, "."),
        ] {
            let (span, left) = leading(text).unwrap();
            assert_eq!((span.as_millis(), left), (millis, rest), "{text}");
        }
        assert_eq!(leading("5 requests"), None);
        assert_eq!(leading("a moment"), None);
    }
}
