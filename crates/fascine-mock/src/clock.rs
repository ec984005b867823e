use std::time::{Duration, Instant, SystemTime};

/// What time it is for the outside world, by the runtime's clock: the server reads no other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    wall: SystemTime,
}

impl Clock {
    pub(crate) fn new(started: Instant, wall: SystemTime) -> Self {
        Self { started, wall }
    }

    /// The wall clock's time at `now`, in whole seconds after the Unix epoch rounded up, for headers.
    pub(crate) fn unix_seconds(&self, now: Instant) -> u64 {
        let wall = self.at(now);
        let since = wall.duration_since(SystemTime::UNIX_EPOCH);
        millis_rounded_up(since.unwrap_or_default()).div_ceil(1000)
    }

    pub(crate) fn http_date(&self, now: Instant) -> String {
        httpdate::fmt_http_date(self.at(now))
    }

    /// `2024-02-29T12:00:00Z`, rounded up to whole seconds.
    pub(crate) fn rfc3339(&self, now: Instant) -> String {
        let seconds = self.unix_seconds(now);
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    fn at(&self, now: Instant) -> SystemTime {
        let passed = now.saturating_duration_since(self.started);
        self.wall.checked_add(passed).unwrap_or(self.wall)
    }
}

/// A time as OpenAI writes it, after Go: `1.5s`, `6m0s`, `12ms`.
pub(crate) fn go_duration(time: Duration) -> String {
    let millis = millis_rounded_up(time);
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    let seconds = rest as f64 / 1000.0;
    match (minutes, millis) {
        (0, 0) => "0s".to_owned(),
        (0, ..1000) => format!("{millis}ms"),
        (0, _) => format!("{seconds}s"),
        (..60, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{}h{}m{seconds}s", minutes / 60, minutes % 60),
    }
}

/// Rounded up: who waits that long must not find that it was a little short.
pub(crate) fn millis_rounded_up(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Year, month and day of a number of days after 1970-01-01, after Howard Hinnant's `civil_from_days`.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(19_783), (2024, 3, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
    }

    #[test]
    fn times_are_written_as_go_does() {
        let written = |millis| go_duration(Duration::from_millis(millis));
        let times = [0, 12, 1000, 7660, 360_000, 3_723_500];
        let expected = ["0s", "12ms", "1s", "7.66s", "6m0s", "1h2m3.5s"];
        assert_eq!(times.map(written), expected);
    }
}
