use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::limit::Ticket;
use crate::places::Places;
use crate::worker::give_back;
use crate::{GrowthError, StepContext};

/// The place of a step that waits for a graph it runs: others have it meanwhile.
///
/// If a step runs several graphs at once, the first of them lends its place, and the last one takes it again.
pub(crate) struct LentPlace {
    context: StepContext,
    pub(crate) places: Arc<Places>,
    /// Whether no other graph had lent it before.
    is_first: bool,
    ticket: Option<Ticket>,
    is_over: bool,
}

impl LentPlace {
    pub(crate) fn new(context: &StepContext, path: &Arc<str>) -> Result<Self, GrowthError> {
        let crew = context.crew();
        let places = crew.change(|state| state.share_places(Arc::downgrade(crew)));
        Ok(Self {
            is_first: context.growth().begin(path)?,
            context: context.clone(),
            places,
            ticket: None,
            is_over: false,
        })
    }

    /// Lets others have the place.
    pub(crate) fn lend(&self) {
        if self.is_first {
            give_back(&self.places);
        }
    }

    /// Waits until the step has its place again, ahead of all that have not begun.
    pub(crate) fn poll_return(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let growth = self.context.growth();
        if self.ticket.is_none() && growth.end_without_place() {
            self.is_over = true;
            return Poll::Ready(());
        }
        ready!(self.places.poll_take(&mut self.ticket, cx));
        self.is_over = true;
        if !growth.end() {
            // Another graph was begun meanwhile.
            give_back(&self.places);
        }
        Poll::Ready(())
    }
}

impl Drop for LentPlace {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let has_place = self
            .ticket
            .is_some_and(|ticket| self.places.stop_waiting(ticket));
        match (has_place, self.context.growth().end()) {
            (true, false) => give_back(&self.places),
            // The step goes on at once.
            (false, true) => self.places.overdraw(),
            _ => {}
        }
    }
}

impl fmt::Debug for LentPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LentPlace")
            .field("is_first", &self.is_first)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
