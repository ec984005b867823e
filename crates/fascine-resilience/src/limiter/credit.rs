use crate::sync::atomic::{AtomicU64, Ordering};

/// What may be spent without a look at the clock, of all quotas in one word.
///
/// The limiter lends a small share of each quota, as long as nobody waits and all of it fits. What is lent counts as
/// used, and so it does not matter when it is spent. Who needs to know what time it is takes the credit back first and
/// reads the clock then: what has been spent by that time is counted from that time on, which is never too early.
#[derive(Debug)]
pub(crate) struct Credit(AtomicU64);

/// The amounts of up to four quotas in fields of fifteen bits; the sixteenth is set in a credit that is open, and is
/// what a field that is too small borrows from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed(u64);

impl Credit {
    pub(crate) fn none() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Spends from the credit, all together or nothing.
    #[inline]
    pub(crate) fn spend(&self, cost: Packed) -> bool {
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            let after = before.wrapping_sub(cost.0);
            if before == 0 || after & OPEN != OPEN {
                return false;
            }
            // What is spent is told to whoever takes the credit back.
            match self
                .0
                .compare_exchange_weak(before, after, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => before = now,
            }
        }
    }

    /// Takes back what is left, if there is a credit: nobody spends from it any more.
    #[inline]
    pub(crate) fn take_back(&self) -> Option<Packed> {
        if self.0.load(Ordering::Relaxed) == 0 {
            return None;
        }
        match self.0.swap(0, Ordering::Acquire) {
            0 => None,
            left => Some(Packed(left)),
        }
    }

    /// Opens a credit; the one before was taken back.
    #[inline]
    pub(crate) fn lend(&self, credit: Packed) {
        self.0.store(credit.0 | OPEN, Ordering::Release);
    }
}

impl Packed {
    pub(crate) const ZERO: Self = Self(0);

    /// Adds to the field of a quota, if it is large enough.
    #[inline]
    pub(crate) fn plus(self, quota: usize, amount: u64) -> Option<Self> {
        if quota >= FIELDS || amount > FIELD_MAX || self.field(quota) + amount > FIELD_MAX {
            return None;
        }
        Some(Self(self.0 + (amount << (16 * quota))))
    }

    #[inline]
    pub(crate) fn field(self, quota: usize) -> u64 {
        (self.0 >> (16 * quota)) & FIELD_MAX
    }
}

pub(crate) const FIELDS: usize = 4;
pub(crate) const FIELD_MAX: u64 = (1 << 15) - 1;
const OPEN: u64 = 0x8000_8000_8000_8000;
