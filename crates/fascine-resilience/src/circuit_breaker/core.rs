use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use super::machine::{Ended, Machine};
use super::settings::{OnCancel, Settings};
use super::window::{Call, Window};
use super::word::Word;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::sync::{Mutex, lock};
use crate::{CircuitState, Refusal};

/// The machine behind a lock, and a word in front of it.
///
/// While it is closed, a call that succeeds looks at the word and counts itself there; only a failure, a slow call and
/// every other state take the lock. The word changes its generation under the lock alone.
#[derive(Debug)]
pub(super) struct Core {
    word: AtomicU64,
    /// How far successes are counted in the word.
    counted: u64,
    made: Instant,
    times_calls: bool,
    slow_from: Duration,
    settings: Settings,
    machine: Mutex<Machine>,
    pub(super) counters: Counters,
}

/// On cache lines of their own: every call writes to them.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Counters {
    pub(super) successes: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) ignored: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) slow: AtomicU64,
}

/// What a permit knows, in whole words: what has padding is copied in and out of futures byte by byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    /// Of which generation it is; the last bit says that it is counted.
    ticket: u64,
    /// Which probe it is; nothing if it is none.
    probe: u64,
    /// When it began, in nanoseconds since the breaker was made, and one more; nothing if it is not timed.
    began: u64,
}

impl Admitted {
    #[inline]
    fn new(generation: u64, is_counted: bool) -> Self {
        Self {
            ticket: (generation << 1) | u64::from(is_counted),
            probe: 0,
            began: 0,
        }
    }

    #[inline]
    fn generation(&self) -> u64 {
        self.ticket >> 1
    }

    #[inline]
    fn is_counted(&self) -> bool {
        self.ticket & 1 == 1
    }

    pub(super) fn probe(&self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.probe)
    }
}

impl Core {
    pub(super) fn new(settings: Settings, now: Instant) -> Self {
        Self {
            made: now,
            word: AtomicU64::new(Word::new(CircuitState::Closed, 0).0),
            counted: Window::counted_successes(&settings),
            times_calls: settings.times_calls(),
            slow_from: settings.slow.map_or(Duration::MAX, |slow| slow.from),
            settings,
            machine: Mutex::new(Machine::new(&settings)),
            counters: Counters::default(),
        }
    }

    /// The quick way through a closed breaker, in plain words: a `Result` of this would be copied byte by byte.
    #[inline]
    pub(super) fn admit_closed(&self) -> Option<Admitted> {
        let word = Word(self.word.load(Acquire));
        (word.is(CircuitState::Closed) && !self.times_calls)
            .then(|| Admitted::new(word.generation(), true))
    }

    /// The way through a breaker in any state.
    pub(super) fn admit(&self, now: Instant) -> Result<Admitted, (Refusal, Option<Duration>)> {
        let word = Word(self.word.load(Acquire));
        let is_disabled = word.is(CircuitState::Disabled);
        let began = match self.times_calls {
            true => self.nanoseconds(now).saturating_add(1),
            false => 0,
        };
        if is_disabled || word.is(CircuitState::Closed) || word.is(CircuitState::ForcedClosed) {
            let admitted = Admitted::new(word.generation(), !is_disabled);
            return Ok(Admitted { began, ..admitted });
        }
        let settings = &self.settings;
        let admitted = self.with_machine(|machine| {
            let probe = machine.admit(now, settings)?.map_or(0, NonZeroU64::get);
            let is_counted = machine.state != CircuitState::Disabled;
            Ok(Admitted {
                probe,
                began,
                ..Admitted::new(machine.generation, is_counted)
            })
        });
        if admitted.is_err() {
            self.counters.rejected.fetch_add(1, Relaxed);
        }
        admitted
    }

    /// Only what is off the quick way copies the permit: where its address is not known it need not be in memory.
    #[inline]
    pub(super) fn succeeded(&self, admitted: &Admitted, clock: impl FnOnce() -> Instant) {
        if admitted.began | admitted.probe != 0 || self.counted == 0 {
            return self.ended(*admitted, false, clock());
        }
        if !admitted.is_counted() {
            return;
        }
        self.counters.successes.fetch_add(1, Relaxed);
        self.count_in_word(admitted.generation());
    }

