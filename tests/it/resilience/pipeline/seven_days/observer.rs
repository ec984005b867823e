//! Who sees what passes and what the other side does, and says how a request has to have ended.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::time::Instant;

use super::*;

/// How far times can be relied on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// What is due happens at that time.
    Exact,
    /// It happens then or later.
    Late,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered(u64),
    Cancelled,
    Deadline,
    Failed {
        error: &'static str,
        attempts: usize,
    },
    FellBack,
    Refused {
        attempts: usize,
    },
    TimedOut {
        attempts: usize,
    },
}

impl End {
    pub(super) fn of(ended: Option<Result<u64, PipelineError<&'static str>>>) -> Self {
        match ended {
            None => Self::Cancelled,
            Some(Ok(FELL_BACK)) => Self::FellBack,
            Some(Ok(answer)) => Self::Answered(answer),
            Some(Err(PipelineError::Deadline(_))) => Self::Deadline,
            Some(Err(PipelineError::AllFailed(all))) => {
                assert!(all.others.is_empty(), "a value does not fail");
                Self::of(Some(Err(all.first)))
            }
            Some(Err(PipelineError::GaveUp(gave_up))) => {
                let attempts = gave_up.attempts as usize;
                match gave_up.error {
                    PipelineError::Call(error) => Self::Failed { error, attempts },
                    PipelineError::TimedOut(_) => Self::TimedOut { attempts },
                    error if error.is_refusal() => Self::Refused { attempts },
                    error => panic!("{error:?}"),
                }
            }
            Some(Err(error)) if error.is_refusal() => Self::Refused { attempts: 1 },
            Some(Err(error)) => panic!("{error:?}"),
        }
    }
}

impl End {
    fn kind(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Cancelled => "cancelled",
            Self::Deadline => "deadline",
            Self::Failed { .. } => "failed",
            Self::FellBack => "fell back",
            Self::Refused { .. } => "refused",
            Self::TimedOut { .. } => "timed out",
        }
    }
}

/// Where a request is: what it has passed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Unpolled,
    Attempt,
    Limits,
    Room,
    Call,
    Backoff,
}

pub(super) struct Observer {
    rt: Rt,
    unit: Duration,
    clock: Clock,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: Vec<Request>,
    /// What passed the limits, and when it was given back.
    grants: Vec<(Instant, Option<Instant>)>,
    limits: Vec<(Instant, [u64; 2])>,
    pauses: Vec<(Instant, Instant)>,
    /// When the other side was called.
    arrivals: Vec<Instant>,
    forced: Option<CircuitState>,
    changed_limits: usize,
    dropped_at: HashSet<Place>,
}

struct Request {
    submitted: Instant,
    place: Place,
    attempts: usize,
    /// How the last attempt ended: refused, or with a call.
    was_refused: bool,
    queue_was_full: bool,
    calls: Vec<Call>,
    end: Option<End>,
}

struct Call {
    began: Instant,
    ended: Option<(Instant, Result<u64, &'static str>)>,
    dropped: Option<Instant>,
}

impl Observer {
    pub(super) fn new(rt: &Rt, unit: Duration, clock: Clock) -> Self {
        let seen = Seen {
            limits: vec![(rt.now(), [4, 6000])],
            ..Seen::default()
        };
        Self {
            rt: rt.clone(),
            unit,
            clock,
            seen: Mutex::new(seen),
        }
    }

    fn see<T>(&self, look: impl FnOnce(&mut Seen, Instant) -> T) -> T {
        let now = self.rt.now();
        look(&mut self.seen.lock().unwrap(), now)
    }

    pub(super) fn submit(&self) -> usize {
        self.see(|seen, now| {
            seen.requests.push(Request {
                submitted: now,
                place: Place::Unpolled,
                attempts: 0,
                was_refused: false,
                queue_was_full: false,
                calls: Vec::new(),
                end: None,
            });
            seen.requests.len() - 1
        })
    }

    pub(super) fn changes_limits(&self, requests: u64, tokens: u64, change: impl FnOnce()) {
        self.see(|seen, now| {
            seen.limits.push((now, [requests, tokens]));
            seen.changed_limits += 1;
        });
        change();
    }

    pub(super) fn pauses(&self, until: Instant, pause: impl FnOnce()) {
        self.see(|seen, now| seen.pauses.push((now, until)));
        pause();
    }

