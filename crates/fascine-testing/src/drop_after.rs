use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use fascine_rt::Rt;

use crate::TestRuntime;
use crate::test_runtime::seeds;

/// Proves that a future may be dropped at each of its await points.
///
/// For k = 1, 2, .. it runs `test` on a new [`TestRuntime`], with each of a few seeds, or with that of `FASCINE_TEST_SEED` alone. The test makes its future and
/// passes it to the [`Cut`], which polls it at most k times and then drops it; afterwards the test checks what must
/// hold whether the future ended or was cut. It stops at the first k that no longer cuts.
///
/// Returns how many polls the longest run took.
///
/// # Panics
///
/// As [`TestRuntime::run`] does, and when the future still does not end after 10,000 polls.
///
/// # Examples
///
/// ```
/// use fascine_testing::drop_after_every_poll;
/// use std::time::Duration;
///
/// drop_after_every_poll(|rt, cut| async move {
///     let timer = rt.sleep(Duration::from_secs(1));
///     cut.apply(timer).await;
///     // Whatever has to hold now, cut or not.
/// });
/// ```
#[track_caller]
pub fn drop_after_every_poll<F>(test: impl FnMut(Rt, Cut) -> F) -> u64
where
    F: Future<Output = ()>,
{
    drop_after_every_poll_with_seeds(SEEDS, test)
}

/// [`drop_after_every_poll`] with seeds 0 to `count`, for tests that are slow: that write files, say.
///
/// # Panics
///
/// As [`drop_after_every_poll`] does.
///
/// # Examples
///
/// ```
/// use fascine_testing::drop_after_every_poll_with_seeds;
///
/// let polls = drop_after_every_poll_with_seeds(2, |rt, cut| async move {
///     let work = rt.unblock(|| std::env::temp_dir().exists());
///     cut.apply(work).await;
/// });
/// assert!(polls > 1);
/// ```
#[track_caller]
pub fn drop_after_every_poll_with_seeds<F>(count: u64, mut test: impl FnMut(Rt, Cut) -> F) -> u64
where
    F: Future<Output = ()>,
{
    let mut longest = 0;
    for seed in seeds(count) {
        for polls in 1.. {
            assert!(
                polls < LIMIT,
                "the future does not end within {LIMIT} polls"
            );
            let was_cut = std::rc::Rc::new(std::cell::Cell::new(false));
            let cut = Cut {
                polls,
                was_cut: std::rc::Rc::clone(&was_cut),
            };
            let runtime = TestRuntime::with_seed(seed);
            runtime.run_and_check(|rt| test(rt, cut));
            if !was_cut.get() {
                longest = longest.max(polls);
                break;
            }
        }
    }
    longest
}

/// Polls a future a limited number of times; made by [`drop_after_every_poll`].
#[derive(Debug)]
pub struct Cut {
    polls: u64,
    was_cut: std::rc::Rc<std::cell::Cell<bool>>,
}

impl Cut {
    /// Polls `future` until it ends or has been polled as often as allowed, then drops it; returns its output if it
    /// ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future.
    pub async fn apply<T>(self, future: impl Future<Output = T>) -> Option<T> {
        let mut left = self.polls;
        let mut future = pin!(future);
        let output = poll_fn(|cx| {
            left -= 1;
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if left == 0 => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        self.was_cut.set(output.is_none());
        output
    }
}

const SEEDS: u64 = 64;
const LIMIT: u64 = 10_000;
