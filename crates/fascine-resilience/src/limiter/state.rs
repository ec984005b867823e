use std::task::Waker;
use std::time::Instant;

use fascine_concurrency::Wakers;

use crate::limiter::credit::Packed;
use crate::limiter::few::Few;
use crate::limiter::queue::{Answer, Look, Place, Queue};
use crate::limiter::settings::Settings;
use crate::limiter::store::Store;
use crate::{LimitError, Quota};

/// The synchronous heart: what has been taken, and who waits. It lives inside the limiter's mutex.
///
/// Whoever changes something grants all that fits then, in order, and leaves the wakers of those to be woken once the
/// lock is open. Between changes only time makes something fit: the first of the queue has a timer for that.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) quotas: Vec<Quota>,
    settings: Settings,
    paused_until: Option<Instant>,
    queue: Queue,
    /// What all waiters want together.
    wanted: Vec<u128>,
    /// When the first fits.
    first_at: Option<Instant>,
    /// When somebody fits: earlier than the first if it may be passed.
    next_at: Option<Instant>,
    /// Whose timer it is, and when it fires.
    armed: Option<(Place, Instant)>,
    /// Something is lent that was not taken back.
    lends: bool,
}

/// What a waiter learns.
pub(crate) enum Turn {
    Granted(Few),
    Refused(LimitError),
    /// It is the first: it has to look again at that time.
    First(Instant),
    /// Somebody else has the timer.
    Behind,
    NeedsWaker,
}

