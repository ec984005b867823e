use std::sync::Arc;
use std::task::Waker;

use crate::places::{Given, Member, Places, Seeker, Wants};
use crate::run_state::Effects;
use crate::worker::Crew;

/// What a run shares with those that are nested in it.
impl Crew {
    /// What a step of it can leave to others: the resource that it uses, and its place.
    pub(crate) fn share(self: &Arc<Self>, step: u32) -> Vec<Arc<Places>> {
        let more = &self.graph.inner.steps[step as usize].settings.more;
        let resource = more.as_ref().and_then(|more| more.resource_number);
        let crew = Arc::downgrade(self);
        self.change(|state| {
            let resource = resource.map(|number| state.share_resource(number, crew.clone()));
            let places = state.share_places(crew);
            resource.into_iter().chain([places]).collect()
        })
    }

    /// Lets the resources count against those of the outermost run around it that have the same names.
    pub(crate) fn join_resources(self: &Arc<Self>) {
        for (number, name) in self.graph.inner.resources.iter().enumerate() {
            let around = self.site.around().filter_map(|crew| {
                let mut others = crew.graph.inner.resources.iter();
                Some((crew, others.position(|other| other == name)?))
            });
            if let Some((outer, other)) = around.last() {
                let crew = Arc::downgrade(outer);
                let limit = outer.change(|state| state.share_resource(other, crew));
                let (crew, wants) = (Arc::downgrade(self), Wants::Resource(number));
                let member = Member::new(&limit, Seeker { crew, wants });
                self.change(|state| state.join_resource(number, member));
            }
        }
    }

    /// Begins, in the places of the run around it.
    pub(crate) fn join_places(self: &Arc<Self>) {
        let Some(parent) = &self.site.parent else {
            return;
        };
        let parent = parent.crew();
        let places = parent.change(|state| state.share_places(Arc::downgrade(parent)));
        let (crew, wants) = (Arc::downgrade(self), Wants::Place);
        let member = Member::new(&places, Seeker { crew, wants });
        self.change(|state| state.begin(Some(member)));
    }
}

/// Gives a place back, and tells whoever has it now.
pub(crate) fn give_back(places: &Arc<Places>) {
    let mut effects = Effects::default();
    places.give_back_into(&mut effects);
    effects.wakers.into_iter().for_each(Waker::wake);
    deliver(&mut effects.handed);
}

/// Tells other runs what they were given. They may pass it on.
pub(crate) fn deliver(handed: &mut Vec<Given>) {
    while let Some(given) = handed.pop() {
        let mut effects = Effects::default();
        match given.to.crew.upgrade() {
            Some(crew) => {
                crew.change_only(&mut effects, |state| state.accept(given.to.wants));
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