    /// Counts a success in the word, unless the state is another one by now or it makes no difference any more.
    #[inline]
    fn count_in_word(&self, generation: u64) {
        let mut word = Word(self.word.load(Acquire));
        while word.generation() == generation
            && word.is(CircuitState::Closed)
            && word.successes() < self.counted
        {
            let counted = word.succeeded().0;
            match self
                .word
                .compare_exchange_weak(word.0, counted, AcqRel, Acquire)
            {
                Ok(_) => return,
                Err(other) => word = Word(other),
            }
        }
    }

    pub(super) fn failed(&self, admitted: Admitted, now: Instant) {
        self.ended(admitted, true, now);
    }

    /// A permit was dropped without a word.
    #[cold]
    pub(super) fn cancelled(&self, admitted: Admitted, clock: impl Fn() -> Instant) {
        let is_failure = match self.settings.on_cancel {
            OnCancel::Failure => true,
            OnCancel::FailureIfOlderThan(age) => self.took_as_long_as(&admitted, clock(), age),
            OnCancel::Ignore => false,
        };
        match is_failure {
            true => self.failed(admitted, clock()),
            false => self.ignored(admitted, clock),
        }
    }

    pub(super) fn ignored(&self, admitted: Admitted, clock: impl FnOnce() -> Instant) {
        if !admitted.is_counted() {
            return;
        }
        self.counters.ignored.fetch_add(1, Relaxed);
        if admitted.probe().is_some() {
            self.record(admitted, Ended::Ignored, clock());
        }
    }

    #[cold]
    fn ended(&self, admitted: Admitted, failed: bool, now: Instant) {
        if !admitted.is_counted() {
            return;
        }
        let slow = self.took_as_long_as(&admitted, now, self.slow_from);
        if slow {
            self.counters.slow.fetch_add(1, Relaxed);
        }
        let counter = match failed {
            true => &self.counters.failures,
            false => &self.counters.successes,
        };
        counter.fetch_add(1, Relaxed);
        if !failed && !slow && admitted.probe().is_none() && self.counted > 0 {
            self.count_in_word(admitted.generation());
        } else {
            self.record(admitted, Ended::Call(Call { failed, slow }), now);
        }
    }

    /// Whether it is timed, and took this long.
    fn took_as_long_as(&self, admitted: &Admitted, now: Instant, duration: Duration) -> bool {
        let Some(began) = admitted.began.checked_sub(1) else {
            return false;
        };
        let took = self.nanoseconds(now).saturating_sub(began);
        Duration::from_nanos(took) >= duration
    }

    /// Since it was made; half a millennium at most.
    fn nanoseconds(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.made).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    fn record(&self, admitted: Admitted, ended: Ended, now: Instant) {
        self.with_machine(|machine| {
            // What an earlier state let through says nothing about this one.
            if machine.generation == admitted.generation() {
                let successes = self.take_successes();
                machine.record(admitted.probe(), ended, successes, now, &self.settings);
            }
        });
    }

    /// Takes the successes out of the word; under the lock, so the generation stays.
    fn take_successes(&self) -> u64 {
        let mut word = Word(self.word.load(Acquire));
        loop {
            let without = word.without_successes().0;
            match self
                .word
                .compare_exchange_weak(word.0, without, AcqRel, Acquire)
            {
                Ok(_) => return word.successes(),
                Err(other) => word = Word(other),
            }
        }
    }

    pub(super) fn ask(&self, state: CircuitState, now: Instant) {
        self.with_machine(|machine| machine.ask(state, now, &self.settings));
    }

    /// Does something under the lock; afterwards the word is up to date, and whoever waits for a change is woken.
    pub(super) fn with_machine<T>(&self, work: impl FnOnce(&mut Machine) -> T) -> T {
        let mut machine = lock(&self.machine);
        let before = machine.generation;
        let done = work(&mut machine);
        let changed = if machine.generation == before {
            None
        } else {
            let word = Word::new(machine.state, machine.generation);
            // Not a store: successes are counted there, each on top of what was there before.
            self.word.swap(word.0, AcqRel);
            Some(std::mem::take(&mut machine.changed))
        };
        drop(machine);
        if let Some(changed) = changed {
            changed.set();
        }
        done
    }
}
