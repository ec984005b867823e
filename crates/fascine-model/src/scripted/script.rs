use std::collections::VecDeque;

use crate::{Line, Request};

/// What the clones of a scripted model share.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) lines: VecDeque<Line>,
    pub(crate) requests: Vec<Request>,
    pub(crate) in_flight: usize,
}
