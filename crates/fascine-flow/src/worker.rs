use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, PoisonError};

use fascine_concurrency::{GroupHandle, Spawner};
use fascine_rt::Rt;
use futures_lite::future::yield_now;

use crate::place::Place;
use crate::run_state::{Effects, RunState};
use crate::sync::{Mutex, MutexGuard};
use crate::{Graph, SharedState, StepContext, attempt, decide};

/// What the workers of a run share.
pub(crate) struct Crew {
    pub(crate) rt: Rt,
    pub(crate) graph: Graph,
    shared: SharedState,
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
            shared: state.shared().clone(),
            state: Mutex::new(state),
            spawner,
            group,
        })
    }

    /// Changes the state, and does what follows once it is no longer locked.
    pub(crate) fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut RunState) -> T) -> T {
        self.change_with(&mut Effects::default(), change)
    }

    /// The same for those who change it often: effects that are done lend their lists.
    pub(crate) fn change_with<T>(
        self: &Arc<Self>,
        effects: &mut Effects,
        change: impl FnOnce(&mut RunState) -> T,
    ) -> T {
        let changed = {
            let mut state = self.state();
            let changed = change(&mut state);
            state.swap_effects(effects);
            changed
        };
        self.apply(effects);
        changed
    }

    fn apply(self: &Arc<Self>, effects: &mut Effects) {
        if std::mem::take(&mut effects.cancel) {
            self.group.cancel();
        }
        for _ in 0..std::mem::take(&mut effects.spawn) {
            // A group that has ended drops the worker, which then says that it is gone.
            let _ = self.spawner.spawn(work(Place::new(Arc::clone(self))));
        }
        effects.wakers.drain(..).for_each(std::task::Waker::wake);
        effects.garbage.clear();
    }

    pub(crate) fn context(&self, step: u32) -> StepContext {
        StepContext::new(self.graph.clone(), self.shared.clone(), step)
    }

    fn state(&self) -> MutexGuard<'_, RunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs steps, one after the other, while there are some that can start. A step that follows another one needs no task
/// of its own.
async fn work(mut place: Place) -> Result<(), Infallible> {
    let crew = Arc::clone(&place.crew);
    let graph = &crew.graph.inner;
    let mut count: u32 = 0;
    place.next();
    while let Some((step, context)) = &place.step {
        let work = attempt::run(&crew.rt, &graph.steps[*step as usize], context);
        let result = hand_over(&crew, &mut place.is_waiting, work).await;
        let (_, result) = place.done.insert((crew.rt.now(), result));
        let decide = decide::decide_all(graph, *step, result, &crew.shared);
        let decisions = hand_over(&crew, &mut place.is_waiting, decide).await;
        count += 1;
        if count.is_multiple_of(STEPS_A_TURN) {
            place.end(decisions);
            yield_now().await;
            place.next();
        } else {
            place.end_and_next(decisions);
        }
    }
    Ok(())
}

/// Lets another worker take over as soon as this one has to wait.
async fn hand_over<T>(crew: &Arc<Crew>, is_waiting: &mut bool, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let poll = work.as_mut().poll(cx);
        if poll.is_pending() && !*is_waiting {
            *is_waiting = true;
            crew.change(RunState::wait);
        }
        poll
    })
    .await
}

/// How many steps that never wait a worker runs before it lets others have the thread.
const STEPS_A_TURN: u32 = 64;
