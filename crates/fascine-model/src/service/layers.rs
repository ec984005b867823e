use std::sync::Arc;

use fascine_resilience::Hedge;

use super::inside::Inside;
use super::member::Member;
use crate::canonical::identity_of;
use crate::single_flight::{Rider, Sharing};
use crate::{CachedModel, FallbackModel, HedgedModel, Model, Provider, ResponseCache};

/// What goes round the requests of a service. The cache is outermost, then come the other models, then the hedge, and
/// each of its calls has retries of its own.
#[derive(Debug)]
pub(crate) struct Layers {
    identity: String,
    cache: Option<(ResponseCache, Sharing)>,
    others: Vec<Arc<dyn Model>>,
    hedge: Option<Hedge>,
}

impl Layers {
    /// What goes round the requests to the provider; `None` if there is nothing.
    pub(crate) fn new(
        provider: &dyn Provider,
        cache: Option<ResponseCache>,
        others: Vec<Arc<dyn Model>>,
        hedge: Option<Hedge>,
    ) -> Option<Box<Self>> {
        if cache.is_none() && others.is_empty() && hedge.is_none() {
            return None;
        }
        let own = identity_of(provider);
        let identity = others
            .iter()
            .fold(own, |all, other| format!("{all} or {}", other.identity()));
        Some(Box::new(Self {
            cache: cache.map(|cache| (cache, Sharing::new(identity.clone()))),
            identity,
            others,
            hedge,
        }))
    }

    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// The model that one call asks.
    pub(crate) fn around(&self, inside: Inside) -> Arc<dyn Model> {
        let (service, ledger) = (Arc::clone(&inside.service), Arc::clone(&inside.ledger));
        let mut model: Arc<dyn Model> = Arc::new(inside);
        if let Some(hedge) = &self.hedge {
            model = Arc::new(HedgedModel::new(model, hedge.clone()));
        }
        if !self.others.is_empty() {
            let others = self.others.iter().map(|other| Member {
                model: Arc::clone(other),
                service: Arc::clone(&service),
                ledger: Arc::clone(&ledger),
            });
            model = Arc::new(others.fold(FallbackModel::new(model), FallbackModel::or));
        }
        let Some((cache, sharing)) = &self.cache else {
            return model;
        };
        let key = ledger.key;
        let rider = Rider::new(key.id, move |other| service.calls.follow(key, other));
        let sharing = sharing.clone().with_rider(rider);
        Arc::new(CachedModel::sharing(model, cache.clone(), sharing))
    }
}
