use std::time::Duration;

/// Writes a time for people, with three digits or so.
pub(crate) fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    match time.as_nanos() {
        0 => "0 s".to_owned(),
        1..1_000 => format!("{} ns", time.as_nanos()),
        1_000..1_000_000 => format!("{} µs", time.as_micros()),
        1_000_000..1_000_000_000 => decimal(time.as_secs_f64() * 1e3, "ms"),
        _ if seconds < 60 => decimal(time.as_secs_f64(), "s"),
        _ if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn decimal(value: f64, unit: &str) -> String {
    let digits = match value {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text} {unit}")
}

/// The times to mark on an axis: at most ten, at round distances.
pub(crate) fn ticks(end: Duration) -> Vec<Duration> {
    let decimals = (0..10).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    let steps = decimals.map(Duration::from_nanos);
    let seconds = [
        10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200,
    ];
    let steps = steps.chain(seconds.map(Duration::from_secs));
    let days = (0..60).map(|power| Duration::from_secs(86_400).saturating_mul(1 << power.min(31)));
    let step = steps.chain(days).find(|step| end <= step.saturating_mul(8));
    let step = step.unwrap_or(end).max(Duration::from_nanos(1));
    let ticks = (0..10_u32).map(|count| step.saturating_mul(count));
    ticks.take_while(|tick| *tick <= end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people() {
        let texts = [
            (0, "0 s"),
            (999, "999 ns"),
            (1_500, "1 µs"),
            (12_340_000, "12.3 ms"),
            (1_000_000_000, "1 s"),
            (1_250_000_000, "1.25 s"),
            (100_000_000, "100 ms"),
            (125_000_000_000, "2 min 5 s"),
            (3_720_000_000_000, "1 h 2 min"),
        ];
        for (nanos, text) in texts {
            assert_eq!(human(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn an_axis_has_a_few_round_marks() {
        let second = Duration::from_secs;
        assert_eq!(ticks(second(4)).len(), 9);
        assert_eq!(ticks(second(7))[1], second(1));
        assert_eq!(ticks(second(100))[1], second(15));
        assert_eq!(ticks(Duration::ZERO), [Duration::ZERO]);
        for end in [Duration::from_nanos(3), second(86_400 * 400), Duration::MAX] {
            assert!((1..=10).contains(&ticks(end).len()), "{end:?}");
        }
    }
}
