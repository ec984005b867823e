use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::limit::Ticket;
use crate::places::Places;
use crate::sharing::give_back;
use crate::{GrowthError, StepContext};

/// What a step leaves to others while it waits for a graph that it runs: its place, and the resource that it uses.
///
/// If a step runs several graphs at once, the first of them lends its place, and the last one takes it again.
pub(crate) struct LentPlace {
    context: StepContext,
    /// Whether no other graph had lent it before.
    is_first: bool,
    /// The place comes last: who has it never waits for anything else.
    lent: Vec<Lent>,
    is_over: bool,
}

struct Lent {
    places: Arc<Places>,
    ticket: Option<Ticket>,
    is_back: bool,
}

impl LentPlace {
    pub(crate) fn new(context: &StepContext, path: &Arc<str>) -> Result<Self, GrowthError> {
        let is_first = context.growth().begin(path)?;
        let lent = context.crew().share(context.number());
        let lent = lent.into_iter().map(|places| Lent {
            places,
            ticket: None,
            is_back: false,
        });
        Ok(Self {
            is_first,
            lent: lent.collect(),
            context: context.clone(),
            is_over: false,
        })
    }

    /// Lets others have the place.
    pub(crate) fn lend(&self) {
        if self.is_first {
            self.lent.iter().for_each(|lent| give_back(&lent.places));
        }
    }

    /// Waits until the step has its place again, ahead of all that have not begun.
    pub(crate) fn poll_return(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let growth = self.context.growth();
        let has_begun = self
            .lent
            .iter()
            .any(|lent| lent.is_back || lent.ticket.is_some());
        if !has_begun && growth.end_without_place() {
            self.is_over = true;
            return Poll::Ready(());
        }
        for lent in self.lent.iter_mut().filter(|lent| !lent.is_back) {
            ready!(lent.places.poll_take(&mut lent.ticket, cx));
            lent.is_back = true;
        }
        self.is_over = true;
        if !growth.end() {
            // Another graph was begun meanwhile.
            self.lent.iter().for_each(|lent| give_back(&lent.places));
        }
        Poll::Ready(())
    }
}

impl Drop for LentPlace {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let needs_all = self.context.growth().end();
        for lent in &self.lent {
            let was_kept = || {
                let ticket = lent.ticket;
                ticket.is_some_and(|ticket| lent.places.stop_waiting(ticket))
            };
            match (lent.is_back || was_kept(), needs_all) {
                (true, false) => give_back(&lent.places),
                // The step goes on at once.
                (false, true) => lent.places.overdraw(),
                _ => {}
            }
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
