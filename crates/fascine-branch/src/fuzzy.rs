mod coerce;
mod coercion;
mod conform;
mod error;
mod key_matching;
mod match_keys;
mod resolve;
mod similarity;
mod variants;

pub use coercion::{Coercion, CoercionKind};
pub use conform::{Conformed, conform};
pub use error::{ConformError, MatchError};
pub use key_matching::{KeyMatching, Unmatched};
pub use match_keys::{MatchedKeys, Renamed, match_keys};
pub use similarity::Similarity;
