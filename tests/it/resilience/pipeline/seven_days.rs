//! Seven days of random traffic, and an observer of its own who knows how each request has to end.

use fascine::concurrency::TaskGroup;
use fascine::resilience::{ChangeCause, StateChange};
use fastrand::Rng;
use futures_lite::future::or;

use self::observer::{Clock, End, Observer, Place};
use super::*;

mod observer;

#[test]
fn every_request_of_seven_days_ends_once_and_as_the_other_side_saw_it() {
    for traffic in [7, 8] {
        TestRuntime::run_seeds(2, |rt| async move {
            let week = Duration::from_secs(7 * 24 * 60 * 60);
            let world = World::new(&rt, week / 20_000, Clock::Exact);
            world.traffic(week, traffic).await;
            world.observer.saw_everything();
        });
    }
}

on_every_runtime! {
    every_request_of_a_short_time_ends_once_and_as_the_other_side_saw_it,
}

async fn every_request_of_a_short_time_ends_once_and_as_the_other_side_saw_it(
    rt: Rt,
    _: Arc<dyn Net>,
) {
    World::new(&rt, ms(2), Clock::Late)
        .traffic(ms(300), 7)
        .await;
}

/// All policies, and who watches them. Clones are the same.
#[derive(Clone)]
struct World {
    rt: Rt,
    unit: Duration,
    breaker: CircuitBreaker,
    limiter: RateLimiter,
    bulkhead: Bulkhead,
    retry: Retry,
    observer: Arc<Observer>,
}

/// What a retry may be paid with: a part of the calls, and nothing else.
const BUDGET: f64 = 0.25;
const COST: [(&str, u64); 2] = [("requests", 1), ("tokens", 1000)];
const FELL_BACK: u64 = u64::MAX;

impl World {
    fn new(rt: &Rt, unit: Duration, clock: Clock) -> Self {
        let breaker = CircuitBreaker::builder(rt, "other side").recovery_time(unit * 4);
        let quotas = [requests(4, unit), tokens(6000, unit)];
        let limiter = RateLimiter::builder(rt).with_quotas(quotas);
        Self {
            rt: rt.clone(),
            unit,
            // Longer than any request takes: no probe is ever lost.
            breaker: breaker.probe_lease(unit * 8 + ms(10_000)).build().unwrap(),
            limiter: limiter.with_queue_capacity(8).build().unwrap(),
            bulkhead: Bulkhead::new(rt, n(2))
                .with_queue(2)
                .with_max_wait(unit * 2),
            retry: Retry::new(rt)
                .with_backoff(Backoff::exponential(unit / 2).with_max(unit * 2))
                .with_budget(RetryBudget::new(BUDGET, 0).unwrap()),
            observer: Arc::new(Observer::new(rt, unit, clock)),
        }
    }

    /// A burst now and then, somebody who turns a knob now and then; at last, all is as it was in the beginning.
    async fn traffic(&self, span: Duration, seed: u64) {
        let Self { rt, unit, .. } = self;
        let held = Arc::new(());
        let mut random = Rng::with_seed(seed);
        let group = TaskGroup::new(rt);
        let end = rt.now() + span;
        while rt.now() < end {
            if random.u32(..5) == 0 {
                rt.sleep(*unit * random.u32(..20)).await;
            }
            if random.u32(..20) == 0 {
                self.turn_a_knob(&mut random);
            }
            let (world, held, seed) = (self.clone(), Arc::clone(&held), random.u64(..));
            let request = self.observer.submit();
            group.spawn(async move {
                world.request(request, Rng::with_seed(seed), held).await;
                Ok::<_, ()>(())
            });
        }
        group.join().await.unwrap();
        self.nothing_is_left(&held).await;
    }

