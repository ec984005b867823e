use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};

use crate::ask::Asks;
use crate::reply::{Given, Reply};
use crate::sync::{Mutex, MutexGuard};
use crate::{AnswerError, OpenQuestion};

/// The questions of a run, between the steps that ask and those who answer. It calls nothing foreign, and takes no other
/// lock while it holds its own.
#[derive(Default)]
pub(crate) struct Desk {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How far the question of each step has come, by the name of the step.
    steps: HashMap<String, Entry>,
    /// Those that wait for an answer, in the order they were asked.
    open: BTreeMap<u64, Arc<OpenQuestion>>,
    asked: u64,
    phase: Phase,
    has_ended: bool,
    /// Whoever waits for a question, by number.
    readers: HashMap<u64, Waker>,
    readers_made: u64,
}

enum Entry {
    /// With the answer, until its step takes it.
    Answered(Option<Given>),
    Closed,
    /// The answer came first.
    Kept(Reply),
    Open {
        number: u64,
        asks: Asks,
        /// Whom to wake.
        step: Option<Waker>,
    },
    /// The run was suspended.
    Suspended,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Going,
    Over,
    Suspended,
}

/// What came of asking.
pub(crate) enum Opened {
    /// There was an answer before.
    Kept(Reply),
    Open,
    Suspended,
}

/// What a step that waits hears.
pub(crate) enum Heard {
    Answer(Given),
    Suspended,
}

/// What an answer is for.
pub(crate) enum Wanted {
    /// A question that may be asked yet.
    Later,
    Now(Arc<OpenQuestion>, u64, Asks),
}

impl Desk {
    /// Lets a step ask. Who is to be told is to be woken once nothing is locked.
    pub(crate) fn open(
        &self,
        question: &Arc<OpenQuestion>,
        asks: Asks,
        wake: &mut Vec<Waker>,
    ) -> Opened {
        let mut state = self.lock();
        let before = state.steps.remove(&question.step);
        if let Some(Entry::Kept(reply)) = before {
            let entry = Entry::Answered(None);
            state.steps.insert(question.step.clone(), entry);
            return Opened::Kept(reply);
        }
        let number = state.asked;
        state.asked += 1;
        let is_suspended = state.phase == Phase::Suspended;
        let entry = match is_suspended {
            true => Entry::Suspended,
            false => Entry::Open {
                number,
                asks,
                step: None,
            },
        };
        state.steps.insert(question.step.clone(), entry);
        state.open.insert(number, Arc::clone(question));
        wake.extend(state.readers.drain().map(|(_, reader)| reader));
        drop(state);
        drop(before);
        match is_suspended {
            true => Opened::Suspended,
            false => Opened::Open,
        }
    }

