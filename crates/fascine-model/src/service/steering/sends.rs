use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// When the last requests were sent, and which of them were refused.
#[derive(Debug, Default)]
pub(super) struct Sends {
    /// The number of the first of the list.
    first: u64,
    sends: VecDeque<(Instant, Fate)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Passed,
    Refused,
    /// Not known yet; what never becomes known may have been let through.
    Unknown,
}

impl Sends {
    pub(super) fn push(&mut self, now: Instant) -> u64 {
        if self.sends.len() == KEPT {
            self.sends.pop_front();
            self.first += 1;
        }
        self.sends.push_back((now, Fate::Unknown));
        self.first + self.sends.len() as u64 - 1
    }

    pub(super) fn passed(&mut self, number: u64) {
        self.tell(number, Fate::Passed);
    }

    pub(super) fn refused(&mut self, number: u64) {
        self.tell(number, Fate::Refused);
    }

    fn tell(&mut self, number: u64, fate: Fate) {
        let index = number.checked_sub(self.first);
        let index = index.and_then(|index| usize::try_from(index).ok());
        if let Some(send) = index.and_then(|index| self.sends.get_mut(index)) {
            send.1 = fate;
        }
    }

    /// When those were sent that may have been let through, until `end`, the last one first.
    pub(super) fn let_through(&self, end: Instant) -> impl Iterator<Item = Instant> + '_ {
        let sends = self.sends.iter().rev();
        sends
            .filter(move |(at, fate)| *at <= end && *fate != Fate::Refused)
            .map(|(at, _)| *at)
    }

    /// How many of those were sent in the window of that length that ends at `until`.
    pub(super) fn in_window(&self, end: Instant, until: Instant, per: Duration) -> u64 {
        // Waits are rounded up to what a header can say.
        let per = per.saturating_add(per / 200).saturating_add(ROUNDING);
        let sends = self.let_through(end);
        let inside = sends.take_while(|at| until.saturating_duration_since(*at) <= per);
        inside.count() as u64
    }
}

const KEPT: usize = 4096;
const ROUNDING: Duration = Duration::from_millis(1);
