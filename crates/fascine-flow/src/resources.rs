use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use crate::Graph;
use crate::places::{Member, Places, Seeker};
use crate::ready::Ready;
use crate::run_state::Effects;
use crate::tree::Site;

/// The resources of a run, by number: how many places are free, and who waits for one.
#[derive(Debug)]
pub(crate) struct Resources {
    resources: Vec<Resource>,
    /// Steps that can start, and have their places already.
    granted: HashSet<u32>,
}

#[derive(Debug)]
struct Resource {
    /// By the limit of this run alone.
    free: usize,
    /// The limit that counts for other runs too.
    shared: Option<Member>,
    waiting: BinaryHeap<Ready>,
}

impl Resources {
    pub(crate) fn new(graph: &Graph) -> Self {
        let limits = graph.inner.limits.iter();
        let resources = limits.map(|limit| Resource {
            free: *limit,
            shared: None,
            waiting: BinaryHeap::new(),
        });
        Self {
            resources: resources.collect(),
            granted: HashSet::new(),
        }
    }

    /// Takes a place for the step, or lets it wait for one.
    pub(crate) fn take(&mut self, graph: &Graph, site: &Site, step: u32, rank: Ready) -> bool {
        if !self.granted.is_empty() && self.granted.remove(&step) {
            return true;
        }
        let Some(resource) = self.of(graph, step) else {
            return true;
        };
        let is_taken = resource.free > 0
            && match &resource.shared {
                Some(member) => member.take(1, site.rank(rank.priority())) == 1,
                None => true,
            };
        if is_taken {
            resource.free -= 1;
        } else {
            resource.waiting.push(rank);
        }
        is_taken
    }

    /// Gives the step's place back; the next one that waits for it can try again.
    pub(crate) fn give_back(
        &mut self,
        graph: &Graph,
        step: u32,
        effects: &mut Effects,
    ) -> Option<Ready> {
        let resource = self.of(graph, step)?;
        resource.free += 1;
        if let Some(member) = &resource.shared {
            member.limit.give_back_into(effects);
        }
        resource.waiting.pop()
    }

    /// Makes the limit of a resource one that counts for other runs too.
    pub(crate) fn share(&mut self, number: usize, site: &Site, seeker: Seeker) -> Arc<Places> {
        let resource = &mut self.resources[number];
        if let Some(member) = &resource.shared {
            return Arc::clone(&member.limit);
        }
        let limit = Arc::new(Places::new(resource.free));
        // From now on it is that limit that holds.
        resource.free = usize::MAX / 2;
        let member = Member::new(&limit, seeker);
        if let Some(first) = resource.waiting.peek() {
            member.take(1, site.rank(first.priority()));
        }
        resource.shared = Some(member);
        limit
    }

    /// Lets the limit of another run count too.
    pub(crate) fn join(&mut self, number: usize, member: Member) {
        self.resources[number].shared = Some(member);
    }

    /// A place was given to this run: gives the steps that have one now.
    pub(crate) fn accept(
        &mut self,
        number: usize,
        site: &Site,
        effects: &mut Effects,
    ) -> Vec<Ready> {
        let resource = &mut self.resources[number];
        let mut ready = Vec::new();
        let Some(member) = &resource.shared else {
            return ready;
        };
        let mut is_given = true;
        while is_given && resource.free > 0 {
            let Some(next) = resource.waiting.pop() else {
                break;
            };
            resource.free -= 1;
            self.granted.insert(next.step());
            ready.push(next);
            let following = resource.waiting.peek();
            is_given =
                following.is_some_and(|next| member.take(1, site.rank(next.priority())) == 1);
        }
        if is_given {
            member.limit.give_back_into(effects);
        }
        ready
    }

    /// Nothing begins any more: gives back what steps have that were to.
    pub(crate) fn abort(&mut self, graph: &Graph, effects: &mut Effects) {
        for resource in &mut self.resources {
            resource.waiting.clear();
        }
        for step in std::mem::take(&mut self.granted) {
            self.give_back(graph, step, effects);
        }
    }

    fn of(&mut self, graph: &Graph, step: u32) -> Option<&mut Resource> {
        if self.resources.is_empty() {
            return None;
        }
        let more = graph.inner.steps[step as usize].settings.more.as_ref()?;
        self.resources.get_mut(more.resource_number?)
    }
}
