//! The breaker's word and lock under every interleaving (loom) and under many random ones (shuttle).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::{Admitted, Core};
use super::settings::Settings;
use crate::{CircuitState, OnCancel};

#[cfg(loom)]
use loom::thread;
#[cfg(all(shuttle, not(loom)))]
use shuttle::thread;

fn check(model: impl Fn() + Send + Sync + 'static) {
    #[cfg(loom)]
    loom::model(model);
    #[cfg(all(shuttle, not(loom)))]
    {
        let model = Arc::new(model);
        let again = Arc::clone(&model);
        shuttle::check_random(move || model(), 5000);
        shuttle::check_pct(move || again(), 2000, 3);
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// A breaker of one second, and when it began.
struct Model {
    core: Core,
    start: Instant,
}

impl Model {
    #[expect(
        clippy::disallowed_methods,
        reason = "std offers no other origin for an Instant"
    )]
    fn new(consecutive_failures: u32) -> Arc<Self> {
        let settings = Settings {
            consecutive_failures,
            recovery_time: SECOND,
            probe_lease: Some(10 * SECOND),
            ..Settings::DEFAULT
        };
        assert_eq!(settings.on_cancel, OnCancel::Ignore);
        let start = Instant::now();
        let core = Core::new(settings, start);
        Arc::new(Self { core, start })
    }

    fn admit(&self, seconds: u32) -> Option<Admitted> {
        let closed = self.core.admit_closed();
        closed.or_else(|| self.core.admit(self.start + SECOND * seconds).ok())
    }

    fn succeed(&self, admitted: Admitted, seconds: u32) {
        self.core
            .succeeded(&admitted, || self.start + SECOND * seconds);
    }

    fn fail(&self, admitted: Admitted, seconds: u32) {
        self.core.failed(admitted, self.start + SECOND * seconds);
    }

    fn cancel(&self, admitted: Admitted, seconds: u32) {
        self.core
            .cancelled(admitted, || self.start + SECOND * seconds);
    }

    fn state(&self) -> CircuitState {
        self.core.with_machine(|machine| machine.state)
    }

    /// Opens it by a failure at the beginning.
    fn opened() -> Arc<Self> {
        let model = Self::new(1);
        let admitted = model.admit(0).expect("it is closed");
        model.fail(admitted, 0);
        model
    }
}

#[test]
fn of_two_who_come_when_it_may_recover_one_is_the_probe() {
    check(|| {
        let model = Model::opened();
        let other = Arc::clone(&model);
        let thread = thread::spawn(move || other.admit(1).is_some());
        let here = model.admit(1).is_some();
        let there = thread.join().expect("it does not panic");
        assert!(here != there, "one of them, not none and not both");
    });
}

#[test]
fn a_probe_that_is_dropped_while_another_call_comes_leaves_its_place() {
    check(|| {
        let model = Model::opened();
        let probe = model.admit(1).expect("the time has come");
        let other = Arc::clone(&model);
        let thread = thread::spawn(move || {
            if let Some(admitted) = other.admit(1) {
                other.cancel(admitted, 1);
            }
        });
        model.cancel(probe, 1);
        thread.join().expect("it does not panic");
        let probe = model.admit(1).expect("nobody holds the place");
        model.succeed(probe, 1);
        assert_eq!(model.state(), CircuitState::Closed);
    });
}

#[test]
fn a_success_from_before_it_opened_breaks_no_row_of_failures() {
    check(|| {
        let model = Model::new(2);
        let stale = model.admit(0).expect("it is closed");
        let other = Arc::clone(&model);
        let thread = thread::spawn(move || other.succeed(stale, 0));
        model.core.ask(CircuitState::Open, model.start);
        let probe = model.admit(1).expect("the time has come");
        model.succeed(probe, 1);
        let failing = model.admit(1).expect("it is closed");
        model.fail(failing, 1);
        thread.join().expect("it does not panic");
        let failing = model.admit(1).expect("one failure is not two");
        model.fail(failing, 1);
        assert_eq!(model.state(), CircuitState::Open);
    });
}

#[test]
fn failures_of_two_threads_make_a_row_and_open_it_once() {
    check(|| {
        let model = Model::new(2);
        let here = model.admit(0).expect("it is closed");
        let there = model.admit(0).expect("it is closed");
        let other = Arc::clone(&model);
        let thread = thread::spawn(move || other.fail(there, 0));
        model.fail(here, 0);
        thread.join().expect("it does not panic");
        let (state, changes) = model
            .core
            .with_machine(|machine| (machine.state, machine.changes));
        assert_eq!((state, changes), (CircuitState::Open, 1));
        assert!(model.admit(0).is_none());
    });
}

#[test]
fn a_success_beside_a_failure_is_before_it_or_after_it() {
    check(|| {
        let model = Model::new(2);
        let first = model.admit(0).expect("it is closed");
        model.fail(first, 0);
        let (good, bad) = (model.admit(0), model.admit(0));
        let other = Arc::clone(&model);
        let thread = thread::spawn(move || other.succeed(good.expect("it is closed"), 0));
        model.fail(bad.expect("it is closed"), 0);
        thread.join().expect("it does not panic");
        // After it: the circuit was open and the success is stale. Before it: one failure in a row.
        let opened = model.state() == CircuitState::Open;
        if !opened {
            let again = model.admit(0).expect("it is closed");
            model.fail(again, 0);
            // Either the success was counted before the failure that was seen, and this is the second in a row.
            assert_eq!(model.state(), CircuitState::Open);
        }
    });
}

/// More threads than loom can take.
#[cfg(all(shuttle, not(loom)))]
#[test]
fn whatever_becomes_of_probes_there_is_one_at_a_time_and_the_circuit_can_be_closed() {
    use shuttle::rand::Rng;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    check(|| {
        let model = Model::opened();
        let probes = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (model, probes) = (Arc::clone(&model), Arc::clone(&probes));
                thread::spawn(move || {
                    for seconds in 1..4 {
                        let Some(admitted) = model.admit(seconds) else {
                            continue;
                        };
                        let is_probe = admitted.probe().is_some();
                        if is_probe {
                            assert_eq!(probes.fetch_add(1, SeqCst), 0, "two probes at once");
                        }
                        thread::yield_now();
                        if is_probe {
                            probes.fetch_sub(1, SeqCst);
                        }
                        match shuttle::rand::thread_rng().gen_range(0..3) {
                            0 => model.succeed(admitted, seconds),
                            1 => model.fail(admitted, seconds),
                            _ => model.cancel(admitted, seconds),
                        }
                    }
                })
            })
            .collect();
        for one in threads {
            one.join().expect("a panic in a thread ends the model");
        }
        let admitted = model.admit(5).expect("every probe has left");
        model.succeed(admitted, 5);
        assert_eq!(model.state(), CircuitState::Closed);
    });
}
