use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fascine_rt::Rt;

use crate::cancel::node::Node;
use crate::raw::BorrowedLocal;
use crate::sync::local;

/// The scope around the code that runs now, if there is one.
pub(crate) fn current() -> Option<Arc<Node>> {
    PLACE.with(|slot| slot.with(|place| place.map(|place| Arc::clone(place.node()))))
}

/// The address of the current scope's node, or 0: what a scope compares to see whether it was moved to another parent.
/// A node that somebody holds shares its address with no other.
#[inline]
pub(crate) fn current_address() -> usize {
    PLACE
        .with(|slot| slot.with(|place| place.map_or(0, |place| Arc::as_ptr(place.node()) as usize)))
}

/// A scope's place in the tree of scopes.
///
/// It is ambient exactly while the future of the scope is being polled or dropped, so it follows that future across
/// threads and runtimes. Most scopes end without ever waiting: the node is made when somebody asks for it, and the
/// clock is read then.
#[derive(Debug)]
pub(crate) struct Place {
    node: OnceCell<Arc<Node>>,
    /// What it was last seen below; the node, once there is one, knows it too.
    parent: Option<Arc<Node>>,
    rt: Option<Rt>,
    limit: Limit,
    is_shield: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.end(false);
    }
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

impl Place {
    pub(crate) fn new(rt: Option<Rt>, limit: Limit, is_shield: bool) -> Self {
        Self {
            node: OnceCell::new(),
            parent: None,
            rt,
            limit,
            is_shield,
        }
    }

    /// The place of a node that others know already.
    pub(crate) fn of(node: Arc<Node>) -> Self {
        let place = Self::new(None, Limit::Never, false);
        let _ = place.node.set(node);
        place
    }

    /// The place of a task in a group, whose clock is its own.
    pub(crate) fn below(group: &Arc<Node>) -> Self {
        let mut place = Self::new(None, Limit::Never, false);
        place.parent = Some(Arc::clone(group));
        place
    }

    /// Puts it below another parent.
    #[cold]
    pub(crate) fn set_parent(&mut self, parent: Option<Arc<Node>>) {
        if let Some(node) = self.node.get() {
            node.set_parent(parent.clone());
        }
        self.parent = parent;
    }

    /// To be compared with [`current_address`].
    #[inline]
    pub(crate) fn parent_address(&self) -> usize {
        self.parent
            .as_ref()
            .map_or(0, |node| Arc::as_ptr(node) as usize)
    }

    /// The scope is done, or gone; `caught` if it was its own cancelling that ended it.
    pub(crate) fn end(&self, caught: bool) {
        if let Some(node) = self.node.get() {
            node.end(caught);
        }
    }

    /// The node, made now if nobody has asked for it before.
    #[inline]
    pub(crate) fn node(&self) -> &Arc<Node> {
        self.node.get_or_init(|| {
            let deadline = match (self.limit, &self.rt) {
                (Limit::After(duration), Some(rt)) => rt.deadline_after(duration),
                (Limit::At(deadline), _) => Some(deadline),
                (Limit::After(_) | Limit::Never, _) => None,
            };
            // Without one of its own, its clock is its parent's.
            let given = self.parent.as_ref().and_then(|parent| parent.rt());
            let rt = self.rt.as_ref().or(given).cloned();
            Node::new(self.parent.clone(), rt, deadline, self.is_shield)
        })
    }

    /// Runs `inside` with this as the ambient place; the former one comes back afterwards, also on a panic.
    #[inline]
    pub(crate) fn enter<T>(&self, inside: impl FnOnce() -> T) -> T {
        PLACE.with(|slot| slot.hold(self, inside))
    }
}

local! {
    static PLACE: BorrowedLocal<Place> = const { BorrowedLocal::new() };
}
