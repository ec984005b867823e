use std::time::Duration;

/// Reads a time such as `1.5s`, `500ms`, `2m` or `1h`. Every digit counts; there is no rounding.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let (_, nanoseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || number.ends_with('.') || !digits(whole) || !digits(part) {
        return None;
    }
    let part = part.trim_end_matches('0');
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let number: u128 = format!("{whole}{part}").parse().ok()?;
    let scaled = number.checked_mul(*nanoseconds)?;
    if scaled % scale != 0 {
        return None;
    }
    let nanoseconds = scaled / scale;
    let seconds = u64::try_from(nanoseconds / SECOND).ok()?;
    let rest = u32::try_from(nanoseconds % SECOND).ok()?;
    Some(Duration::new(seconds, rest))
}

/// Writes a time in the largest unit that divides it.
pub(crate) fn write(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    let fits = |(_, unit): &&(&str, u128)| nanoseconds.is_multiple_of(*unit);
    let (name, unit) = UNITS.iter().find(fits).unwrap_or(&UNITS[5]);
    match nanoseconds {
        0 => "0s".to_owned(),
        _ => format!("{}{name}", nanoseconds / unit),
    }
}

const SECOND: u128 = 1_000_000_000;
const UNITS: [(&str, u128); 6] = [
    ("h", 3600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", 1_000_000),
    ("us", 1000),
    ("ns", 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_last_digit() {
        assert_eq!(parse("90s"), Some(Duration::from_secs(90)));
        assert_eq!(parse("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(parse("0.25ms"), Some(Duration::from_micros(250)));
        assert_eq!(parse("2h"), Some(Duration::from_secs(7200)));
        assert_eq!(parse("1.000000001s"), Some(Duration::new(1, 1)));
        assert_eq!(
            parse("18446744073709551615.999999999s"),
            Some(Duration::MAX)
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "s",
            "5",
            "-1s",
            "+1s",
            "1 s",
            "1,5s",
            "1.s",
            ".5s",
            "1e3s",
            "1.5ns",
            "5d",
            "5S",
            "18446744073709551616s",
            "1.0000000001s",
            "1.2.3s",
            "1s1s",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for time in [
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_millis(1500),
            Duration::from_secs(3600),
            Duration::MAX,
        ] {
            assert_eq!(parse(&write(time)), Some(time));
        }
    }
}
