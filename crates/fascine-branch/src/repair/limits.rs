/// How much of a text is read before it is refused.
///
/// # Defaults
///
/// - 10 MiB
/// - 127 levels of arrays and objects, where `serde_json` stops too
/// - 64 steps for each byte, and 4,096 more: far more than any text takes
/// - 1,000 repairs listed; the others are counted
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairLimits {
    bytes: usize,
    depth: usize,
    steps: Option<u64>,
    listed: usize,
}

impl RepairLimits {
    /// Sets how long a text may be, in bytes.
    #[must_use]
    pub fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets how deep arrays and objects may be nested; more than 127 counts as 127.
    #[must_use]
    pub fn with_depth(mut self, levels: usize) -> Self {
        self.depth = levels.min(MAX_DEPTH);
        self
    }

    /// Sets how many steps repairing may take. A step looks at about one byte; valid JSON takes none.
    #[must_use]
    pub fn with_steps(mut self, steps: u64) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Sets how many repairs are listed.
    #[must_use]
    pub fn with_listed(mut self, repairs: usize) -> Self {
        self.listed = repairs;
        self
    }

    /// How long a text may be, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How deep arrays and objects may be nested.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// How many steps the repair of a text of `bytes` may take.
    #[must_use]
    pub fn steps(&self, bytes: usize) -> u64 {
        self.steps
            .unwrap_or_else(|| (bytes as u64).saturating_mul(64).saturating_add(4_096))
    }

    /// How many repairs are listed.
    #[must_use]
    pub fn listed(&self) -> usize {
        self.listed
    }
}

impl Default for RepairLimits {
    fn default() -> Self {
        Self {
            bytes: 10 << 20,
            depth: MAX_DEPTH,
            steps: None,
            listed: 1_000,
        }
    }
}

/// `serde_json` reads 127 levels; what it cannot read again would be no use.
pub(crate) const MAX_DEPTH: usize = 127;
