mod error;
pub use error::RecordError;
