use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::pool::holding::Holding;
use crate::{
    ChunkStream, Model, ModelError, ModelFailure, ModelPool, PoolError, Request, Response,
};

/// The model of a key in a [`ModelPool`]: made when it is first asked, and held by each call until it has ended.
pub struct PooledModel<K, M> {
    pool: ModelPool<K, M>,
    key: K,
    name: Arc<str>,
}

impl<K, M> ModelPool<K, M>
where
    K: Clone + Eq + Hash + fmt::Debug,
    M: Model,
{
    /// The model of a key. Nothing is made until it is asked. It is called as the key is shown.
    pub fn model(&self, key: K) -> PooledModel<K, M> {
        PooledModel {
            pool: self.clone(),
            name: format!("{key:?}").into(),
            key,
        }
    }
}

impl<K, M> Model for PooledModel<K, M>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    M: Model,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            let model = this.pool.get(&this.key).await.map_err(unavailable)?;
            model.invoke(request).await
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            let model = this.pool.get(&this.key).await.map_err(unavailable)?;
            let stream = model.stream(request).await?;
            Ok(Holding::around(stream, model))
        })
    }
}

fn unavailable(error: PoolError) -> ModelError {
    ModelError::new(ModelFailure::Unavailable(Box::new(error)), 0)
}

impl<K: Clone, M> Clone for PooledModel<K, M> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            key: self.key.clone(),
            name: Arc::clone(&self.name),
        }
    }
}

impl<K, M> fmt::Debug for PooledModel<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PooledModel")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
