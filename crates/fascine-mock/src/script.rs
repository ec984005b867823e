use std::fmt;
use std::sync::Arc;

use crate::hash::share;
use crate::{Api, Fault};

/// Which fault befalls which request.
///
/// # Examples
///
/// ```
/// use fascine_mock::{Fault, MockServer, Script};
///
/// // The first request is cut off, the second is answered, the third meets an error.
/// let by_list = Script::list([Some(Fault::CloseMidBody), None, Some(Fault::Status(500))]);
/// // One in five, three times as often a 503 as a reset.
/// let by_seed = Script::mix(7, 0.2, [(3, Fault::Status(503)), (1, Fault::Reset)]);
/// let server = MockServer::builder().with_script(by_list).with_script(by_seed);
/// ```
#[derive(Clone)]
pub struct Script {
    kind: Kind,
}

/// What a script of the user's own knows of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arrival<'a> {
    /// Its number, from 1, in the order in which requests arrive.
    pub number: u64,
    /// The API it speaks.
    pub api: Api,
    /// Whether it wants a stream.
    pub stream: bool,
    /// The last thing that was said from the user's side.
    pub asked: &'a str,
}

type Chosen = dyn Fn(&Arrival<'_>) -> Option<Fault> + Send + Sync;

#[derive(Clone)]
enum Kind {
    List(Vec<Option<Fault>>),
    Mix {
        seed: u64,
        rate: f64,
        faults: Vec<(u32, Fault)>,
    },
    Own(Arc<Chosen>),
}

impl Script {
    /// The first request gets the first fault, or none, and so on; behind the end there are no faults.
    #[must_use]
    pub fn list(faults: impl IntoIterator<Item = Option<Fault>>) -> Self {
        Self {
            kind: Kind::List(faults.into_iter().collect()),
        }
    }

    /// A share of all requests (`rate`, from 0 to 1) gets one of the faults, by weight; which ones depends on the seed
    /// and the number of the request alone.
    #[must_use]
    pub fn mix(seed: u64, rate: f64, faults: impl IntoIterator<Item = (u32, Fault)>) -> Self {
        let faults = faults.into_iter().collect();
        Self {
            kind: Kind::Mix { seed, rate, faults },
        }
    }

    /// What the function says. A [`Fault::Reset`] it cannot give: that comes before the request is read.
    #[must_use]
    pub fn from_fn(choose: impl Fn(&Arrival<'_>) -> Option<Fault> + Send + Sync + 'static) -> Self {
        Self {
            kind: Kind::Own(Arc::new(choose)),
        }
    }

    /// The fault for a request of which nothing is known but its number.
    pub(crate) fn by_number(&self, number: u64) -> Option<&Fault> {
        match &self.kind {
            Kind::List(faults) => {
                let index = usize::try_from(number.checked_sub(1)?).ok()?;
                faults.get(index)?.as_ref()
            }
            Kind::Mix { seed, rate, faults } => {
                let number = number.to_string();
                if share(*seed, &number) >= *rate {
                    return None;
                }
                let total: u64 = faults.iter().map(|(weight, _)| u64::from(*weight)).sum();
                let mut left = share(!*seed, &number) * total as f64;
                let mut weighted = faults.iter().filter(|(weight, _)| *weight > 0);
                weighted
                    .find(|(weight, _)| {
                        left -= f64::from(*weight);
                        left < 0.0
                    })
                    .map(|(_, fault)| fault)
            }
            Kind::Own(_) => None,
        }
    }

    pub(crate) fn fault(&self, arrival: &Arrival<'_>) -> Option<Fault> {
        match &self.kind {
            Kind::Own(choose) => choose(arrival),
            _ => self.by_number(arrival.number).cloned(),
        }
    }

    /// Whether it may reset connections.
    pub(crate) fn may_reset(&self) -> bool {
        match &self.kind {
            Kind::List(faults) => faults.contains(&Some(Fault::Reset)),
            Kind::Mix { faults, .. } => faults.iter().any(|(_, fault)| *fault == Fault::Reset),
            Kind::Own(_) => false,
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::List(faults) => f.debug_tuple("List").field(faults).finish(),
            Kind::Mix { seed, rate, faults } => f
                .debug_struct("Mix")
                .field("seed", seed)
                .field("rate", rate)
                .field("faults", faults)
                .finish(),
            Kind::Own(_) => f.write_str("Own"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_keeps_to_its_rate_and_its_weights() {
        let script = Script::mix(
            3,
            0.2,
            [(3, Fault::Html), (0, Fault::Reset), (1, Fault::Garbage)],
        );
        let faults: Vec<_> = (1..=10_000)
            .filter_map(|number| script.by_number(number))
            .collect();
        assert!((1900..2100).contains(&faults.len()), "{}", faults.len());
        let html = faults
            .iter()
            .filter(|fault| ***fault == Fault::Html)
            .count();
        let garbage = faults.len() - html;
        assert!(
            (2.6..3.4).contains(&(html as f64 / garbage as f64)),
            "{html} {garbage}"
        );
        let again: Vec<_> = (1..=10_000)
            .filter_map(|number| script.by_number(number))
            .collect();
        assert_eq!(faults, again);
    }
}
