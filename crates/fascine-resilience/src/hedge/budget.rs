use std::sync::atomic::{AtomicU64, Ordering};

/// How many calls may be made beside those that were asked for.
///
/// Each call that is asked for pays in a share of one; each further call takes one whole. So among n calls there are
/// never more than the reserve and that share of n.
///
/// # Defaults
///
/// - 10 %, with 10 in reserve
#[derive(Debug)]
pub struct HedgeBudget {
    /// In hundredths of a call.
    balance: AtomicU64,
    most: u64,
    percent: u64,
}

impl HedgeBudget {
    /// Makes a budget of `percent` further calls, and `reserve` calls that it holds at the start and at most.
    ///
    /// # Units
    ///
    /// `percent` of the calls that are asked for; more than 100 are 100. With 0 only the reserve can be spent; with
    /// a reserve of 0 nothing can.
    #[must_use]
    pub const fn new(percent: u8, reserve: u32) -> Self {
        let most = reserve as u64 * WHOLE;
        let percent = if percent > 100 { 100 } else { percent };
        Self {
            balance: AtomicU64::new(most),
            most,
            percent: percent as u64,
        }
    }

    /// Returns how many whole calls it would pay for now.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.balance.load(Ordering::Relaxed) / WHOLE
    }

    pub(crate) fn deposit(&self) {
        let paid_in = |balance: u64| {
            let new = (balance + self.percent).min(self.most);
            (new != balance).then_some(new)
        };
        let _ = self
            .balance
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid_in);
    }

    pub(crate) fn withdraw(&self) -> bool {
        let paid = |balance: u64| balance.checked_sub(WHOLE);
        self.balance
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid)
            .is_ok()
    }
}

impl Default for HedgeBudget {
    fn default() -> Self {
        Self::new(10, 10)
    }
}

const WHOLE: u64 = 100;
