use super::Price;

/// List prices in US dollars a million tokens.
pub(super) const ROWS: &[(&str, Price)] = &[
    ("claude-3-5-haiku", anthropic(0.8, 4.0)),
    ("claude-3-5-sonnet", anthropic(3.0, 15.0)),
    ("claude-3-7-sonnet", anthropic(3.0, 15.0)),
    ("claude-3-haiku", anthropic(0.25, 1.25)),
    ("claude-3-opus", anthropic(15.0, 75.0)),
    ("claude-haiku-4-5", anthropic(1.0, 5.0)),
    ("claude-opus-4", anthropic(15.0, 75.0)),
    ("claude-opus-4-1", anthropic(15.0, 75.0)),
    ("claude-opus-4-5", anthropic(5.0, 25.0)),
    ("claude-sonnet-4", anthropic(3.0, 15.0)),
    ("claude-sonnet-4-5", anthropic(3.0, 15.0)),
    (
        "gemini-2.0-flash",
        Price::new(0.1, 0.4).with_cached_input(0.025),
    ),
    (
        "gemini-2.5-flash",
        Price::new(0.3, 2.5).with_cached_input(0.03),
    ),
    (
        "gemini-2.5-flash-lite",
        Price::new(0.1, 0.4).with_cached_input(0.01),
    ),
    (
        "gemini-2.5-pro",
        Price::new(1.25, 10.0).with_cached_input(0.125),
    ),
    ("gpt-4.1", Price::new(2.0, 8.0).with_cached_input(0.5)),
    ("gpt-4.1-mini", Price::new(0.4, 1.6).with_cached_input(0.1)),
    (
        "gpt-4.1-nano",
        Price::new(0.1, 0.4).with_cached_input(0.025),
    ),
    ("gpt-4o", Price::new(2.5, 10.0).with_cached_input(1.25)),
    (
        "gpt-4o-mini",
        Price::new(0.15, 0.6).with_cached_input(0.075),
    ),
    ("gpt-5", Price::new(1.25, 10.0).with_cached_input(0.125)),
    ("gpt-5-mini", Price::new(0.25, 2.0).with_cached_input(0.025)),
    ("gpt-5-nano", Price::new(0.05, 0.4).with_cached_input(0.005)),
    ("o3", Price::new(2.0, 8.0).with_cached_input(0.5)),
    ("o4-mini", Price::new(1.1, 4.4).with_cached_input(0.275)),
    ("text-embedding-3-large", Price::new(0.13, 0.0)),
    ("text-embedding-3-small", Price::new(0.02, 0.0)),
];

/// A tenth for what is read from the cache, five quarters for what is written to it.
const fn anthropic(input: f64, output: f64) -> Price {
    Price::new(input, output)
        .with_cached_input(input / 10.0)
        .with_cache_write(input * 1.25)
}
