use std::fmt;
use std::future::Future;
use std::ops::RangeInclusive;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use fascine_rt::{Rt, enter_block_on};

use crate::executor::{Executor, Item, MAIN};
use crate::handle::Handle;

/// A runtime with one thread, a virtual clock and a seeded order.
///
/// - The clock moves only when nothing can run: it then jumps to the next timer.
/// - Which of the runnable tasks is polled next depends on the seed alone, as long as every wake comes from this
///   thread. The same seed gives the same run.
/// - When nothing can run and no timer is armed, [`block_on`](Self::block_on) panics with the list of stuck tasks.
/// - Blocking work runs on a thread of its own while this one waits for it. Work that takes more than a second of real
///   time goes on beside the tasks, and so do wakes from threads of the test's own; before the clock jumps past
///   outstanding work, or a deadlock is called one, the executor waits a second for such a wake.
///
/// Dropping it drops every task that is left: their owners see them cancelled.
pub struct TestRuntime {
    executor: Arc<Executor>,
    rt: Rt,
    seed: u64,
}

impl TestRuntime {
    /// Makes a runtime with the seed of the environment variable `FASCINE_TEST_SEED`, or 0.
    ///
    /// # Panics
    ///
    /// When the variable is set to something that is not a number.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        Self::with_seed(seed_from_environment().unwrap_or(0))
    }

    /// Makes a runtime with this seed.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        let executor = Executor::new(seed);
        let rt = Rt::new(Handle::new(&executor));
        Self { executor, rt, seed }
    }

    /// The runtime, as the value that everything takes.
    #[must_use]
    pub fn rt(&self) -> Rt {
        self.rt.clone()
    }

    /// The seed of this runtime.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The virtual time since the runtime was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.executor.elapsed()
    }

    /// How many spawned tasks have not ended.
    #[must_use]
    pub fn live_tasks(&self) -> usize {
        self.executor.live_tasks()
    }

    /// Runs `future`, and every task, on this thread until `future` ends.
    ///
    /// A failure prints the seed.
    ///
    /// # Panics
    ///
    /// When nothing can run any more, with the list of stuck tasks; and when called from async code.
    #[track_caller]
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _entered = enter_block_on();
        let _print = PrintSeed(self.seed);
        run_main(&self.executor, Location::caller(), future)
    }

    /// Runs a test to its end on a new runtime, and checks that it left no task behind.
    ///
    /// # Panics
    ///
    /// When tasks are still alive at the end, with their list, and as [`block_on`](Self::block_on) does.
    #[track_caller]
    pub fn run<T, F: Future<Output = T>>(test: impl FnOnce(Rt) -> F) -> T {
        Self::new().run_and_check(test)
    }

    /// Runs a test with each of `count` seeds, or, if `FASCINE_TEST_SEED` is set, with that one alone.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run) does.
    #[track_caller]
    pub fn run_seeds<F: Future<Output = ()>>(count: u64, mut test: impl FnMut(Rt) -> F) {
        for seed in seeds(count) {
            Self::with_seed(seed).run_and_check(&mut test);
        }
    }

    #[track_caller]
    pub(crate) fn run_and_check<T, F: Future<Output = T>>(self, test: impl FnOnce(Rt) -> F) -> T {
        let output = self.block_on(test(self.rt()));
        self.settle();
        let _print = PrintSeed(self.seed);
        assert_eq!(
            self.live_tasks(),
            0,
            "tasks are still alive at the end of the test:{}",
            self.executor.stuck()
        );
        output
    }

    /// Lets everything run that can run without the clock moving: tasks that were cancelled get to see it.
    fn settle(&self) {
        let _entered = enter_block_on();
        while let Some(item) = self.executor.next() {
            run_item(&self.executor, item);
        }
    }
}

/// Runs `future`, and every task of the executor, on this thread until `future` ends.
pub(crate) fn run_main<T>(
    executor: &Arc<Executor>,
    at: &'static Location<'static>,
    future: impl Future<Output = T>,
) -> T {
    let _main = LeaveMain(executor);
    let waker = executor.enter_main(at);
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match executor.next() {
            Some(Item::Task(MAIN)) => {
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return output;
                }
            }
            Some(item) => run_item(executor, item),
            None => assert!(
                executor.idle(),
                "deadlock: nothing can run and no timer is armed; waiting are:{}",
                executor.stuck()
            ),
        }
    }
}

fn run_item(executor: &Arc<Executor>, item: Item) {
    match item {
        Item::Task(id) => executor.poll(id),
        Item::Blocking(work) => executor.run_blocking(work),
    }
}

impl Default for TestRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestRuntime {
    fn drop(&mut self) {
        self.executor.close();
    }
}

impl fmt::Debug for TestRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRuntime")
            .field("seed", &self.seed)
            .field("elapsed", &self.elapsed())
            .field("live_tasks", &self.live_tasks())
            .finish()
    }
}

/// So many seeds, or the one that is asked for.
#[track_caller]
pub(crate) fn seeds(count: u64) -> RangeInclusive<u64> {
    match seed_from_environment() {
        Some(seed) => seed..=seed,
        None => 0..=count.saturating_sub(1),
    }
}

#[track_caller]
fn seed_from_environment() -> Option<u64> {
    let text = std::env::var(SEED_VARIABLE).ok()?;
    match text.parse() {
        Ok(seed) => Some(seed),
        Err(_) => panic!("{SEED_VARIABLE} is {text:?}, which is not a number"),
    }
}

const SEED_VARIABLE: &str = "FASCINE_TEST_SEED";

struct LeaveMain<'a>(&'a Executor);

impl Drop for LeaveMain<'_> {
    fn drop(&mut self) {
        self.0.leave_main();
    }
}

/// Says on the way out of a failing test how to run it again in the same order.
struct PrintSeed(u64);

impl Drop for PrintSeed {
    #[expect(
        clippy::print_stderr,
        reason = "the seed is for the person who reads the failure"
    )]
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("replay with {SEED_VARIABLE}={}", self.0);
        }
    }
}
