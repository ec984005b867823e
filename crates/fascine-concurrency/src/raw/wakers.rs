#![expect(
    unsafe_code,
    reason = "std makes wakers of whole `Arc`s only: one allocation for each child"
)]

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::combinators::ready_list::{Link, ReadyList};

/// The wakers of a slice of children: all in one block, which is made when the first of them is cloned or woken.
///
/// A child that is ready at its first poll costs no waker. The block lives as long as any waker of it.
pub(crate) struct Wakers {
    block: OnceLock<Arc<Block>>,
    /// The index of the first child of the slice.
    base: u32,
    len: u32,
}

impl Wakers {
    /// For the children with the indices from `base` on, `base + len` of which must not exceed
    /// [`MAX_CHILDREN`](crate::combinators::ready_list::MAX_CHILDREN).
    #[inline]
    pub(crate) fn new(base: u32, len: u32) -> Self {
        Self {
            block: OnceLock::new(),
            base,
            len,
        }
    }

    /// Lends wakers for first polls; what they wake goes to the list of `root`, or to its own if there is none.
    #[inline]
    pub(crate) fn lend<R>(&self, root: Option<&Self>, run: impl FnOnce(&mut Lent<'_>) -> R) -> R {
        let lazy = Lazy {
            wakers: self,
            root,
            index: AtomicU32::new(self.base),
        };
        let waker = RawWaker::new((&raw const lazy).cast(), &LAZY);
        // SAFETY: `lazy` lives until this function returns. The waker is lent by reference, for less long than that, and
        // never dropped: it owns nothing. Its clones are wakers of nodes.
        let waker = ManuallyDrop::new(unsafe { Waker::from_raw(waker) });
        run(&mut Lent {
            lazy: &lazy,
            waker: &waker,
        })
    }

    /// Runs something with the waker of a child that may never have had one; as [`lend`](Self::lend) does.
    #[inline]
    pub(crate) fn with_first<R>(
        &self,
        root: Option<&Self>,
        index: u32,
        run: impl FnOnce(&Waker) -> R,
    ) -> R {
        match self.block.get() {
            Some(_) => self.with(index, run),
            None => self.lend(root, |lent| run(lent.waker(index))),
        }
    }

    /// Runs something with the waker of a child that was on the list.
    #[inline]
    pub(crate) fn with<R>(&self, index: u32, run: impl FnOnce(&Waker) -> R) -> R {
        let node = self.node(index);
        // SAFETY: the block, and so the node, lives as long as `self`, which is longer than this function runs. The waker
        // is lent by reference and never dropped: it has no share of the block. Its clones do.
        let waker = ManuallyDrop::new(unsafe { Waker::from_raw(node.raw_waker()) });
        run(&waker)
    }

    /// The list that these wakers push to, if one of them was ever cloned or woken. Of a root only.
    #[inline]
    pub(crate) fn list(&self) -> Option<&ReadyList> {
        self.block.get().map(|block| &block.list)
    }

    /// The place on the list of a child that was on it.
    #[inline]
    pub(crate) fn link(&self, index: u32) -> &Link {
        &self.node(index).link
    }

    #[inline]
    fn node(&self, index: u32) -> &Node {
        let block = self
            .block
            .get()
            .expect("a child that was woken has a waker");
        &block.nodes[(index - self.base) as usize]
    }

    fn block(&self, root: Option<&Self>) -> &Arc<Block> {
        self.block.get_or_init(|| {
            let root = root.map(|root| Arc::clone(root.block(None)));
            Block::new(self.base, self.len, root)
        })
    }
}

/// A waker that stands for one child after the other.
pub(crate) struct Lent<'a> {
    lazy: &'a Lazy<'a>,
    waker: &'a Waker,
}

impl Lent<'_> {
    /// The waker of a child of the slice, until the next one is asked for.
    #[inline]
    pub(crate) fn waker(&mut self, index: u32) -> &Waker {
        self.lazy.index.store(index, Ordering::Relaxed);
        self.waker
    }
}