    pub(super) fn resumes(&self, resume: impl FnOnce()) {
        self.see(|seen, _| seen.pauses.clear());
        resume();
    }

    pub(super) fn forces(&self, state: CircuitState, force: impl FnOnce()) {
        self.see(|seen, _| seen.forced = Some(state));
        force();
    }

    pub(super) fn place(self: &Arc<Self>, request: usize, place: Place) -> Watch {
        Watch {
            observer: Arc::clone(self),
            request,
            place,
        }
    }

    /// A call of the other side: what it answers is answered once.
    pub(super) async fn call(
        &self,
        request: usize,
        call: impl Future<Output = Result<(), &'static str>>,
    ) -> Result<u64, &'static str> {
        let nth = self.see(|seen, now| {
            seen.arrivals.push(now);
            let request = &mut seen.requests[request];
            assert_eq!(request.end, None, "it calls though it has ended");
            request.place = Place::Call;
            request.calls.push(Call {
                began: now,
                ended: None,
                dropped: None,
            });
            request.calls.len() - 1
        });
        let under_way = UnderWay(self, request, nth);
        let outcome = call.await;
        let outcome = self.see(|seen, now| {
            let answer = seen.arrivals.len() as u64 * 1_000_000 + request as u64;
            let outcome = outcome.map(|()| answer);
            seen.requests[request].calls[nth].ended = Some((now, outcome));
            outcome
        });
        drop(under_way);
        outcome
    }

    /// Compares how a request ended with how it has to.
    pub(super) fn ended(&self, request: usize, end: End) {
        let (unit, clock) = (self.unit, self.clock);
        self.see(|seen, now| {
            let Seen {
                requests,
                dropped_at,
                ..
            } = seen;
            let request = &mut requests[request];
            assert_eq!(request.end, None, "it ends twice");
            if end == End::Cancelled {
                dropped_at.insert(request.place);
            } else {
                assert_eq!(end, request.has_to_end(unit, now));
            }
            let latest = request.submitted + unit * 8;
            assert!(clock == Clock::Late || now <= latest, "{end:?}");
            for call in &request.calls {
                let is_over = call.ended.map(|(at, _)| at).or(call.dropped);
                assert!(is_over.is_some_and(|at| at <= now), "a call goes on");
            }
            request.end = Some(end);
        });
    }

    pub(super) fn calls(&self) -> usize {
        self.see(|seen, _| seen.arrivals.len())
    }

    /// Each request ended, each answer was given to who asked, and retries were a part of the calls.
    pub(super) fn all_ended(&self) {
        self.see(|seen, _| {
            let mut retries = 0;
            for request in &seen.requests {
                let end = request.end.expect("it ended");
                let answers = request.calls.iter().filter_map(Call::answer);
                let given: Vec<_> = answers.collect();
                match end {
                    End::Answered(answer) => assert_eq!(given, [answer]),
                    _ => assert!(given.is_empty(), "an answer was lost: {end:?}"),
                }
                retries += request.attempts.saturating_sub(1);
            }
            assert!(retries as f64 <= BUDGET * seen.requests.len() as f64);
        });
    }

    /// Whether the traffic was such that the test says anything.
    pub(super) fn saw_everything(&self) {
        self.see(|seen, _| {
            let mut ends = BTreeMap::<_, u32>::new();
            for end in seen.requests.iter().filter_map(|request| request.end) {
                *ends.entry(end.kind()).or_default() += 1;
            }
            assert!(ends.len() == 7, "{ends:?}");
            use Place::{Backoff, Call, Limits, Room, Unpolled};
            for place in [Unpolled, Limits, Room, Call, Backoff] {
                assert!(seen.dropped_at.contains(&place), "{place:?}");
            }
            assert!(seen.changed_limits > 50 && seen.requests.len() > 5000);
            let refunded = seen.grants.iter().filter(|(_, back)| back.is_some());
            assert!(refunded.count() > 10);
        });
    }
}

