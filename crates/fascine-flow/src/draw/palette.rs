use crate::Status;

/// The colours of a status, in `#rrggbb`.
pub(crate) struct Paint {
    pub(crate) fill: &'static str,
    pub(crate) line: &'static str,
}

/// Every status, in the order of a legend.
pub(crate) const STATUSES: [Status; 7] = [
    Status::Completed,
    Status::Failed,
    Status::Cancelled,
    Status::Skipped,
    Status::Aborted,
    Status::Processing,
    Status::Pending,
];

/// What text and lines are drawn with, on which ground.
pub(crate) struct Theme {
    pub(crate) ground: &'static str,
    pub(crate) text: &'static str,
    pub(crate) quiet: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) untaken: &'static str,
    pub(crate) paint: fn(Option<Status>) -> Paint,
}

pub(crate) const LIGHT: Theme = Theme {
    ground: "#ffffff",
    text: "#1f2328",
    quiet: "#57606a",
    rule: "#d0d7de",
    untaken: "#afb8c1",
    paint: light,
};

pub(crate) const DARK: Theme = Theme {
    ground: "#0d1117",
    text: "#e6edf3",
    quiet: "#9da7b3",
    rule: "#30363d",
    untaken: "#545d68",
    paint: dark,
};

fn light(status: Option<Status>) -> Paint {
    let (fill, line) = match status {
        Some(Status::Completed) => ("#dafbe1", "#1a7f37"),
        Some(Status::Failed) => ("#ffebe9", "#cf222e"),
        Some(Status::Cancelled) => ("#fff1e5", "#bc4c00"),
        Some(Status::Skipped) => ("#f6f8fa", "#6e7781"),
        Some(Status::Aborted) => ("#fbefff", "#8250df"),
        Some(Status::Processing) => ("#ddf4ff", "#0969da"),
        Some(Status::Pending) => ("#fff8c5", "#9a6700"),
        None => ("#ffffff", "#57606a"),
    };
    Paint { fill, line }
}

fn dark(status: Option<Status>) -> Paint {
    let (fill, line) = match status {
        Some(Status::Completed) => ("#12261e", "#3fb950"),
        Some(Status::Failed) => ("#2d1215", "#f85149"),
        Some(Status::Cancelled) => ("#2b1d0e", "#db6d28"),
        Some(Status::Skipped) => ("#161b22", "#8b949e"),
        Some(Status::Aborted) => ("#231b36", "#a371f7"),
        Some(Status::Processing) => ("#0c2d4d", "#58a6ff"),
        Some(Status::Pending) => ("#272115", "#d29922"),
        None => ("#0d1117", "#9da7b3"),
    };
    Paint { fill, line }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast: WCAG 2.2, "relative luminance", "contrast ratio".
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn text_can_be_read_on_every_colour_and_borders_can_be_seen() {
        for theme in [LIGHT, DARK] {
            for status in STATUSES.map(Some).into_iter().chain([None]) {
                let paint = (theme.paint)(status);
                for text in [theme.text, theme.quiet] {
                    assert!(contrast(text, paint.fill) >= 4.5, "{status:?}: {text}");
                    assert!(contrast(text, theme.ground) >= 4.5, "{text}");
                }
                assert!(contrast(paint.line, paint.fill) >= 3.0, "{status:?}");
                assert!(contrast(paint.line, theme.ground) >= 3.0, "{status:?}");
            }
        }
    }
}
