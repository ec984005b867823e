use crate::partial::tree::Size;

/// What typed snapshots may cost: an allowance to begin with, and then so much for each byte of text.
///
/// So small answers are seen at every change, and large ones at steps that grow with them; all snapshots of a text of n bytes
/// together cost O(n). The unit is what it costs to read one byte of JSON, at most.
#[derive(Debug)]
pub(super) struct Account {
    credit: u64,
    pub(super) spent: u64,
}

impl Account {
    /// Adds what reading `bytes` is worth.
    pub(super) fn earn(&mut self, bytes: usize) {
        self.credit = self.credit.saturating_add(bytes as u64 * EARNED);
    }

    /// Pays for going through a value of this size, if there is enough.
    pub(super) fn pay(&mut self, size: Size) -> bool {
        let cost = size.nodes * NODE + size.bytes / BYTES;
        let enough = cost <= self.credit;
        if enough {
            self.credit -= cost;
            self.spent += cost;
        }
        enough
    }
}

impl Default for Account {
    fn default() -> Self {
        Self {
            credit: ALLOWANCE,
            spent: 0,
        }
    }
}

/// A few milliseconds.
const ALLOWANCE: u64 = 512 << 10;
/// What a byte of text earns.
const EARNED: u64 = 2;
/// To make a value of a node costs as much as to read so many bytes: two were measured.
const NODE: u64 = 4;
/// To copy so many bytes of a string costs as much as to read one.
const BYTES: u64 = 16;