impl Drop for Wakers {
    #[inline]
    fn drop(&mut self) {
        if let Some(block) = self.block.get()
            && Arc::strong_count(block) > 1
        {
            block.list.disconnect();
        }
    }
}

struct Block {
    list: ReadyList,
    /// Whose list is used instead.
    root: Option<Arc<Block>>,
    nodes: Box<[Node]>,
}

impl Block {
    fn new(base: u32, len: u32, root: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new_cyclic(|block: &Weak<Self>| Self {
            list: ReadyList::new(),
            root,
            nodes: (base..base + len)
                .map(|index| Node {
                    block: AtomicPtr::new(block.as_ptr().cast_mut()),
                    link: Link::new(index),
                })
                .collect(),
        })
    }
}

struct Node {
    /// The block this node is in. It never changes; an atomic is `Send` and `Sync` as a raw pointer is not.
    block: AtomicPtr<Block>,
    link: Link,
}

impl Node {
    fn raw_waker(&self) -> RawWaker {
        RawWaker::new((&raw const *self).cast(), &NODE)
    }

    fn block(&self) -> *const Block {
        self.block.load(Ordering::Relaxed)
    }

    /// # Safety
    ///
    /// The block must be alive during the call.
    unsafe fn wake(&self) {
        // SAFETY: the caller keeps the block alive.
        let block = unsafe { &*self.block() };
        let list = match &block.root {
            Some(root) => &root.list,
            None => &block.list,
        };
        list.push(&self.link);
    }
}

/// The waker of a child: a node, and a share of its block.
static NODE: RawWakerVTable = RawWakerVTable::new(
    |node| {
        // SAFETY: the waker that is cloned keeps the block, and so the node, alive. The block is in an `Arc` that
        // `Block::new` made, of which the clone holds one more.
        unsafe {
            let node = &*node.cast::<Node>();
            Arc::increment_strong_count(node.block());
            node.raw_waker()
        }
    },
    |node| {
        // SAFETY: as above; the waker's share of the block ends with this function.
        unsafe {
            let node = &*node.cast::<Node>();
            let _share = Arc::from_raw(node.block());
            node.wake();
        }
    },
    // SAFETY: the waker is borrowed, so it keeps the block alive until this returns.
    |node| unsafe { (*node.cast::<Node>()).wake() },
    // SAFETY: the waker's share of the block ends here.
    |node| unsafe { drop(Arc::from_raw((*node.cast::<Node>()).block())) },
);

/// What the waker of a first poll points to. It may be used from several threads at once.
struct Lazy<'a> {
    wakers: &'a Wakers,
    root: Option<&'a Wakers>,
    index: AtomicU32,
}

impl Lazy<'_> {
    fn node(&self) -> &Node {
        self.wakers.block(self.root);
        self.wakers.node(self.index.load(Ordering::Relaxed))
    }

    fn wake(&self) {
        // SAFETY: the block is kept by `self.wakers`.
        unsafe { self.node().wake() }
    }
}

/// A waker that is only ever borrowed.
static LAZY: RawWakerVTable = RawWakerVTable::new(
    |lazy| {
        // SAFETY: it points to the `Lazy` of `lend`, during which alone it can be cloned. The node's share is
        // counted before its waker is made.
        unsafe {
            let node = (*lazy.cast::<Lazy<'_>>()).node();
            Arc::increment_strong_count(node.block());
            node.raw_waker()
        }
    },
    // SAFETY: as above; it owns nothing.
    |lazy| unsafe { (*lazy.cast::<Lazy<'_>>()).wake() },
    // SAFETY: as above.
    |lazy| unsafe { (*lazy.cast::<Lazy<'_>>()).wake() },
    |_| {},
);

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<Block>();
    shared_between_threads::<Lazy<'_>>();
};
