use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::SettingError;
use crate::sync::{Mutex, lock};

/// How many retries all calls together may make: a share of the calls, and a few each second.
///
/// When a service is down, everybody retries everything, and it gets several times its load just when it can take
/// least. With a budget, retries stay a share of the first calls; beyond it, a call fails with its first error.
/// Clones share the budget: give it to every [`Retry`](crate::Retry) that leads to the same service.
///
/// What was not used is kept, up to a hundred retries. After Finagle's `RetryBudget`.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{GaveUp, Retry, RetryBudget, Verdict};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let budget = RetryBudget::new(0.1, 0)?;
/// let retry = Retry::new(&rt).with_budget(budget);
/// let error = retry.run(|_| async { Err::<(), _>("down") }, |_| Verdict::Retry).await.unwrap_err();
/// assert_eq!((error.attempts, error.reason), (1, GaveUp::Budget));
/// # Ok::<_, fascine_resilience::SettingError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct RetryBudget {
    shared: Arc<Mutex<Ledger>>,
}

impl RetryBudget {
    /// Makes a budget of `ratio` retries for each call, and `floor` retries a second whatever the calls.
    ///
    /// # Errors
    ///
    /// [`SettingError`] when `ratio` is negative, above 1000, or not a number.
    pub fn new(ratio: f64, floor: u32) -> Result<Self, SettingError> {
        if !(0.0..=1000.0).contains(&ratio) {
            return Err(SettingError::new("ratio", "must be between 0 and 1000"));
        }
        Ok(Self {
            shared: Arc::new(Mutex::new(Ledger {
                // A float of this range fits.
                deposit: (ratio * TOKEN as f64) as u64,
                saved: 0,
                floor: u64::from(floor),
                floor_left: u64::from(floor) * TOKEN,
                refilled: None,
            })),
        })
    }

    /// Adds what a call is worth that is not a retry. A [`Retry`](crate::Retry) does this itself.
    pub fn deposit(&self) {
        lock(&self.shared).deposit();
    }

    /// Takes one retry, if there is one. A [`Retry`](crate::Retry) does this itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_resilience::RetryBudget;
    /// use std::time::Instant;
    ///
    /// let budget = RetryBudget::new(0.5, 0)?;
    /// let now = Instant::now();
    /// budget.deposit();
    /// assert!(!budget.try_withdraw(now));
    /// budget.deposit();
    /// assert!(budget.try_withdraw(now));
    /// # Ok::<_, fascine_resilience::SettingError>(())
    /// ```
    #[must_use = "a retry that was not granted is not to be made"]
    pub fn try_withdraw(&self, now: Instant) -> bool {
        lock(&self.shared).withdraw(now)
    }
}

/// Amounts are in billionths of a retry, so that a floor of one a second is one for each nanosecond.
#[derive(Debug)]
struct Ledger {
    deposit: u64,
    saved: u64,
    floor: u64,
    floor_left: u64,
    refilled: Option<Instant>,
}

impl Ledger {
    fn deposit(&mut self) {
        self.saved = (self.saved + self.deposit).min(MAX_SAVED.max(self.deposit));
    }

    fn withdraw(&mut self, now: Instant) -> bool {
        let since = *self.refilled.get_or_insert(now);
        // A clock that was read before another thread's gives nothing, and does not go back.
        let passed = now.saturating_duration_since(since).min(SECOND).as_nanos() as u64;
        self.refilled = Some(since.max(now));
        self.floor_left = (self.floor_left + passed * self.floor).min(self.floor * TOKEN);
        let from = if self.floor_left >= TOKEN {
            &mut self.floor_left
        } else {
            &mut self.saved
        };
        match from.checked_sub(TOKEN) {
            Some(left) => {
                *from = left;
                true
            }
            None => false,
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const TOKEN: u64 = 1_000_000_000;
const MAX_SAVED: u64 = 100 * TOKEN;
