use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::event_kind::EventKinds;
use crate::observers::EventQueue;
use crate::{Branch, EventKind, EventRecord, Events, Observation};

/// Being told what happens.
///
/// Events are made only if somebody listens. Forks begin with no observers, unless they
/// [take them over](crate::BranchBuilder::inherit_observers).
impl Branch {
    /// Tells `handler` of everything that happens from now on, until the [`Observation`] is dropped.
    ///
    /// Handlers run one after the other, in the order they came, in the middle of what they are told of: they must not
    /// block. They may call the branch's readers, as nothing is locked. One that panics is [counted](Self::observer_panics),
    /// the others are told, of the event and of the panic.
    ///
    /// Tools that run at the same time on several threads tell at the same time: the numbers of the events say in which
    /// order they happened.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_branch::{Branch, BranchEvent, EventRecord};
    /// use fascine_model::EchoModel;
    /// use std::sync::{Arc, Mutex};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let branch = Branch::new(&rt, "chat", EchoModel);
    /// let told = Arc::new(Mutex::new(Vec::new()));
    /// let observation = branch.observe({
    ///     let told = told.clone();
    ///     move |record: &EventRecord| told.lock().unwrap().push(record.kind().as_str())
    /// });
    /// branch.communicate("Hello").await.unwrap();
    /// drop(observation);
    /// branch.communicate("Nobody listens").await.unwrap();
    /// assert_eq!(*told.lock().unwrap(), ["turn_started", "committed"]);
    /// # });
    /// ```
    pub fn observe(&self, handler: impl Fn(&EventRecord) + Send + Sync + 'static) -> Observation {
        self.listen(EventKinds::ALL, Box::new(handler))
    }

    /// Tells `handler` of events of these kinds alone; the same as [`observe`](Self::observe) otherwise.
    pub fn observe_kinds(
        &self,
        kinds: impl IntoIterator<Item = EventKind>,
        handler: impl Fn(&EventRecord) + Send + Sync + 'static,
    ) -> Observation {
        self.listen(kinds.into_iter().collect(), Box::new(handler))
    }

    /// What happens from now on, as a stream that holds so many events until they are read.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_branch::{Branch, EventKind};
    /// use fascine_model::EchoModel;
    /// use futures_lite::StreamExt;
    /// use std::num::NonZeroUsize;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let branch = Branch::new(&rt, "chat", EchoModel);
    /// let mut events = branch.events(NonZeroUsize::new(100).unwrap());
    /// branch.communicate("Hello").await.unwrap();
    /// drop(branch);
    /// let mut kinds = Vec::new();
    /// while let Some(record) = events.next().await {
    ///     kinds.push(record.unwrap().kind());
    /// }
    /// assert_eq!(kinds, [EventKind::TurnStarted, EventKind::Committed]);
    /// # });
    /// ```
    pub fn events(&self, capacity: NonZeroUsize) -> Events {
        let queue = EventQueue::new(EventKinds::ALL, capacity);
        Events::new(self.observers().hub(), queue)
    }

    /// The events of these kinds alone; the same as [`events`](Self::events) otherwise.
    pub fn events_of_kinds(
        &self,
        kinds: impl IntoIterator<Item = EventKind>,
        capacity: NonZeroUsize,
    ) -> Events {
        let queue = EventQueue::new(kinds.into_iter().collect(), capacity);
        Events::new(self.observers().hub(), queue)
    }

    /// Goes on telling what happens in this branch.
    pub fn enable_events(&self) {
        self.observers().enable(true);
    }

    /// Tells nobody what happens in this branch, until it is [enabled](Self::enable_events) again. Observers and
    /// streams stay; a [log](crate::BranchLog) is no observer, and goes on.
    pub fn disable_events(&self) {
        self.observers().enable(false);
    }

    /// Whether it is told what happens in this branch.
    #[must_use]
    pub fn events_enabled(&self) -> bool {
        self.observers().is_enabled()
    }

    /// How often an observer of this branch panicked.
    #[must_use]
    pub fn observer_panics(&self) -> u64 {
        self.observers().panics()
    }

    fn listen(
        &self,
        kinds: EventKinds,
        handler: Box<dyn Fn(&EventRecord) + Send + Sync>,
    ) -> Observation {
        let hub = self.observers().hub();
        let id = hub.add(kinds, handler);
        Observation::new(Arc::downgrade(hub), id)
    }
}
