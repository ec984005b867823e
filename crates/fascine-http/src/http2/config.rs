use std::num::NonZeroUsize;
use std::time::Duration;

/// How connections of HTTP/2 are shared and watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http2Config {
    /// How many connections there are to one origin; the second is opened when the first is full. 4 by default.
    pub max_connections: NonZeroUsize,
    /// How many requests share a connection at most; fewer, if the server says so. 100 by default.
    pub max_streams: NonZeroUsize,
    /// How many bytes of a body may wait for somebody to read them; the server sends no more. 256 KiB by default.
    ///
    /// A connection holds at most so many for each of its streams, so nobody who reads slowly stops the others.
    pub stream_window: u32,
    /// How often a connection that carries requests is asked whether it is alive. Never by default.
    pub ping_interval: Option<Duration>,
    /// How long the answer to that may take before the connection is given up. 20 s by default.
    pub ping_timeout: Duration,
}

impl Http2Config {
    /// What all the streams of a connection may leave unread, as far as HTTP/2 can say it.
    pub(crate) fn connection_window(&self) -> u32 {
        let streams = u32::try_from(self.max_streams.get()).unwrap_or(u32::MAX);
        let all = self.stream_window().saturating_mul(streams);
        all.clamp(SMALLEST_WINDOW, LARGEST_WINDOW)
    }

    pub(crate) fn stream_window(&self) -> u32 {
        self.stream_window.clamp(1, LARGEST_WINDOW)
    }
}

impl Default for Http2Config {
    fn default() -> Self {
        const FOUR: NonZeroUsize = NonZeroUsize::new(4).unwrap();
        const HUNDRED: NonZeroUsize = NonZeroUsize::new(100).unwrap();
        Self {
            max_connections: FOUR,
            max_streams: HUNDRED,
            stream_window: 256 * 1024,
            ping_interval: None,
            ping_timeout: Duration::from_secs(20),
        }
    }
}

/// RFC 9113, 6.9.2: what a connection begins with, and cannot take back.
const SMALLEST_WINDOW: u32 = 65_535;
/// RFC 9113, 6.9.1.
const LARGEST_WINDOW: u32 = i32::MAX as u32;
