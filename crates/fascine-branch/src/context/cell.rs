use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fascine_concurrency::Lock;
use fascine_rt::Rt;

use crate::ContextError;

type Said = Result<Arc<str>, ContextError>;

/// What a provider said, kept for all who ask; one of them asks for those who come meanwhile.
#[derive(Debug, Default)]
pub(super) struct Cell {
    /// Held while the provider is asked.
    asking: Lock<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How often it was invalidated.
    generation: u64,
    /// How often the provider was asked to the end.
    asked: u64,
    last: Option<Last>,
    good: Option<Arc<str>>,
}

/// What came of asking last.
#[derive(Debug)]
struct Last {
    /// The generation in which it was asked.
    generation: u64,
    at: Instant,
    said: Said,
}

impl Cell {
    /// Gives what is kept, if it is younger than `ttl`; asks otherwise.
    ///
    /// Who waits while somebody else asks takes what comes of it, a failure too: a hundred turns do not ask a provider
    /// that is down a hundred times.
    pub(super) async fn get(
        &self,
        rt: &Rt,
        ttl: Option<Duration>,
        ask: impl Future<Output = Said>,
    ) -> Said {
        let now = rt.now();
        let asked = {
            let state = self.state();
            if let Some(text) = state.fresh(now, ttl) {
                return Ok(text);
            }
            state.asked
        };
        let _asking = self.asking.lock().await;
        let now = rt.now();
        let generation = {
            let state = self.state();
            if let Some(text) = state.fresh(now, ttl) {
                return Ok(text);
            }
            match &state.last {
                Some(last) if state.asked != asked && last.generation == state.generation => {
                    return last.said.clone();
                }
                _ => state.generation,
            }
        };
        let said = self.remember(ask.await);
        let at = rt.now();
        let mut state = self.state();
        state.asked += 1;
        let last = Last {
            generation,
            at,
            said: said.clone(),
        };
        let replaced = state.last.replace(last);
        drop(state);
        // A failure is somebody else's value.
        drop(replaced);
        said
    }

    /// Remembers it if it is good.
    pub(super) fn remember(&self, said: Said) -> Said {
        if let Ok(text) = &said {
            self.state().good = Some(Arc::clone(text));
        }
        said
    }

    pub(super) fn last_good(&self) -> Option<Arc<str>> {
        self.state().good.clone()
    }

    pub(super) fn invalidate(&self) {
        self.state().generation += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fresh(&self, now: Instant, ttl: Option<Duration>) -> Option<Arc<str>> {
        let last = self.last.as_ref()?;
        let age = now.saturating_duration_since(last.at);
        let is_fresh = last.generation == self.generation && ttl.is_none_or(|ttl| age < ttl);
        let text = last.said.as_ref().ok()?;
        is_fresh.then(|| Arc::clone(text))
    }
}
