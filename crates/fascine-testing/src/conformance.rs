//! The laws that every runtime under an [`Rt`](fascine_rt::Rt) keeps, as tests.
//!
//! [`conformance!`](crate::conformance!) makes one test of each law for a runtime of your own:
//!
//! ```
//! use fascine_rt::Rt;
//! use fascine_testing::TestRuntime;
//! use fascine_testing::conformance::Host;
//! use std::future::Future;
//!
//! struct Mine(TestRuntime);
//!
//! impl Host for Mine {
//!     fn rt(&self) -> Rt {
//!         self.0.rt()
//!     }
//!     fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
//!         self.0.block_on(future)
//!     }
//! }
//!
//! fascine_testing::conformance!(mine, Mine(TestRuntime::new()));
//! # fn main() {}
//! ```

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "laws are tests: each says in its name what it says, and panics when it is broken"
)]

mod blocking;
mod cancelling;
mod host;
mod panicking;
mod scale;
mod spawning;
mod threads;
mod timers;

pub use blocking::*;
pub use cancelling::*;
pub use host::Host;
pub use panicking::*;
pub use scale::*;
pub use spawning::*;
pub use threads::*;
pub use timers::*;

/// Makes a module with one test for each law: `conformance!(name, make)`, where `make` gives a new
/// [`Host`](crate::conformance::Host) each time it is evaluated.
#[macro_export]
macro_rules! conformance {
    ($(#[$attribute:meta])* $name:ident, $make:expr) => {
        $crate::conformance! { @laws $(#[$attribute])* $name, $make,
            a_task_gives_its_output
            a_task_is_polled_without_being_awaited
            a_task_makes_progress_while_others_wait
            a_detached_task_runs_to_its_end
            a_finished_task_says_so
            a_task_can_spawn_tasks
            a_task_can_await_a_task_of_a_task
            a_task_that_yields_lets_others_run
            an_output_waits_for_its_owner
            the_future_is_gone_when_the_output_is_seen
            a_task_can_be_awaited_by_reference_and_again
            a_finished_task_that_is_polled_again_panics
            wakes_during_a_poll_are_not_lost
            a_task_moves_between_owners
            dropping_a_task_drops_its_future
            dropping_a_task_before_its_first_poll_drops_its_future
            a_cancelled_task_says_so
            cancelling_twice_is_cancelling_once
            cancelling_a_finished_task_changes_nothing
            a_cancelled_future_is_gone_when_its_owner_hears_of_it
            a_task_can_cancel_another
            a_task_that_owns_itself_can_end
            parents_that_are_dropped_drop_their_children
            tasks_of_a_runtime_that_is_shut_down_are_cancelled
            spawning_on_a_runtime_that_is_shut_down_does_not_hang
            a_panic_is_an_error_with_its_message
            a_formatted_panic_keeps_its_message
            a_panic_with_another_payload_is_an_error
            a_panic_can_go_on_in_the_owner
            a_panic_takes_no_worker_down
            a_panic_in_a_detached_task_is_contained
            a_panic_while_a_future_is_dropped_is_contained
            a_sleep_lasts_at_least_its_time
            timers_fire_in_order
            a_sleep_of_zero_ends_at_once
            a_deadline_in_the_past_ends_at_once
            a_sleep_of_forever_does_not_end
            a_deadline_far_away_is_no_panic
            many_equal_deadlines_all_fire
            a_dropped_sleep_fires_no_more
            the_time_of_a_sleep_starts_at_the_call
            the_clock_never_goes_back
            sleeps_run_side_by_side
            a_sleep_can_change_hands
            blocking_work_gives_its_output
            blocking_work_runs_off_the_async_threads
            a_panic_in_blocking_work_is_an_error
            blocking_work_may_block_on_async_code
            blocking_work_that_is_dropped_does_not_disturb
            much_blocking_work_ends
            block_on_in_async_code_is_refused
            block_on_in_a_task_is_refused
            block_on_may_borrow
            block_on_twice_in_a_row_works
            a_wake_from_a_foreign_thread_arrives
            a_runtime_is_used_from_many_threads
            two_runtimes_talk_to_each_other
            a_foreign_executor_may_await_a_task
            a_foreign_executor_may_await_a_timer
            a_hundred_thousand_tasks_end
            a_long_chain_of_tasks_ends
        }
    };
    (@laws $(#[$attribute:meta])* $name:ident, $make:expr, $($law:ident)*) => {
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[test]
                fn $law() {
                    $crate::conformance::$law($make);
                }
            )*
        }
    };
}
