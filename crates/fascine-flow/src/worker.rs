use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use fascine_concurrency::{GroupHandle, Spawner, TaskGroup};
use fascine_rt::Rt;
use futures_lite::future::{poll_once, yield_now};

use crate::checkpoint::Recorder;
use crate::decide::Decisions;
use crate::place::Place;
use crate::run_state::{Effects, Handles, RunState};
use crate::sharing::deliver;
use crate::sync::{Mutex, MutexGuard};
use crate::tree::Site;
use crate::{Graph, attempt, decide};

/// What the workers of a run share.
pub(crate) struct Crew {
    pub(crate) rt: Rt,
    pub(crate) graph: Graph,
    pub(crate) site: Arc<Site>,
    state: Mutex<RunState>,
    spawner: Spawner<(), Infallible>,
    group: GroupHandle,
}

impl Crew {
    /// Of a run that spawns its workers in that group.
    pub(crate) fn new(
        rt: &Rt,
        graph: &Graph,
        site: &Arc<Site>,
        handles: Handles,
        group: &TaskGroup<(), Infallible>,
    ) -> Arc<Self> {
        Arc::new(Self {
            rt: rt.clone(),
            graph: graph.clone(),
            site: Arc::clone(site),
            state: Mutex::new(RunState::new(graph, site, rt.now(), handles)),
            spawner: group.spawner(),
            group: group.handle(),
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
        let changed = self.change_only(effects, change);
        self.apply(effects);
        if !effects.handed.is_empty() {
            deliver(&mut effects.handed);
        }
        changed
    }

    /// Leaves what follows to the caller.
    pub(crate) fn change_only<T>(
        &self,
        effects: &mut Effects,
        change: impl FnOnce(&mut RunState) -> T,
    ) -> T {
        let mut state = self.state();
        let changed = change(&mut state);
        state.swap_effects(effects);
        changed
    }

    /// Does what is to be done, but for telling other runs what they were given.
    pub(crate) fn apply(self: &Arc<Self>, effects: &mut Effects) {
        if std::mem::take(&mut effects.cancel) {
            self.group.cancel();
        }
        for _ in 0..std::mem::take(&mut effects.spawn) {
            // A group that has ended drops the worker, which then says that it is gone.
            let _ = self.spawner.spawn(work(Place::new(Arc::clone(self))));
        }
        effects.wakers.drain(..).for_each(Waker::wake);
        effects.garbage.clear();
        if std::mem::take(&mut effects.look_around) {
            let tree = &self.site.tree;
            tree.suspension.suspend_if_waiting(&tree.desk);
        }
    }

    /// Whether the last step has ended. Workers may be gone before: there may be no place for them.
    pub(crate) fn poll_end(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waiter = cx.waker().clone();
        let (has_ended, former) = self.change(|state| state.has_ended(waiter));
        drop(former);
        if has_ended {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Who writes down what happens, if somebody does.
    pub(crate) fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.site.tree.recorder.as_ref()
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
    while let Some((step, _)) = &place.step {
        let step = *step;
        // Boxed: few runs are recorded, and the future of all others is the smaller for it.
        if crew.recorder().is_some() && !Box::pin(record_start(&mut place)).await {
            place.give_up();
            place.next();
            continue;
        }
        let Some((_, context)) = &place.step else {
            break;
        };
        let work = attempt::run(&graph.steps[step as usize], context);
        let Some(result) = hand_over(&crew, &mut place.is_waiting, work).await else {
            place.put_back_and_next();
            continue;
        };
        place.done = Some((crew.rt.now(), result));
        let decisions = match decide::has_conditions(graph, step) {
            true => Box::pin(decide(&mut place, step)).await,
            false => Decisions::default(),
        };
        if crew.recorder().is_some() {
            Box::pin(record_end(&mut place, &decisions)).await;
        }
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

/// Writes down that the step begins, if it does anything. Returns whether it may.
async fn record_start(place: &mut Place) -> bool {
    let (Some(recorder), Some((_, context))) = (place.crew.recorder(), &place.step) else {
        return true;
    };
    if !context.has_effects() {
        return true;
    }
    let start = hand_over(&place.crew, &mut place.is_waiting, recorder.start(context));
    match start.await {
        Ok(number) => {
            place.started = Some(number);
            true
        }
        Err(_) => false,
    }
}

/// Asks the conditions of the edges out of the step. The other edges do not wait for those that take their time.
async fn decide(place: &mut Place, step: u32) -> Decisions {
    let Some((_, result)) = place.done.clone() else {
        return Decisions::default();
    };
    let crew = Arc::clone(&place.crew);
    let mut decide = pin!(decide::decide_all(&crew, step, &result));
    match poll_once(&mut decide).await {
        Some(decisions) => decisions,
        None => {
            place.end_work();
            hand_over(&crew, &mut place.is_waiting, decide).await
        }
    }
}

/// Writes down how the step has ended. If that cannot be, what is behind it may not begin.
async fn record_end(place: &mut Place, decisions: &Decisions) {
    let (Some(recorder), Some((_, context)), Some((_, result))) =
        (place.crew.recorder(), &place.step, &place.done)
    else {
        return;
    };
    let end = recorder.end(place.started.take(), context, result, Some(decisions));
    let recorded = hand_over(&place.crew, &mut place.is_waiting, end).await;
    if recorded.is_err() {
        let now = place.crew.rt.now();
        place.crew.change(|state| state.abort(now));
    }
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