impl State {
    pub(crate) fn new(store: Store, quotas: Vec<Quota>, settings: Settings) -> Self {
        Self {
            store,
            wanted: vec![0; quotas.len()],
            quotas,
            settings,
            paused_until: None,
            queue: Queue::new(),
            first_at: None,
            next_at: None,
            armed: None,
            lends: false,
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// When the first of the queue fits.
    pub(crate) fn first_at(&self) -> Option<Instant> {
        self.first_at
    }

    pub(crate) fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    /// Takes all amounts if they fit now and nobody waits.
    #[inline]
    pub(crate) fn try_take(&mut self, now: Instant, amounts: &[u64], tickets: &mut [u64]) -> bool {
        self.queue.is_empty()
            && self.paused_until.is_none_or(|until| until <= now)
            && !self.borrows_against_the_rules(amounts)
            && self.store.try_take(now, amounts, tickets).is_ok()
    }

    /// Lends what may be spent without a look at the clock, if nobody waits and nothing is lent.
    #[inline]
    pub(crate) fn lend(&mut self, now: Instant) -> Option<Packed> {
        match &mut self.store {
            Store::Memory(store) if !self.lends && self.queue.is_empty() => {
                let credit = store.lend(now);
                self.lends = credit.is_some();
                credit
            }
            _ => None,
        }
    }

    /// Takes back what was lent; `now` was read after it could no longer be spent.
    #[inline]
    pub(crate) fn take_back(&mut self, now: Instant, left: Packed) {
        if let Store::Memory(store) = &mut self.store {
            store.take_back(now, left);
        }
        self.lends = false;
        if !self.queue.is_empty() {
            // Somebody came while it was on its way back, and found less than there was.
            self.next_at = Some(now);
        }
    }

    /// The store takes what is larger than the whole quota for a wish to borrow.
    #[inline]
    fn borrows_against_the_rules(&self, amounts: &[u64]) -> bool {
        let mut quotas = self.quotas.iter().zip(amounts);
        quotas.any(|(quota, amount)| *amount > quota.capacity() && !quota.borrows())
    }

    /// Why the amounts cannot be had now.
    #[cold]
    pub(crate) fn why_not(&mut self, now: Instant, amounts: &[u64]) -> LimitError {
        self.too_large(amounts).unwrap_or_else(|| {
            let at = self.foresee(now, amounts, 0);
            LimitError::WouldWait {
                wait: at.saturating_duration_since(now),
            }
        })
    }

    pub(crate) fn too_large(&self, amounts: &[u64]) -> Option<LimitError> {
        let mut quotas = self.quotas.iter().zip(amounts);
        quotas
            .find(|(quota, amount)| **amount > quota.capacity() && !quota.borrows())
            .map(|(quota, amount)| LimitError::TooLarge {
                quota: quota.name().to_owned(),
                amount: *amount,
                limit: quota.capacity(),
            })
    }

    /// When the amounts fit at the earliest behind those that are certainly ahead, if nobody gives anything back.
    pub(crate) fn foresee(&mut self, now: Instant, amounts: &[u64], priority: u8) -> Instant {
        let from = self.paused_until.map_or(now, |until| until.max(now));
        let all_are_ahead = priority == 0 && self.settings.overtaking == 0;
        let mut totals = Few::zeros(amounts.len());
        for ((total, amount), wanted) in totals.iter_mut().zip(amounts).zip(&self.wanted) {
            let ahead = if all_are_ahead { *wanted } else { 0 };
            let all = ahead.saturating_add(u128::from(*amount));
            *total = u64::try_from(all).unwrap_or(u64::MAX);
        }
        self.store.get().foresee(from, &totals)
    }

    /// When whoever has that place is granted what it waits for at the earliest, behind those that are ahead of it now.
    pub(crate) fn foresee_place(&mut self, now: Instant, place: Place) -> Instant {
        if self.queue.amounts(place).is_none() {
            return now;
        }
        let mut totals = Few::zeros(self.quotas.len());
        let mut next = self.queue.first();
        while let Some(ahead) = next {
            let amounts = self.queue.amounts(ahead).into_iter();
            for (total, amount) in totals.iter_mut().zip(amounts.flat_map(|few| few.iter())) {
                *total = total.saturating_add(*amount);
            }
            next = self.queue.behind(ahead).filter(|_| ahead != place);
        }
        let from = self.paused_until.map_or(now, |until| until.max(now));
        self.store.get().foresee(from, &totals)
    }

    /// Takes the amounts, or a place in the queue; or says why not.
    pub(crate) fn enter(
        &mut self,
        now: Instant,
        wish: &Wish<'_>,
        waker: &mut Option<Waker>,
        wakers: &mut Wakers,
    ) -> (Turn, Option<Place>) {
        self.grant_what_is_due(now, wakers, None);
        let mut tickets = Few::zeros(wish.amounts.len());
        if self.try_take(now, wish.amounts, &mut tickets) {
            return (Turn::Granted(tickets), None);
        }
        if let Some(error) = self.too_large(wish.amounts) {
            return (Turn::Refused(error), None);
        }
        if let Some(deadline) = wish.deadline {
            let at = self.foresee(now, wish.amounts, wish.priority);
            if at >= deadline {
                let wait = at.saturating_duration_since(now);
                return (Turn::Refused(LimitError::Deadline { wait }), None);
            }
        }
        let capacity = self.settings.queue_capacity;
        if self.queue.len() >= capacity {
            return (Turn::Refused(LimitError::QueueFull { capacity }), None);
        }
        let Some(waker) = waker.take() else {
            return (Turn::NeedsWaker, None);
        };
        for (wanted, amount) in self.wanted.iter_mut().zip(wish.amounts.iter()) {
            *wanted += u128::from(*amount);
        }
        let bound = self.settings.priority_bound;
        let place = self
            .queue
            .join(wish.amounts.clone(), wish.priority, bound, waker);
        if self.queue.first() == Some(place) || self.settings.overtaking > 0 {
            self.grant(now, wakers, Some(place));
            return (Turn::NeedsWaker, Some(place));
        }
        (Turn::Behind, Some(place))
    }

    /// What has become of a waiter.
    pub(crate) fn look(
        &mut self,
        now: Instant,
        place: Place,
        wish: &Wish<'_>,
        (current, fresh): (&Waker, &mut Option<Waker>),
        wakers: &mut Wakers,
    ) -> Turn {
        self.grant_what_is_due(now, wakers, Some(place));
        match self.queue.look(place, current, fresh) {
            Look::Granted(tickets) => return Turn::Granted(tickets),
            Look::NeedsWaker => return Turn::NeedsWaker,
            Look::TooLarge(quota) => {
                let amount = wish.amounts[quota as usize];
                let quota = &self.quotas[quota as usize];
                return Turn::Refused(LimitError::TooLarge {
                    quota: quota.name().to_owned(),
                    amount,
                    limit: quota.capacity(),
                });
            }
            Look::Waits => {}
        }
        if self.queue.first() != Some(place) {
            return Turn::Behind;
        }
        let (Some(first_at), Some(next_at)) = (self.first_at, self.next_at) else {
            // Cannot be: whoever makes somebody the first finds out when it fits.
            self.grant(now, wakers, Some(place));
            return Turn::NeedsWaker;
        };
        if wish.deadline.is_some_and(|deadline| first_at >= deadline) {
            let wait = first_at.saturating_duration_since(now);
            return Turn::Refused(LimitError::Deadline { wait });
        }
        self.armed = Some((place, next_at));
        Turn::First(next_at)
    }

    /// Gives up a place; what was there is to be dropped once the lock is open.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        place: Place,
        amounts: &[u64],
        wakers: &mut Wakers,
    ) -> Answer {
        let was_first = self.queue.first() == Some(place);
        let left = self.queue.leave(place);
        match &left {
            Answer::Granted(tickets) => self.give_back(now, amounts, tickets, wakers),
            Answer::Waiting(amounts, _) => {
                forget(&mut self.wanted, amounts);
                // It may be the one behind that the timer is for.
                if was_first || self.settings.overtaking > 0 {
                    self.armed = None;
                    self.grant(now, wakers, None);
                }
            }
            Answer::Free | Answer::TooLarge(_) => {}
        }
        left
    }

    pub(crate) fn give_back(
        &mut self,
        now: Instant,
        amounts: &[u64],
        tickets: &[u64],
        wakers: &mut Wakers,
    ) {
        for (quota, (amount, ticket)) in amounts.iter().zip(tickets).enumerate() {
            if *amount > 0 {
                self.store.get().give_back(now, quota, *ticket, *amount);
            }
        }
        self.grant(now, wakers, None);
    }

    pub(crate) fn pause(&mut self, now: Instant, until: Instant) {
        let until = match now.checked_add(self.settings.max_pause) {
            Some(last) => until.min(last),
            None => until,
        };
        self.paused_until = self.paused_until.max(Some(until));
    }

    pub(crate) fn resume(&mut self, now: Instant, wakers: &mut Wakers) {
        self.paused_until = None;
        self.grant(now, wakers, None);
    }

    pub(crate) fn change(&mut self, now: Instant, index: usize, quota: Quota, wakers: &mut Wakers) {
        self.store.get().change(now, index, &quota);
        let capacity = quota.capacity();
        let refuses = !quota.borrows();
        self.quotas[index] = quota;
        let mut next = self.queue.first();
        while let Some(place) = next.filter(|_| refuses) {
            next = self.queue.behind(place);
            let amounts = self.queue.amounts(place);
            if amounts.is_some_and(|amounts| amounts[index] > capacity) {
                if let Some(amounts) = amounts {
                    forget(&mut self.wanted, amounts);
                }
                self.answer(place, Answer::TooLarge(index as u32), wakers);
            }
        }
        self.grant(now, wakers, None);
    }

    /// Whether nothing would be lost with it.
    pub(crate) fn is_idle(&mut self, now: Instant) -> bool {
        self.queue.is_empty()
            && self.paused_until.is_none_or(|until| until <= now)
            && self.store.get().is_idle(now)
    }

    pub(crate) fn grant_what_is_due(
        &mut self,
        now: Instant,
        wakers: &mut Wakers,
        looks: Option<Place>,
    ) {
        if self.next_at.is_some_and(|at| at <= now) {
            self.grant(now, wakers, looks);
        }
    }

    /// Grants all that fit, in order; others than the first only as often as those ahead of them may be passed.
    ///
    /// `looks` is who is looking right now, and need not be woken to set its timer.
    pub(crate) fn grant(&mut self, now: Instant, wakers: &mut Wakers, looks: Option<Place>) {
        self.first_at = None;
        self.next_at = None;
        let mut next = self.queue.first();
        if next.is_none() {
            return;
        }
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            self.first_at = Some(until);
            self.next_at = Some(until);
            next = None;
        }
        let mut skipped = 0;
        let mut may_pass = u32::MAX;
        while let Some(place) = next {
            next = self.queue.behind(place);
            let Some(amounts) = self.queue.amounts(place) else {
                break;
            };
            let mut tickets = Few::zeros(amounts.len());
            match self.store.try_take(now, amounts, &mut tickets) {
                Ok(()) => {
                    forget(&mut self.wanted, amounts);
                    self.answer(place, Answer::Granted(tickets), wakers);
                    if skipped > 0 {
                        self.queue.pass(skipped);
                        may_pass -= 1;
                    }
                }
                Err(at) => {
                    self.first_at.get_or_insert(at);
                    self.next_at = Some(self.next_at.map_or(at, |next| next.min(at)));
                    let passed = self.queue.passed(place);
                    may_pass = may_pass.min(self.settings.overtaking.saturating_sub(passed));
                    skipped += 1;
                }
            }
            if may_pass == 0 || skipped == LOOKED_AT {
                break;
            }
        }
        self.hand_over_the_timer(wakers, looks);
    }