impl Request {
    /// How it has to have ended at this time, from what was seen of it alone; unless it was cancelled.
    fn has_to_end(&self, unit: Duration, now: Instant) -> End {
        let attempts = self.attempts;
        if self.place == Place::Backoff {
            return match self.calls.last() {
                _ if self.was_refused && self.queue_was_full && attempts == 1 => End::FellBack,
                _ if self.was_refused => End::Refused { attempts },
                Some(call) => match call.ended {
                    Some((_, Ok(answer))) => End::Answered(answer),
                    Some((_, Err(error))) => End::Failed { error, attempts },
                    None => {
                        assert!(call.dropped.is_some_and(|at| at >= call.began + unit * 2));
                        End::TimedOut { attempts }
                    }
                },
                None => panic!("an attempt was neither refused nor made"),
            };
        }
        assert!(now >= self.submitted + unit * 8, "{:?}", self.place);
        End::Deadline
    }
}

impl Call {
    fn answer(&self) -> Option<u64> {
        self.ended.and_then(|(_, outcome)| outcome.ok())
    }
}

/// A call that was not dropped half-way ends before this is dropped.
struct UnderWay<'a>(&'a Observer, usize, usize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Self(observer, request, nth) = *self;
        observer.see(|seen, now| {
            let call = &mut seen.requests[request].calls[nth];
            if call.ended.is_none() {
                call.dropped = Some(now);
            }
        });
    }
}

/// A policy that lets everything through and writes it down.
#[derive(Clone)]
pub(super) struct Watch {
    observer: Arc<Observer>,
    request: usize,
    place: Place,
}

impl<T: Send, E: Send> Policy<T, E> for Watch {
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let grant = self.enters();
        let outcome = next.call().await;
        self.leaves(grant, &outcome);
        outcome
    }
}

impl Watch {
    fn enters(&self) -> usize {
        let is_exact = self.observer.clock == Clock::Exact;
        let unit = self.observer.unit;
        self.observer.see(|seen, now| {
            let request = &mut seen.requests[self.request];
            request.place = self.place;
            match self.place {
                Place::Attempt => request.attempts += 1,
                Place::Limits => assert!(
                    !is_exact || seen.forced != Some(CircuitState::ForcedOpen),
                    "it was opened by hand"
                ),
                _ => {
                    seen.grants.push((now, None));
                    if is_exact {
                        seen.check_limits(now, unit);
                    }
                }
            }
            seen.grants.len() - 1_usize.min(seen.grants.len())
        })
    }

    fn leaves<T, E>(&self, grant: usize, outcome: &Result<T, PipelineError<E>>) {
        let was_refused = outcome.as_ref().is_err_and(PipelineError::is_refusal);
        self.observer.see(|seen, now| match self.place {
            Place::Attempt => {
                let request = &mut seen.requests[self.request];
                request.place = Place::Backoff;
                request.was_refused = was_refused;
                request.queue_was_full = matches!(
                    outcome,
                    Err(PipelineError::Limited(LimitError::QueueFull { .. }))
                );
            }
            Place::Room if was_refused => seen.grants[grant].1 = Some(now),
            _ => {}
        });
    }
}

impl Seen {
    /// No window holds more than it may, by the limits that are in force now.
    fn check_limits(&self, now: Instant, unit: Duration) {
        // One that was changed at this very moment may have been passed before or after.
        let last = self.limits.iter().rposition(|(at, _)| *at < now);
        let in_force = &self.limits[last.unwrap_or(0)..];
        let windows = [(unit * 3, 1), (unit * 5, 1000)];
        for (quota, (per, cost)) in windows.into_iter().enumerate() {
            let counts =
                |(at, back): &&(Instant, Option<Instant>)| now - *at < per && back.is_none();
            let recent = self.grants.iter().rev().take(100);
            let used = recent.filter(counts).count() as u64 * cost;
            let most = in_force.iter().map(|(_, limits)| limits[quota]).max();
            assert!(Some(used) <= most, "{used} of {most:?}");
        }
        let is_paused = |(from, until): &(Instant, Instant)| *from < now && now < *until;
        assert!(!self.pauses.iter().any(is_paused), "it is paused");
        // A call may wait for room for two units after the limits let it pass: so many come within one.
        let recent = self.arrivals.iter().rev().take(100);
        let arrived = recent.filter(|at| now - **at < unit).count() as u64;
        let since = self.limits.iter().rposition(|(at, _)| now - *at > unit * 4);
        let lately = self.limits[since.unwrap_or(0)..].iter();
        assert!(Some(arrived) <= lately.map(|(_, limits)| limits[0]).max());
    }
}