    /// Whether there is an answer for a step.
    pub(crate) fn poll_heard(&self, step: &str, waker: &Waker) -> Poll<Heard> {
        let mut state = self.lock();
        let replaced = match state.steps.get_mut(step) {
            Some(Entry::Answered(given)) => {
                if let Some(given) = given.take() {
                    return Poll::Ready(Heard::Answer(given));
                }
                None
            }
            Some(Entry::Suspended) => return Poll::Ready(Heard::Suspended),
            Some(Entry::Open { step, .. }) => step.replace(waker.clone()),
            _ => None,
        };
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// The answer for a step that waits no longer, if there was one in time.
    pub(crate) fn take_answer(&self, step: &str) -> Option<Given> {
        match self.lock().steps.get_mut(step) {
            Some(Entry::Answered(given)) => given.take(),
            _ => None,
        }
    }

    /// A step waits no longer. From now on its question takes no answer.
    pub(crate) fn close(&self, step: &str) {
        let mut state = self.lock();
        let number = match state.steps.get(step) {
            Some(Entry::Open { number, .. }) => *number,
            _ => return,
        };
        let closed = state.steps.insert(step.to_owned(), Entry::Closed);
        let question = state.open.remove(&number);
        drop(state);
        drop((closed, question));
    }

    /// A step will not ask.
    pub(crate) fn never(&self, step: &str) {
        let mut state = self.lock();
        if !state.steps.contains_key(step) {
            state.steps.insert(step.to_owned(), Entry::Closed);
        }
    }

    /// What an answer to that step would be for.
    pub(crate) fn wanted(&self, step: &str) -> Result<Wanted, AnswerError> {
        self.lock().wanted(step)
    }

    /// Gives the answer to a question. Returns whether it was still open.
    pub(crate) fn answer(&self, question: &Arc<OpenQuestion>, given: Given) -> bool {
        let mut state = self.lock();
        let number = match state.wanted(&question.step) {
            Ok(Wanted::Now(open, number, _)) if Arc::ptr_eq(&open, question) => number,
            _ => return false,
        };
        state.open.remove(&number);
        let answered = Entry::Answered(Some(given));
        let open = state.steps.insert(question.step.clone(), answered);
        drop(state);
        if let Some(Entry::Open {
            step: Some(waker), ..
        }) = open
        {
            waker.wake();
        }
        true
    }

    /// Keeps an answer for a question that is yet to be asked. Returns whether it is.
    pub(crate) fn keep(&self, step: &str, reply: Reply) -> bool {
        let mut state = self.lock();
        let is_early = matches!(state.wanted(step), Ok(Wanted::Later));
        if is_early {
            state.steps.insert(step.to_owned(), Entry::Kept(reply));
        }
        is_early
    }

    /// The questions that wait for an answer, or that a suspended run has left, in the order they were asked.
    pub(crate) fn questions(&self) -> Vec<Arc<OpenQuestion>> {
        self.lock().open.values().cloned().collect()
    }

    /// A number for someone who reads questions.
    pub(crate) fn reader(&self) -> u64 {
        let mut state = self.lock();
        state.readers_made += 1;
        state.readers_made
    }

    pub(crate) fn forget_reader(&self, reader: u64) {
        let forgotten = self.lock().readers.remove(&reader);
        drop(forgotten);
    }

    /// The next question from that number on that waits for an answer, with the number after it. `None` at the end.
    pub(crate) fn poll_next(
        &self,
        reader: u64,
        from: u64,
        waker: &Waker,
    ) -> Poll<Option<(u64, Arc<OpenQuestion>)>> {
        let mut state = self.lock();
        if state.phase != Phase::Going {
            return Poll::Ready(None);
        }
        if let Some((number, question)) = state.open.range(from..).next() {
            return Poll::Ready(Some((number + 1, Arc::clone(question))));
        }
        let replaced = state.readers.insert(reader, waker.clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Returns whether something waits for an answer.
    pub(crate) fn is_asking(&self) -> bool {
        let state = self.lock();
        state.phase == Phase::Going && !state.open.is_empty()
    }

    /// Puts all back that waits for an answer, if there are so many. Returns whether it was so.
    pub(crate) fn suspend_if_waiting(&self, count: usize, wake: &mut Vec<Waker>) -> bool {
        let mut state = self.lock();
        if state.open.len() != count || state.phase != Phase::Going {
            return false;
        }
        state.suspend(wake);
        true
    }

    /// Puts all back that waits for an answer.
    pub(crate) fn suspend(&self, wake: &mut Vec<Waker>) {
        self.lock().suspend(wake);
    }

    /// The run has ended: nothing is answered any more. How it ended first counts.
    pub(crate) fn end(&self, is_suspended: bool) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.has_ended, true) {
            return;
        }
        state.phase = match is_suspended {
            true => Phase::Suspended,
            false => Phase::Over,
        };
        let readers = std::mem::take(&mut state.readers);
        drop(state);
        readers.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Desk").field(&self.questions()).finish()
    }
}

impl State {
    fn wanted(&self, step: &str) -> Result<Wanted, AnswerError> {
        let step_name = || step.to_owned();
        match (self.phase, self.steps.get(step)) {
            (_, Some(Entry::Answered(_) | Entry::Kept(_))) => {
                Err(AnswerError::AlreadyAnswered { step: step_name() })
            }
            (Phase::Over, _) => Err(AnswerError::RunOver { step: step_name() }),
            (Phase::Suspended, _) | (_, Some(Entry::Suspended)) => {
                Err(AnswerError::Suspended { step: step_name() })
            }
            (_, Some(Entry::Closed)) => Err(AnswerError::Closed { step: step_name() }),
            (_, Some(Entry::Open { number, asks, .. })) => match self.open.get(number) {
                Some(question) => Ok(Wanted::Now(Arc::clone(question), *number, *asks)),
                None => Err(AnswerError::Closed { step: step_name() }),
            },
            (_, None) => Ok(Wanted::Later),
        }
    }

    fn suspend(&mut self, wake: &mut Vec<Waker>) {
        if self.phase != Phase::Going {
            return;
        }
        self.phase = Phase::Suspended;
        for question in self.open.values() {
            let entry = self.steps.get_mut(&question.step);
            if let Some(Entry::Open { step, .. }) =
                entry.map(|entry| std::mem::replace(entry, Entry::Suspended))
            {
                wake.extend(step);
            }
        }
        wake.extend(self.readers.drain().map(|(_, reader)| reader));
    }
}