    fn turn_a_knob(&self, random: &mut Rng) {
        let (rt, unit) = (&self.rt, self.unit);
        let is_lost = |change: &StateChange| change.cause == ChangeCause::ProbeLost;
        assert!(!self.breaker.history().iter().any(is_lost));
        match random.u32(..12) {
            0..3 => {
                let (limit, cost) = (random.u64(1..8), random.u64(900..9000));
                self.observer.changes_limits(limit, cost, || {
                    self.limiter.change_quota(requests(limit, unit)).unwrap();
                    self.limiter.change_quota(tokens(cost, unit)).unwrap();
                });
            }
            3 => {
                let until = rt.now() + unit * random.u32(..10);
                self.observer
                    .pauses(until, || self.limiter.pause_until(until));
            }
            4 => self.observer.resumes(|| self.limiter.resume()),
            5 => self
                .observer
                .forces(CircuitState::ForcedOpen, || self.breaker.force_open()),
            6 => self
                .observer
                .forces(CircuitState::ForcedClosed, || self.breaker.force_closed()),
            7 => self
                .observer
                .forces(CircuitState::Disabled, || self.breaker.disable()),
            8..11 => self
                .observer
                .forces(CircuitState::Open, || self.breaker.trip()),
            _ => self
                .observer
                .forces(CircuitState::Closed, || self.breaker.reset()),
        }
    }

    async fn request(&self, request: usize, mut random: Rng, held: Arc<()>) {
        let (observer, unit) = (&self.observer, self.unit);
        let place = |place| observer.place(request, place);
        let pipeline = Pipeline::new()
            .deadline(&self.rt, unit * 8)
            .fallback(
                Fallback::new()
                    .when(|error: &PipelineError<&str>| {
                        matches!(error, PipelineError::Limited(LimitError::QueueFull { .. }))
                    })
                    .or_value(FELL_BACK),
            )
            .retry(self.retry.clone(), |error: &&str| match *error {
                "bad request" => Verdict::Stop,
                _ => Verdict::Retry,
            })
            .with(place(Place::Attempt))
            .breaker(self.breaker.clone(), |error: &&str| *error == "busy")
            .with(place(Place::Limits))
            .limiter(self.limiter.clone(), COST)
            .with(place(Place::Room))
            .bulkhead(self.bulkhead.clone())
            .timeout(&self.rt, unit * 2);
        let dropped_after = (random.u32(..6) == 0).then(|| unit * random.u32(..5) / 2);
        let is_never_polled = random.u32(..100) == 0;
        let random = Mutex::new(random);
        let call = || {
            let (latency, fate) = {
                let mut random = random.lock().unwrap();
                (unit * random.u32(..6) / 2, random.u32(..20))
            };
            let held = Arc::clone(&held);
            observer.call(request, async move {
                match fate {
                    // It hangs.
                    0 => pending().await,
                    _ => self.rt.sleep(latency).await,
                }
                drop(held);
                match fate {
                    1 => Err("bad request"),
                    2..6 => Err("busy"),
                    _ => Ok(()),
                }
            })
        };
        let run = pipeline.run(call);
        let gave_up = async {
            match dropped_after {
                Some(after) => self.rt.sleep(after).await,
                None => pending().await,
            }
        };
        let ended = match is_never_polled {
            true => {
                drop(run);
                None
            }
            false => {
                or(async { Some(run.await) }, async {
                    gave_up.await;
                    None
                })
                .await
            }
        };
        observer.ended(request, End::of(ended));
    }

    async fn nothing_is_left(&self, held: &Arc<()>) {
        let Self { rt, unit, .. } = self;
        let (breaker, limiter, bulkhead) = (&self.breaker, &self.limiter, &self.bulkhead);
        assert_eq!(Arc::strong_count(held), 1);
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
        assert_eq!(limiter.waiting(), 0);
        self.observer.all_ended();
        // Whoever was dropped calls nobody any more.
        let calls = self.observer.calls();
        limiter.resume();
        rt.sleep(*unit * 20).await;
        assert_eq!(self.observer.calls(), calls);
        // Nothing is reserved by anybody: all of it is free again.
        for quota in limiter.quotas() {
            assert_eq!(limiter.available(quota.name()), Some(quota.limit()));
        }
        let room: Vec<_> = (0..2).map(|_| bulkhead.try_acquire().unwrap()).collect();
        drop(room);
        // No probe keeps a place.
        breaker.trip();
        rt.sleep(*unit * 4).await;
        breaker.try_acquire().unwrap().succeeded();
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
}

fn requests(limit: u64, unit: Duration) -> Quota {
    Quota::new("requests", limit, unit * 3).unwrap()
}

fn tokens(limit: u64, unit: Duration) -> Quota {
    Quota::new("tokens", limit, unit * 5).unwrap()
}
