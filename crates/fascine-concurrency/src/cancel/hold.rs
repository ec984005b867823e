use std::fmt;
use std::sync::{Arc, Weak};

use crate::cancel::node::{HeldBy, Node};
use crate::cancel::observers::Observer;

/// Keeps the scopes above from ending while it lives, even if they are cancelled: there is a shield, a clean-up or a
/// group of tasks below them.
pub(crate) struct Hold {
    by: HeldBy,
    held: Vec<(Arc<Node>, Option<usize>)>,
}

impl Hold {
    /// Holds `parent` and the scopes above it, up to and including the first shield: what is above that one is held
    /// off by it.
    pub(crate) fn new(
        by: HeldBy,
        parent: Option<&Arc<Node>>,
        observer: Option<&Weak<dyn Observer>>,
    ) -> Self {
        let held = parent.into_iter().flat_map(Node::visible).map(|node| {
            let key = node.hold(by, observer.cloned());
            (node, key)
        });
        Self {
            by,
            held: held.collect(),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // The innermost first, so that the outermost, which ends them all, is told last.
        for (node, observer) in self.held.drain(..) {
            node.release(self.by, observer);
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("scopes", &self.held.len())
            .finish()
    }
}

/// Hears of news of a scope further out on whose timer it relies.
#[derive(Debug)]
pub(crate) struct Observing {
    node: Arc<Node>,
    key: usize,
}

impl Observing {
    pub(crate) fn new(node: Arc<Node>, observer: Weak<dyn Observer>) -> Self {
        let key = node.observe(observer);
        Self { node, key }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }
}

impl Drop for Observing {
    fn drop(&mut self) {
        self.node.unobserve(self.key);
    }
}
