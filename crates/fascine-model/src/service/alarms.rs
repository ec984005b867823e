use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use fascine_rt::{Rt, Sleep};

/// Timers that are used again and again.
///
/// Most requests are answered long before their time is over, so most timers are armed in vain; with some runtimes that
/// wakes a thread each time, which costs more than all else that a service does. A timer that did not fire waits here
/// for the next request: it fires earlier than that one needs, which only makes it look at the clock.
pub(crate) struct Alarms {
    pub(crate) rt: Rt,
    spare: Mutex<Vec<Alarm>>,
}

/// A timer that tells whoever has it.
pub(crate) struct Alarm {
    pub(crate) fires: Instant,
    timer: Sleep,
    bell: Arc<Bell>,
    /// The bell's own waker: to the runtime it is always the same one that waits.
    rings: Waker,
    /// Who is told so far.
    told: Option<Waker>,
}

#[derive(Default)]
struct Bell {
    told: Mutex<Option<Waker>>,
    /// It rang, and nobody is told any more.
    rang: AtomicBool,
}

impl Alarms {
    pub(crate) fn new(rt: &Rt) -> Arc<Self> {
        Arc::new(Self {
            rt: rt.clone(),
            spare: Mutex::default(),
        })
    }

    /// An alarm that fires at `at` or earlier.
    pub(crate) fn by(&self, at: Instant) -> Alarm {
        let spare = self.take();
        match spare {
            Some(alarm) if alarm.fires <= at => alarm,
            _ => Alarm::new(&self.rt, at),
        }
    }

    fn take(&self) -> Option<Alarm> {
        self.lock().pop()
    }

    /// Keeps an alarm that has not fired.
    pub(crate) fn put_back(&self, mut alarm: Alarm) {
        alarm.told = None;
        drop(alarm.bell.set(None));
        let mut spare = self.lock();
        if spare.len() < KEPT {
            spare.push(alarm);
        } else {
            drop(spare);
            drop(alarm);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Alarm>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alarm {
    fn new(rt: &Rt, at: Instant) -> Self {
        let bell = Arc::new(Bell::default());
        Self {
            fires: at,
            timer: rt.sleep_until(at),
            rings: Waker::from(Arc::clone(&bell)),
            bell,
            told: None,
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker();
        let known = self.told.as_ref().is_some_and(|told| told.will_wake(waker));
        if self.bell.rang.swap(false, Ordering::AcqRel) || !known {
            self.told = Some(waker.clone());
            drop(self.bell.set(Some(waker.clone())));
        }
        Pin::new(&mut self.timer).poll(&mut Context::from_waker(&self.rings))
    }
}

impl Bell {
    fn set(&self, waker: Option<Waker>) -> Option<Waker> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *told, waker)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        if let Some(waker) = self.set(None) {
            waker.wake();
        }
    }
}

const KEPT: usize = 256;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use fascine_testing::TestRuntime;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_alarm_that_did_not_fire_tells_the_next_who_has_it() {
        TestRuntime::run(|rt| async move {
            let alarms = Alarms::new(&rt);
            let started = rt.now();
            let mut alarm = alarms.by(started + MINUTE);
            let pending = poll_fn(|cx| Poll::Ready(alarm.poll(cx).is_pending()));
            assert!(pending.await);
            alarms.put_back(alarm);
            let next = rt.spawn({
                let (alarms, rt) = (Arc::clone(&alarms), rt.clone());
                async move {
                    let mut alarm = alarms.by(started + 2 * MINUTE);
                    assert_eq!(alarm.fires, started + MINUTE, "it is the same");
                    poll_fn(|cx| alarm.poll(cx)).await;
                    rt.now()
                }
            });
            assert_eq!(next.await.unwrap(), started + MINUTE);
        });
    }

    #[test]
    fn an_alarm_that_fires_too_late_is_not_given_out() {
        TestRuntime::run(|rt| async move {
            let alarms = Alarms::new(&rt);
            let started = rt.now();
            alarms.put_back(alarms.by(started + 2 * MINUTE));
            assert_eq!(alarms.by(started + MINUTE).fires, started + MINUTE);
        });
    }
}
