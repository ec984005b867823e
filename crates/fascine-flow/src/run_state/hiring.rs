use std::sync::{Arc, Weak};

use super::RunState;
use crate::places::{Member, Places, Seeker, Wants};
use crate::worker::Crew;

/// How many workers there are, and what they take from other runs.
impl RunState {
    /// Asks for the first workers.
    pub(crate) fn begin(&mut self, places: Option<Member>) {
        self.places = places;
        self.hire();
    }

    /// Makes places that a run has to itself something that others can take.
    pub(crate) fn share_places(&mut self, crew: Weak<Crew>) -> Arc<Places> {
        if let Some(member) = &self.places {
            return Arc::clone(&member.limit);
        }
        let (max, held) = (self.site.tree.max_concurrent, self.held());
        let places = Arc::new(Places::new(max.saturating_sub(held)));
        (max..held).for_each(|_| places.overdraw());
        let wants = Wants::Place;
        self.places = Some(Member::new(&places, Seeker { crew, wants }));
        self.hire();
        places
    }

    /// Makes a resource something that others can take.
    pub(crate) fn share_resource(&mut self, number: usize, crew: Weak<Crew>) -> Arc<Places> {
        let wants = Wants::Resource(number);
        self.resources
            .share(number, &self.site, Seeker { crew, wants })
    }

    /// Lets the limit of a resource of another run count here too.
    pub(crate) fn join_resource(&mut self, number: usize, member: Member) {
        self.resources.join(number, member);
    }

    /// Something was given to this run.
    pub(crate) fn accept(&mut self, what: Wants) {
        match what {
            Wants::Place if self.wanted() == 0 => self.give_back(),
            Wants::Place => {
                self.spawn(1);
                self.hire();
            }
            Wants::Resource(number) => {
                let ready = self.resources.accept(number, &self.site, &mut self.effects);
                self.ready.extend(ready);
                self.hire();
            }
        }
    }

    /// The places that its workers have.
    fn held(&self) -> usize {
        self.workers - self.away
    }

    /// One whose step was answered goes on though there may be no place for it. The first that ends makes up for it.
    pub(super) fn has_too_many_workers(&self) -> bool {
        self.places.is_none() && self.held() > self.site.tree.max_concurrent
    }

    /// A worker has begun to wait for its step.
    pub(crate) fn wait(&mut self) {
        self.waiting += 1;
        self.hire();
    }

    /// A worker waits no longer.
    pub(crate) fn wake(&mut self) {
        self.waiting -= 1;
    }

    /// A worker will never come.
    pub(crate) fn lose_newcomer(&mut self) {
        self.coming -= 1;
        self.lose_worker();
    }

    /// A worker is gone.
    pub(crate) fn lose_worker(&mut self) {
        self.workers -= 1;
        self.give_back();
    }

    /// Lets another run have a place, if somebody waits for one.
    pub(super) fn give_back(&mut self) {
        if let Some(member) = &self.places {
            member.limit.give_back_into(&mut self.effects);
        }
    }

    /// Asks for workers, if steps can start that nobody is there for.
    pub(super) fn hire(&mut self) {
        self.look_around();
        let wanted = self.wanted();
        let more = match &self.places {
            None => wanted.min(self.site.tree.max_concurrent.saturating_sub(self.held())),
            Some(member) => {
                let priority = self.ready.peek().map(|ready| ready.priority());
                member.take(wanted, self.site.rank(priority.unwrap_or(i32::MIN)))
            }
        };
        self.spawn(more);
    }

    fn spawn(&mut self, workers: usize) {
        self.workers += workers;
        self.coming += workers;
        self.effects.spawn += workers;
    }

    /// A worker has come.
    pub(crate) fn arrive(&mut self) {
        self.coming -= 1;
        self.hire();
    }

    /// How many more workers it could use. One that has to wait is replaced at once: for steps that never do, few
    /// workers are enough.
    pub(super) fn wanted(&self) -> usize {
        let wanted = (self.ready.len() + self.running).saturating_sub(self.held());
        let wanted = wanted.min(WORKERS_AWAKE.saturating_sub(self.workers - self.waiting));
        wanted.min(WORKERS_COMING.saturating_sub(self.coming))
    }
}

/// How many workers there are at most that do not wait. It limits only steps that compute without ever waiting.
const WORKERS_AWAKE: usize = 32;

/// How many workers there are at most that were spawned and have not come. Each that comes makes room for another one:
/// they double as fast as the runtime has threads for them, and are few where it has few.
const WORKERS_COMING: usize = 2;
