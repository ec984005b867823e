use std::io;
use std::net::SocketAddr;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MockError {
    /// The address cannot be listened at: the port is in use, say.
    #[error("cannot listen at {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// A reset comes before the request is read, so it cannot depend on what the request says.
    #[error(
        "a reset cannot depend on the request's text (`{when}`): choose it by number or by script"
    )]
    ResetByContent {
        /// The text it was to depend on.
        when: String,
    },
}
