mod account;
mod decoder;
mod escape;
mod machine;
mod parser;
mod snapshot;
mod start;
mod tree;

pub use decoder::PartialDecoder;
pub use parser::PartialParser;
pub use snapshot::Snapshot;
