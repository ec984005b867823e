use fascine_message::Usage;
use fascine_resilience::Reservation;

use super::cost::{Cost, QUOTAS};

/// The reservation of a request. Before it is sent it is given back when dropped; from then on it counts, whatever
/// becomes of the request.
pub(crate) struct OnItsWay {
    reserved: Option<Reservation>,
    estimate: Cost,
    there: [bool; QUOTAS.len()],
    was_sent: bool,
}

impl OnItsWay {
    pub(crate) fn new(reserved: Reservation, estimate: Cost, there: [bool; QUOTAS.len()]) -> Self {
        Self {
            reserved: Some(reserved),
            estimate,
            there,
            was_sent: false,
        }
    }

    /// From now on it counts.
    pub(crate) fn sends(&mut self) {
        self.was_sent = true;
    }

    /// Corrects the estimate to what the provider counted, if it did.
    pub(crate) fn settle(&mut self, usage: Usage) {
        if !usage.is_empty() {
            self.settle_for(&Cost::of_usage(usage));
        }
    }

    /// The provider would not have it: the request counts, and nothing was read or written. Of one that failed over
    /// there, nobody knows.
    pub(crate) fn refused(&mut self) {
        self.settle_for(&Cost::of_requests_alone());
    }

    /// Gives everything back: it was not sent after all.
    pub(crate) fn refund(&mut self) {
        self.reserved = None;
    }

    fn settle_for(&mut self, cost: &Cost) {
        let Some(reserved) = self.reserved.take() else {
            return;
        };
        if *cost == self.estimate {
            reserved.commit();
        } else {
            // The names are the limiter's own.
            let _ = reserved.settle(cost.named(self.there).as_slice());
        }
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        if let Some(reserved) = self.reserved.take()
            && self.was_sent
        {
            reserved.commit();
        }
    }
}
