/// Reads a time such as `2026-03-01T12:30:45.5Z` or `2026-03-01T12:30:45+01:00` as seconds since the beginning of 1970.
pub(crate) fn seconds_since_1970(text: &str) -> Option<f64> {
    let bytes = text.trim().as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        let all = digits.iter().all(u8::is_ascii_digit);
        let digits = all.then(|| std::str::from_utf8(digits).ok()).flatten()?;
        digits.parse().ok()
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let marks = [bytes[4], bytes[7], bytes[13], bytes[16]];
    let separated = marks == *b"--::" && matches!(bytes[10], b'T' | b't' | b' ');
    // A leap second is 60.
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !separated || !in_range {
        return None;
    }
    let rest = std::str::from_utf8(&bytes[19..]).ok()?;
    let zone_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (fraction, zone) = rest.split_at(zone_at);
    let fraction: f64 = match fraction {
        "" => 0.0,
        fraction => fraction
            .strip_prefix('.')
            .and(format!("0{fraction}").parse().ok())?,
    };
    let seconds = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    let offset = offset_in_seconds(zone)?;
    Some((seconds - offset) as f64 + fraction)
}

fn offset_in_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
    match zone.as_bytes()[0] {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`: years begin in March, so that
/// the leap day is their last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_zone() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2000-02-29T12:00:00Z", 951_825_600.0),
            ("2026-03-01T12:30:45.5Z", 1_772_368_245.5),
            ("2026-03-01T13:30:45+01:00", 1_772_368_245.0),
            ("2026-03-01t07:00:45-05:30", 1_772_368_245.0),
            ("1969-12-31T23:59:59Z", -1.0),
        ] {
            assert_eq!(seconds_since_1970(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "soon",
            "2026-03-01",
            "2026-03-01T12:30:45",
            "2026-13-01T12:30:45Z",
            "2026-03-01T25:30:45Z",
            "2026-03-01T12:30:45.x5Z",
            "2026-03-01T12:30:45 01:00",
            "2026/03/01T12:30:45Z",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            assert_eq!(seconds_since_1970(text), None, "{text}");
        }
    }
}
