//! Timers of async-io's reactor that are set once and used many times.
//!
//! Arming a timer tells the reactor's thread, which is a system call or two; most timers guard something that ends long
//! before they ring. So a timer that was not needed stays armed and is kept for the next one that ends later: it may
//! ring too early, once, and is armed again then.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use async_io::Timer;

/// A future that ends at `deadline`.
pub(crate) fn until(deadline: Instant) -> impl Future<Output = ()> + Send {
    Until {
        deadline,
        alarm: None,
    }
}

struct Until {
    deadline: Instant,
    /// Set at the first poll that has to wait, and given back when it was not needed.
    alarm: Option<Alarm>,
}

/// A timer that is armed, and rings a bell.
struct Alarm {
    timer: Timer,
    rings: Instant,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What stays the same while those who wait for it change.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Future for Until {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let alarm = match &mut self.alarm {
            // It rings in time: until then there is no use in looking at the clock.
            Some(alarm) => alarm,
            None if now() >= deadline => return Poll::Ready(()),
            none => none.insert(spare(deadline).unwrap_or_else(|| Alarm::new(deadline))),
        };
        alarm.bell.wake_next(cx.waker());
        while alarm.bell.rung.swap(false, Ordering::AcqRel) {
            let mut context = Context::from_waker(&alarm.waker);
            if Pin::new(&mut alarm.timer).poll(&mut context).is_ready() {
                if now() >= deadline {
                    self.alarm = None;
                    return Poll::Ready(());
                }
                alarm.set(deadline);
            }
        }
        Poll::Pending
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            alarm.keep();
        }
    }
}

impl Alarm {
    fn new(deadline: Instant) -> Self {
        let bell = Arc::new(Bell::default());
        let mut alarm = Self {
            timer: Timer::never(),
            rings: deadline,
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        };
        alarm.set(deadline);
        alarm
    }

    /// Sets it; the next poll arms it.
    fn set(&mut self, deadline: Instant) {
        self.timer.set_at(deadline);
        self.rings = deadline;
        self.bell.rung.store(true, Ordering::Release);
    }

    /// Leaves it, armed, to whoever needs one next on this thread.
    fn keep(self) {
        self.bell.forget();
        // Not while the thread ends: then it is dropped.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < MAX_SPARE {
                spare.push(self);
            }
        });
    }
}

/// An alarm that rings no later than `deadline`.
fn spare(deadline: Instant) -> Option<Alarm> {
    SPARE
        .try_with(|spare| {
            let mut spare = spare.borrow_mut();
            let newest = spare.len().saturating_sub(LOOKED_AT);
            let found = spare[newest..]
                .iter()
                .rposition(|alarm| alarm.rings <= deadline)?;
            Some(spare.swap_remove(newest + found))
        })
        .ok()?
}

impl Bell {
    fn wake_next(&self, waker: &Waker) {
        let mut waiting = self.lock();
        let before = match &*waiting {
            Some(known) if known.will_wake(waker) => return,
            _ => waiting.replace(waker.clone()),
        };
        drop(waiting);
        drop(before);
    }

    fn forget(&self) {
        let before = self.lock().take();
        drop(before);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        let waiting = self.lock().take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock of the reactor")]
fn now() -> Instant {
    Instant::now()
}

thread_local! {
    static SPARE: RefCell<Vec<Alarm>> = const { RefCell::new(Vec::new()) };
}

/// How many alarms a thread keeps.
const MAX_SPARE: usize = 512;
/// How many of them are looked at: those that came last fit nearly always.
const LOOKED_AT: usize = 8;

#[cfg(test)]
mod tests {
    use std::task::ready;
    use std::time::Duration;

    use super::*;

    const AN_HOUR: Duration = Duration::from_secs(3600);

    fn poll_once(until: &mut (impl Future<Output = ()> + Unpin)) -> Poll<()> {
        Pin::new(until).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn spares() -> usize {
        SPARE.with_borrow(Vec::len)
    }

    fn waiting(deadline: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut until = Box::pin(until(deadline));
        assert!(poll_once(&mut until).is_pending());
        until
    }

    #[test]
    fn a_timer_that_was_not_needed_serves_the_next() {
        drop(waiting(now() + AN_HOUR));
        assert_eq!(spares(), 1);
        let later = waiting(now() + 2 * AN_HOUR);
        assert_eq!(spares(), 0, "it rings early enough");
        let sooner = waiting(now() + Duration::from_secs(60));
        drop((later, sooner));
        assert_eq!(spares(), 2);
        let between = waiting(now() + Duration::from_secs(120));
        assert_eq!(spares(), 1);
        drop(between);
        let sooner_still = waiting(now() + Duration::from_secs(1));
        assert_eq!(spares(), 2, "the others ring too late");
        drop(sooner_still);
    }

    #[test]
    fn one_that_rings_too_early_is_set_again() {
        let start = now();
        drop(waiting(start + Duration::from_millis(2)));
        let mut later = waiting(start + Duration::from_millis(20));
        assert_eq!(spares(), 0, "it took the one that rings early");
        let mut polls = 0;
        async_io::block_on(std::future::poll_fn(|cx| {
            polls += 1;
            ready!(later.as_mut().poll(cx));
            Poll::Ready(())
        }));
        assert!(now() >= start + Duration::from_millis(20));
        assert!((2..=4).contains(&polls), "{polls}");
    }

    #[test]
    fn whoever_polls_last_is_woken() {
        let (first, last) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let mut until = Box::pin(until(now() + Duration::from_millis(5)));
        for bell in [&first, &last] {
            let waker = Waker::from(Arc::clone(bell));
            let mut context = Context::from_waker(&waker);
            assert!(until.as_mut().poll(&mut context).is_pending());
        }
        async_io::block_on(super::until(now() + Duration::from_millis(10)));
        assert!(last.rung.load(Ordering::Acquire));
        assert!(!first.rung.load(Ordering::Acquire));
        assert!(poll_once(&mut until).is_ready());
    }

    #[test]
    fn what_has_passed_is_over_at_the_first_poll() {
        let before = spares();
        assert!(poll_once(&mut Box::pin(until(now()))).is_ready());
        assert_eq!(spares(), before, "no timer was made");
    }

    #[test]
    fn a_thread_keeps_only_so_many() {
        let many: Vec<_> = (0..MAX_SPARE + 10)
            .map(|_| waiting(now() + AN_HOUR))
            .collect();
        drop(many);
        assert_eq!(spares(), MAX_SPARE);
    }
}
