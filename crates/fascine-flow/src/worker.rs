use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use fascine_concurrency::{GroupHandle, Spawner, TaskGroup};
use fascine_rt::Rt;
use futures_lite::future::yield_now;

use crate::decide::Decisions;
use crate::place::Place;
use crate::places::{Given, Member, Places, Seeker, Wants};
use crate::run_state::{Effects, Handles, RunState};
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
            deliver(std::mem::take(&mut effects.handed));
        }
        changed
    }

    fn change_only<T>(&self, effects: &mut Effects, change: impl FnOnce(&mut RunState) -> T) -> T {
        let mut state = self.state();
        let changed = change(&mut state);
        state.swap_effects(effects);
        changed
    }

    /// Does everything but what is for other runs, which is seldom anything.
    fn apply(self: &Arc<Self>, effects: &mut Effects) {
        if std::mem::take(&mut effects.cancel) {
            self.group.cancel();
        }
        for _ in 0..std::mem::take(&mut effects.spawn) {
            // A group that has ended drops the worker, which then says that it is gone.
            let _ = self.spawner.spawn(work(Place::new(Arc::clone(self))));
        }
        effects.wakers.drain(..).for_each(Waker::wake);
        effects.garbage.clear();
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

    /// What a step of it can leave to others: the resource that it uses, and its place.
    pub(crate) fn share(self: &Arc<Self>, step: u32) -> Vec<Arc<Places>> {
        let more = &self.graph.inner.steps[step as usize].settings.more;
        let resource = more.as_ref().and_then(|more| more.resource_number);
        let crew = Arc::downgrade(self);
        self.change(|state| {
            let resource = resource.map(|number| {
                let shared = state.resource_of(step);
                shared.unwrap_or_else(|| state.share_resource(number, crew.clone()))
            });
            resource
                .into_iter()
                .chain([state.share_places(crew)])
                .collect()
        })
    }

    /// Begins, in the places of the run around it.
    pub(crate) fn join_places(self: &Arc<Self>) {
        let Some(parent) = &self.site.parent else {
            return;
        };
        let places = parent.change(|state| state.share_places(Arc::downgrade(parent)));
        let (crew, wants) = (Arc::downgrade(self), Wants::Place);
        let member = Member::new(&places, Seeker { crew, wants });
        self.change(|state| state.begin(Some(member)));
    }

    /// Lets the resources count against those of the outermost run around it that have the same names.
    pub(crate) fn join_resources(self: &Arc<Self>) {
        for (number, name) in self.graph.inner.resources.iter().enumerate() {
            let around = self.site.around().filter_map(|crew| {
                let other = crew
                    .graph
                    .inner
                    .resources
                    .iter()
                    .position(|other| other == name)?;
                Some((crew, other))
            });
            if let Some((outer, other)) = around.last() {
                let limit =
                    outer.change(|state| state.share_resource(other, Arc::downgrade(outer)));
                let (crew, wants) = (Arc::downgrade(self), Wants::Resource(number));
                let member = Member::new(&limit, Seeker { crew, wants });
                self.change(|state| state.join_resource(number, member));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, RunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a place back, and tells whoever has it now.
pub(crate) fn give_back(places: &Arc<Places>) {
    let mut effects = Effects::default();
    places.give_back_into(&mut effects);
    effects.wakers.into_iter().for_each(Waker::wake);
    deliver(effects.handed);
}

/// Tells other runs what they were given. They may pass it on.
fn deliver(mut handed: Vec<Given>) {
    while let Some(given) = handed.pop() {
        let mut effects = Effects::default();
        match given.to.crew.upgrade() {
            Some(crew) => {
                let wants = given.to.wants;
                crew.change_only(&mut effects, |state| state.accept(wants));
                crew.apply(&mut effects);
            }
            None => {
                given.limit.give_back_into(&mut effects);
                effects.wakers.drain(..).for_each(Waker::wake);
            }
        }
        handed.append(&mut effects.handed);
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
        let decisions = match decide::has_conditions(graph, *step) {
            true => {
                let decide = Box::pin(decide::decide_all(&crew, *step, result));
                hand_over(&crew, &mut place.is_waiting, decide).await
            }
            false => Decisions::default(),
        };
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
