use std::error::Error;

/// Why a pool gave no service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// There is no room for another service.
    #[error("all {capacity} services of the pool are in use")]
    Full {
        /// How many there may be.
        capacity: usize,
    },
    /// It could not be made.
    #[error("the service could not be made")]
    Make(#[source] Box<dyn Error + Send + Sync>),
}