    fn answer(&mut self, place: Place, answer: Answer, wakers: &mut Wakers) {
        let waker = self.queue.answer(place, answer);
        waker.into_iter().for_each(|waker| wakers.push(waker));
        // Its timer is gone, and the place may be somebody else's soon.
        self.armed = self.armed.filter(|(armed, _)| *armed != place);
    }

    /// Wakes the first if it has no timer, or one that fires too late. One that fires too early only looks again.
    fn hand_over_the_timer(&mut self, wakers: &mut Wakers, looks: Option<Place>) {
        let (Some(first), Some(at)) = (self.queue.first(), self.next_at) else {
            return;
        };
        let armed = self
            .armed
            .is_some_and(|(place, fires)| place == first && fires <= at);
        if !armed && looks != Some(first) {
            let waker = self.queue.waker(first);
            waker.into_iter().for_each(|waker| wakers.push(waker));
        }
    }
}

/// What somebody waits for.
pub(crate) struct Wish<'a> {
    pub(crate) amounts: &'a Few,
    pub(crate) priority: u8,
    pub(crate) deadline: Option<Instant>,
}

fn forget(wanted: &mut [u128], amounts: &[u64]) {
    for (wanted, amount) in wanted.iter_mut().zip(amounts) {
        *wanted -= u128::from(*amount);
    }
}

/// How many that do not fit are looked at in search of one that does.
const LOOKED_AT: usize = 64;
