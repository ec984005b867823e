use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::SettingError;
use crate::sync::{Mutex, lock};

/// How many further calls, retries or hedges, all calls together may make: a share of them, and a few each second.
///
/// When a service is down, everybody retries everything, and it gets several times its load just when it can take
/// least. With a budget, further calls stay a share of the first ones; beyond it, a call fails with its first error,
/// or waits for its first answer. Clones share the budget: give it to every [`Retry`](crate::Retry) and
/// [`Hedge`](crate::Hedge) that leads to the same service. Of two that are nested each pays in for a call.
///
/// What was not used is kept, up to a limit. After Finagle's `RetryBudget`, which its backup requests take from too.
///
/// # Defaults
///
/// - of [`new`](Self::new): nothing in reserve at the start, and up to a hundred kept
/// - of [`default`](Self::default), which a [`Hedge`](crate::Hedge) begins with: 10 % of the calls, none a second, 10
///   in reserve
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
    /// Makes a budget of `ratio` further calls for each call, and `floor` a second whatever the calls.
    ///
    /// # Errors
    ///
    /// [`SettingError`] when `ratio` is negative, above 1000, or not a number.
    pub fn new(ratio: f64, floor: u32) -> Result<Self, SettingError> {
        if !(0.0..=1000.0).contains(&ratio) {
            return Err(SettingError::new("ratio", "must be between 0 and 1000"));
        }
        // A float of this range fits.
        let deposit = (ratio * TOKEN as f64) as u64;
        Ok(Self::of(Ledger {
            deposit,
            saved: 0,
            most_saved: MAX_SAVED.max(deposit),
            floor: u64::from(floor),
            floor_left: u64::from(floor) * TOKEN,
            refilled: None,
        }))
    }

    /// Makes it a budget that holds `reserve` further calls at the start, and keeps so many at most.
    ///
    /// With 0 only the floor can be spent, because nothing is kept. Clones that were made before do not share it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_resilience::RetryBudget;
    /// let budget = RetryBudget::new(0.1, 0)?.with_reserve(5);
    /// assert_eq!(budget.saved(), 5);
    /// # Ok::<_, fascine_resilience::SettingError>(())
    /// ```
    #[must_use]
    pub fn with_reserve(self, reserve: u32) -> Self {
        let reserve = u64::from(reserve) * TOKEN;
        Self::of(Ledger {
            saved: reserve,
            most_saved: reserve,
            ..*lock(&self.shared)
        })
    }

    /// Returns how many whole further calls are saved up; those of the floor come to it.
    #[must_use]
    pub fn saved(&self) -> u64 {
        lock(&self.shared).saved / TOKEN
    }

    /// Adds what a call is worth that is not a further one. A [`Retry`](crate::Retry) and a [`Hedge`](crate::Hedge) do
    /// this themselves.
    pub fn deposit(&self) {
        lock(&self.shared).deposit();
    }

    /// Takes one further call, if there is one. A [`Retry`](crate::Retry) and a [`Hedge`](crate::Hedge) do this
    /// themselves.
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
    #[must_use = "a call that was not granted is not to be made"]
    pub fn try_withdraw(&self, now: Instant) -> bool {
        lock(&self.shared).withdraw(now)
    }

    fn of(ledger: Ledger) -> Self {
        Self {
            shared: Arc::new(Mutex::new(ledger)),
        }
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::of(Ledger {
            deposit: TOKEN / 10,
            saved: 10 * TOKEN,
            most_saved: 10 * TOKEN,
            floor: 0,
            floor_left: 0,
            refilled: None,
        })
    }
}

/// Amounts are in billionths of a call, so that a floor of one a second is one for each nanosecond.
#[derive(Clone, Copy, Debug)]
struct Ledger {
    deposit: u64,
    saved: u64,
    most_saved: u64,
    floor: u64,
    floor_left: u64,
    refilled: Option<Instant>,
}

impl Ledger {
    fn deposit(&mut self) {
        self.saved = (self.saved + self.deposit).min(self.most_saved);
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
