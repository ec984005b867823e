use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fascine_concurrency::{GroupHandle, Spawner};
use fascine_rt::Rt;
use futures_lite::future::yield_now;

use crate::run_state::{Effects, Ended, RunState};
use crate::{Graph, StepContext, attempt, decide};

/// What the workers of a run share.
pub(crate) struct Crew {
    pub(crate) rt: Rt,
    pub(crate) graph: Graph,
    state: Mutex<RunState>,
    spawner: Spawner<(), Infallible>,
    group: GroupHandle,
}

impl Crew {
    pub(crate) fn new(
        rt: &Rt,
        graph: &Graph,
        state: RunState,
        spawner: Spawner<(), Infallible>,
        group: GroupHandle,
    ) -> Arc<Self> {
        Arc::new(Self {
            rt: rt.clone(),
            graph: graph.clone(),
            state: Mutex::new(state),
            spawner,
            group,
        })
    }

    /// Changes the state, and does what follows once it is no longer locked.
    pub(crate) fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut RunState) -> T) -> T {
        let (changed, effects) = {
            let mut state = self.state();
            let changed = change(&mut state);
            (changed, state.take_effects())
        };
        self.apply(effects);
        changed
    }

    fn apply(self: &Arc<Self>, effects: Effects) {
        if effects.cancel {
            self.group.cancel();
        }
        for _ in 0..effects.spawn {
            // A group that has ended drops the worker, which then says that it is gone.
            let _ = self.spawner.spawn(work(Place::new(Arc::clone(self))));
        }
        effects.wakers.into_iter().for_each(std::task::Waker::wake);
        drop(effects.garbage);
    }

    fn state(&self) -> MutexGuard<'_, RunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs steps, one after the other, while there are some that can start. A step that follows another one needs no task
/// of its own.
async fn work(mut place: Place) -> Result<(), Infallible> {
    let mut count: u32 = 0;
    while let Some((step, context)) = place.next() {
        let crew = Arc::clone(&place.crew);
        let graph = &crew.graph.inner;
        let result = attempt::run(&crew.rt, &graph.steps[step as usize], &context).await;
        let at = crew.rt.now();
        let decisions = decide::decide(graph, step, &result).await;
        place.end(Ended {
            at,
            attempts: context.attempt(),
            result,
            decisions,
        });
        count += 1;
        if count.is_multiple_of(STEPS_A_TURN) {
            yield_now().await;
        }
    }
    Ok(())
}

/// The place of a worker among the others. However it ends, the run learns of it.
struct Place {
    crew: Arc<Crew>,
    step: Option<(u32, StepContext)>,
    is_over: bool,
}

impl Place {
    fn new(crew: Arc<Crew>) -> Self {
        Self {
            crew,
            step: None,
            is_over: false,
        }
    }

    fn next(&mut self) -> Option<(u32, StepContext)> {
        let now = self.crew.rt.now();
        self.step = self.crew.change(|state| state.next(now));
        self.is_over = self.step.is_none();
        self.step.clone()
    }

    fn end(&mut self, ended: Ended) {
        if let Some((step, _)) = self.step.take() {
            self.crew.change(|state| state.end(step, ended));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (step, is_over) = (self.step.take(), self.is_over);
        if step.is_none() && is_over {
            return;
        }
        let now = self.crew.rt.now();
        self.crew.change(|state| {
            state.lose_worker();
            if let Some((step, context)) = step {
                state.cancel(step, context.attempt(), now);
            }
        });
    }
}

/// How many steps that never wait a worker runs before it lets others have the thread.
const STEPS_A_TURN: u32 = 64;
