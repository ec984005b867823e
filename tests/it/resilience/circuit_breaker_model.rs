//! A circuit breaker that keeps a list of everything and looks through all of it each time.

use std::mem;
use std::time::Duration;

use fascine::resilience::{
    CircuitBreaker, CircuitMachine, CircuitState, Over, OwnedPermit, Refusal,
};
use fascine_testing::TestRuntime;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Settings {
    trip: Trip,
    recovery: u64,
    growth: u64,
    max_calls: u32,
    threshold: Option<u32>,
    max_wait: Option<u64>,
    lease: u64,
}

#[derive(Clone, Copy, Debug)]
enum Trip {
    Row(u32),
    OfCalls {
        calls: u32,
        minimum: u32,
        percent: u32,
    },
    OfTime {
        slice: u64,
        minimum: u32,
        percent: u32,
    },
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Come,
    Succeed(usize),
    Fail(usize),
    Ignore(usize),
    Drop(usize),
    Forget(usize),
    Sleep(u64),
    Trip,
    Reset,
}

struct Naive {
    settings: Settings,
    now: u64,
    state: CircuitState,
    generation: u32,
    /// When, and whether it failed.
    calls: Vec<(u64, bool)>,
    open_until: u64,
    opened: u32,
    /// Which, and when its lease ends.
    probes: Vec<(u32, u64)>,
    next: u32,
    half_open_until: u64,
    /// Whether each of the probes that ended failed.
    probed: Vec<bool>,
}

/// The generation, and which probe.
type Leave = (u32, Option<u32>);

impl Naive {
    fn change(&mut self, state: CircuitState) {
        self.generation += 1;
        self.state = state;
        self.calls.clear();
        self.probes.clear();
        self.probed.clear();
        self.half_open_until = u64::MAX;
        if state == CircuitState::Closed {
            self.opened = 0;
        }
    }

    fn open(&mut self, at: u64) {
        let grown = self.settings.recovery * self.settings.growth.pow(self.opened.min(20));
        self.change(CircuitState::Open);
        self.opened += 1;
        self.open_until = at + grown.min(5000);
    }

    fn come(&mut self) -> Result<Leave, (Refusal, u64)> {
        let ends = self.probes.iter().map(|(_, end)| *end);
        let first_due = ends.chain([self.half_open_until]).min().unwrap_or(u64::MAX);
        for at in first_due..=self.now {
            if self.state == CircuitState::HalfOpen && at == self.half_open_until {
                self.open(at);
            }
            while self.state == CircuitState::HalfOpen
                && let Some(lost) = self.probes.iter().position(|(_, end)| *end == at)
            {
                self.probes.remove(lost);
                self.probed.push(true);
                self.decide(at);
            }
        }
        if self.state == CircuitState::Open {
            if self.now < self.open_until {
                return Err((Refusal::Open, self.open_until - self.now));
            }
            self.change(CircuitState::HalfOpen);
            self.half_open_until = self
                .settings
                .max_wait
                .map_or(u64::MAX, |wait| self.now + wait);
        }
        if self.state == CircuitState::Closed {
            return Ok((self.generation, None));
        }
        if self.probes.len() + self.probed.len() >= self.settings.max_calls as usize {
            return Err((Refusal::ProbeInFlight, 0));
        }
        self.next += 1;
        self.probes
            .push((self.next, self.now + self.settings.lease));
        Ok((self.generation, Some(self.next)))
    }

    fn tell(&mut self, (generation, probe): Leave, failed: Option<bool>) {
        if generation != self.generation {
            return;
        }
        if probe.is_some() {
            let placed = self.probes.len();
            self.probes.retain(|(id, _)| Some(*id) != probe);
            if let Some(failed) = failed
                && self.probes.len() < placed
            {
                self.probed.push(failed);
                self.decide(self.now);
            }
            return;
        }
        let Some(failed) = failed else { return };
        self.calls.push((self.now, failed));
        if failed && self.is_too_much() {
            self.open(self.now);
        }
    }

    /// Goes where it goes whatever becomes of the probes that have not ended.
    fn decide(&mut self, at: u64) {
        let left = self.settings.max_calls as usize - self.probed.len();
        let closes = |more_fail: usize| {
            let failed = self.probed.iter().filter(|failed| **failed).count() + more_fail;
            let all = self.settings.max_calls as usize;
            match (self.settings.threshold, self.settings.trip) {
                (None, Trip::OfCalls { percent, .. } | Trip::OfTime { percent, .. }) => {
                    failed * 100 < percent as usize * all
                }
                (threshold, _) => all - failed >= threshold.unwrap_or(1) as usize,
            }
        };
        let outcomes: Vec<bool> = (0..=left).map(closes).collect();
        if outcomes.iter().all(|closes| *closes) {
            self.change(CircuitState::Closed);
        } else if !outcomes.contains(&true) {
            self.open(at);
        }
    }

