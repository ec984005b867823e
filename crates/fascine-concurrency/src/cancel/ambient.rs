use std::cell::Cell;
use std::mem::{self, ManuallyDrop};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fascine_rt::Rt;

use crate::cancel::node::Node;

/// The scope around the code that runs now, if there is one.
pub(crate) fn current() -> Option<Arc<Node>> {
    let mut ambient = replace(Ambient::Nowhere);
    let node = ambient.node();
    replace(ambient);
    node
}

/// Where in the tree of scopes some code is.
///
/// It lies in a thread-local exactly while the future of the scope is being polled or dropped, so it follows that
/// future across threads and runtimes.
#[derive(Debug)]
pub(crate) enum Ambient {
    /// In a scope that has never had to wait: it has no node yet.
    Fresh(Fresh),
    /// In a scope.
    In(Arc<Node>),
    /// In no scope; also the place of an ambient that is somewhere else just now.
    Nowhere,
}

/// A scope whose node nobody has asked for. Most timeouts end like this: no allocation, no look at the clock.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) parent: Option<Arc<Node>>,
    pub(crate) rt: Option<Rt>,
    pub(crate) limit: Limit,
    pub(crate) is_shield: bool,
}

/// When a scope runs out of time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// So long after it has begun.
    After(Duration),
    /// At this time.
    At(Instant),
    /// Never by itself.
    Never,
}

impl Ambient {
    /// The node of the scope, made now if there was none.
    pub(crate) fn node(&mut self) -> Option<Arc<Node>> {
        if let Self::Fresh(_) = self
            && let Self::Fresh(fresh) = mem::replace(self, Self::Nowhere)
        {
            *self = Self::In(fresh.into_node());
        }
        match self {
            Self::In(node) => Some(Arc::clone(node)),
            Self::Fresh(_) | Self::Nowhere => None,
        }
    }

    /// What a child compares to see whether it is still below the same parent.
    fn address(&self) -> usize {
        match self {
            Self::In(node) => address(Some(node)),
            Self::Fresh(_) | Self::Nowhere => 0,
        }
    }
}

/// Which node it is; a node that somebody holds shares its address with no other.
pub(crate) fn address(node: Option<&Arc<Node>>) -> usize {
    node.map_or(0, |node| Arc::as_ptr(node) as usize)
}

impl Fresh {
    fn into_node(self) -> Arc<Node> {
        let deadline = match (self.limit, &self.rt) {
            (Limit::After(duration), Some(rt)) => rt.deadline_after(duration),
            (Limit::At(deadline), _) => Some(deadline),
            (Limit::After(_) | Limit::Never, _) => None,
        };
        Node::new(self.parent, self.rt, deadline, self.is_shield)
    }
}

/// Where a scope finds its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// It is the scope around whoever polls it.
    Ambient,
    /// It stays the one it was given: the group of a task.
    Given,
}

/// Makes `place` the ambient one of this thread until the returned guard is dropped, also on a panic.
///
/// `known` is the address of the parent that it was last seen under; if it is another one now, the node moves there.
pub(crate) fn enter<'a>(place: &'a mut Ambient, parent: Parent, known: &mut usize) -> Entered<'a> {
    let mut outer = replace(Ambient::Nowhere);
    let mut lent = false;
    if parent == Parent::Ambient {
        if matches!(outer, Ambient::Fresh(_)) {
            outer.node();
        }
        match place {
            Ambient::Fresh(fresh) => {
                *known = outer.address();
                // Lent, not cloned: if nobody asks for the node it goes back as it came.
                if let Ambient::In(node) = mem::replace(&mut outer, Ambient::Nowhere) {
                    fresh.parent = Some(node);
                    lent = true;
                }
            }
            Ambient::In(node) if outer.address() != *known => {
                *known = outer.address();
                node.set_parent(outer.node());
            }
            Ambient::In(_) | Ambient::Nowhere => {}
        }
    }
    replace(mem::replace(place, Ambient::Nowhere));
    Entered { place, outer, lent }
}

/// See [`enter`].
pub(crate) struct Entered<'a> {
    place: &'a mut Ambient,
    outer: Ambient,
    /// The outer one lies in `place` as its parent.
    lent: bool,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut outer = mem::replace(&mut self.outer, Ambient::Nowhere);
        let mut own = replace(Ambient::Nowhere);
        if self.lent {
            let lent = match &mut own {
                Ambient::Fresh(fresh) => fresh.parent.take(),
                Ambient::In(node) => node.parent(),
                Ambient::Nowhere => None,
            };
            outer = lent.map_or(Ambient::Nowhere, Ambient::In);
        }
        *self.place = own;
        replace(outer);
    }
}

/// Puts another ambient in place. What was there comes out by value, so that nothing is ever dropped in here.
fn replace(ambient: Ambient) -> Ambient {
    ManuallyDrop::into_inner(CURRENT.replace(ManuallyDrop::new(ambient)))
}

thread_local! {
    // What lies here is always taken out again by whoever put it: there is nothing to drop at the end of a thread, and
    // futures that are dropped by other thread-locals' destructors still find it.
    static CURRENT: Cell<ManuallyDrop<Ambient>> = const { Cell::new(ManuallyDrop::new(Ambient::Nowhere)) };
}