    fn is_too_much(&self) -> bool {
        let (considered, minimum, percent): (Vec<bool>, _, _) = match self.settings.trip {
            Trip::Row(row) => {
                let failures = self.calls.iter().rev().take_while(|(_, failed)| *failed);
                return failures.count() >= row as usize;
            }
            Trip::OfCalls {
                calls,
                minimum,
                percent,
            } => {
                let last = self.calls.iter().rev().take(calls as usize);
                (last.map(|(_, failed)| *failed).collect(), minimum, percent)
            }
            Trip::OfTime {
                slice,
                minimum,
                percent,
            } => {
                let origin = self.calls[0].0;
                let slice_of = |at: u64| (at - origin) / slice;
                let within = self
                    .calls
                    .iter()
                    .filter(|(at, _)| slice_of(self.now) - slice_of(*at) < 16);
                (
                    within.map(|(_, failed)| *failed).collect(),
                    minimum,
                    percent,
                )
            }
        };
        let failed = considered.iter().filter(|failed| **failed).count();
        considered.len() >= minimum as usize && failed * 100 >= percent as usize * considered.len()
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    let percent = prop_oneof![Just(25_u32), Just(50), Just(75), Just(100)];
    let trip = prop_oneof![
        (1_u32..5).prop_map(Trip::Row),
        (1_u32..12, 1_u32..12, percent.clone()).prop_map(|(calls, minimum, percent)| {
            Trip::OfCalls {
                calls,
                minimum: minimum.min(calls),
                percent,
            }
        }),
        (1_u64..40, 1_u32..8, percent).prop_map(|(slice, minimum, percent)| Trip::OfTime {
            slice,
            minimum,
            percent
        }),
    ];
    let threshold = prop::option::of(1_u32..4);
    let max_wait = prop::option::of(1_u64..400);
    let half_open = (1_u32..4, threshold, max_wait);
    (trip, 1_u64..300, 1_u64..4, half_open, 1_u64..500).prop_map(
        |(trip, recovery, growth, (max_calls, threshold, max_wait), lease)| Settings {
            trip,
            recovery,
            growth,
            max_calls,
            threshold: threshold.map(|threshold| threshold.min(max_calls)),
            max_wait,
            lease,
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0_usize..6;
    let step = prop_oneof![
        8 => Just(Step::Come),
        4 => which.clone().prop_map(Step::Succeed),
        4 => which.clone().prop_map(Step::Fail),
        1 => which.clone().prop_map(Step::Ignore),
        1 => which.clone().prop_map(Step::Drop),
        1 => which.prop_map(Step::Forget),
        3 => (0_u64..200).prop_map(Step::Sleep),
        1 => (0_u64..2000).prop_map(Step::Sleep),
    ];
    let seldom = prop_oneof![60 => step, 1 => Just(Step::Trip), 1 => Just(Step::Reset)];
    prop::collection::vec(seldom, 1..250)
}

fn build(rt: &fascine::rt::Rt, settings: Settings) -> CircuitBreaker {
    let ms = Duration::from_millis;
    let mut builder = CircuitBreaker::builder(rt, "test")
        .recovery_time(ms(settings.recovery))
        .recovery_growth(settings.growth as f64, ms(5000))
        .half_open_max_calls(settings.max_calls)
        .probe_lease(ms(settings.lease));
    if let Some(threshold) = settings.threshold {
        builder = builder.success_threshold(threshold);
    }
    if let Some(wait) = settings.max_wait {
        builder = builder.half_open_max_wait(ms(wait));
    }
    let rate = |percent: u32, minimum: u32, over| {
        let builder = builder.clone().failure_rate(f64::from(percent) / 100.0);
        builder.over(over).minimum_calls(minimum).build()
    };
    match settings.trip {
        Trip::Row(row) => builder.consecutive_failures(row).build(),
        Trip::OfCalls {
            calls,
            minimum,
            percent,
        } => rate(percent, minimum, Over::Calls(calls)),
        Trip::OfTime {
            slice,
            minimum,
            percent,
        } => rate(percent, minimum, Over::Time(ms(slice * 16))),
    }
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn it_does_what_a_breaker_that_remembers_everything_does(settings in settings(), steps in steps()) {
        TestRuntime::run(|rt| async move {
            let breaker = build(&rt, settings);
            let mut naive = Naive {
                settings, now: 0, state: CircuitState::Closed, generation: 0, calls: Vec::new(),
                open_until: 0, opened: 0, probes: Vec::new(), next: 0,
                half_open_until: u64::MAX, probed: Vec::new(),
            };
            let mut held: Vec<(OwnedPermit, Leave)> = Vec::new();
            for step in steps {
                let mut take = |nth: usize| (nth < held.len()).then(|| held.swap_remove(nth));
                match step {
                    Step::Come => match (breaker.try_acquire_owned(), naive.come()) {
                        (Ok(permit), Ok(leave)) => {
                            assert_eq!(permit.is_probe(), leave.1.is_some());
                            held.push((permit, leave));
                        }
                        (Err(open), Err((reason, retry_after))) => {
                            assert_eq!((open.reason, open.retry_after), (reason, Some(Duration::from_millis(retry_after))));
                        }
                        (ours, theirs) => panic!("{ours:?} is not {theirs:?}"),
                    },
                    Step::Succeed(nth) => if let Some((permit, leave)) = take(nth) {
                        permit.succeeded();
                        naive.tell(leave, Some(false));
                    },
                    Step::Fail(nth) => if let Some((permit, leave)) = take(nth) {
                        permit.failed();
                        naive.tell(leave, Some(true));
                    },
                    Step::Ignore(nth) => if let Some((permit, leave)) = take(nth) {
                        permit.ignored();
                        naive.tell(leave, None);
                    },
                    Step::Drop(nth) => if let Some((permit, leave)) = take(nth) {
                        drop(permit);
                        naive.tell(leave, None);
                    },
                    Step::Forget(nth) => if let Some((permit, _)) = take(nth) {
                        mem::forget(permit);
                    },
                    Step::Sleep(time) => {
                        rt.sleep(Duration::from_millis(time)).await;
                        naive.now += time;
                    }
                    Step::Trip => { breaker.trip(); naive.open(naive.now); }
                    Step::Reset => { breaker.reset(); naive.change(CircuitState::Closed); }
                }
                assert_eq!(breaker.state(), naive.state, "after {step:?}");
            }
        });
    }
}

#[test]
fn a_machine_that_is_driven_by_hand_does_what_a_breaker_does() {
    for seed in 0..20 {
        TestRuntime::run(|rt| async move {
            let mut random = fastrand::Rng::with_seed(seed);
            macro_rules! set {
                ($builder:expr) => {
                    $builder
                        .consecutive_failures(2)
                        .recovery_time(Duration::from_millis(100))
                        .probe_lease(Duration::from_millis(300))
                        .half_open_max_calls(3)
                        .success_threshold(2)
                };
            }
            let breaker = set!(CircuitBreaker::builder(&rt, "test")).build().unwrap();
            let machine = set!(CircuitMachine::builder("test"));
            let machine = machine.build_at(rt.now()).unwrap();
            let mut held = Vec::new();
            for _ in 0..500 {
                let now = rt.now();
                match random.u32(..8) {
                    0 => rt.sleep(Duration::from_millis(random.u64(..150))).await,
                    1..5 => match (breaker.try_acquire_owned(), machine.try_acquire(now)) {
                        (Ok(permit), Ok(admission)) => {
                            assert_eq!(permit.is_probe(), admission.is_probe());
                            held.push((permit, admission));
                        }
                        (ours, by_hand) => assert_eq!(ours.unwrap_err(), by_hand.unwrap_err()),
                    },
                    _ if held.is_empty() => {}
                    _ => {
                        let (permit, admission) = held.swap_remove(random.usize(..held.len()));
                        match random.u32(..5) {
                            0 => {
                                permit.ignored();
                                machine.ignored(admission, now);
                            }
                            1 => {
                                drop(permit);
                                machine.cancelled(admission, now);
                            }
                            2 => {
                                permit.succeeded();
                                machine.succeeded(admission, now);
                            }
                            _ => {
                                permit.failed();
                                machine.failed(admission, now);
                            }
                        }
                    }
                }
                assert_eq!(breaker.state(), machine.state());
            }
            assert_eq!(breaker.history(), machine.history());
            assert!(breaker.history().len() > 10);
        });
    }
}
