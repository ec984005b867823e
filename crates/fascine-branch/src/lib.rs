//! A conversation with a model that keeps its history.
//!
//! A turn of a [`Branch`] is all or nothing: the question and its answer enter the history together, and a call that
//! fails or is dropped leaves it as it was. Calls on one branch take turns; forks go their own ways.
//!
//! ```
//! use fascine_branch::Branch;
//! use fascine_model::ScriptedModel;
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let model = ScriptedModel::new(&rt).with_answer("Eight.").with_answer("Six.");
//! let branch = Branch::new("zoology", model).with_system("Answer in one word.");
//! assert_eq!(branch.communicate("How many legs has a spider?").await.unwrap().text(), "Eight.");
//!
//! let fork = branch.fork("insects");
//! assert_eq!(fork.communicate("And a beetle?").await.unwrap().text(), "Six.");
//! assert_eq!((branch.history().len(), fork.history().len()), (2, 4));
//! # });
//! ```
//!
//! # Answers as values
//!
//! [`decode`] makes a value of the text of an answer, in steps that stand for themselves: [`repair_json`] reads JSON however it was
//! written, [`conform`] fits it to a [`Schema`], [`Schema::validate`] says what is wrong with it. [`PartialParser`] and
//! [`PartialDecoder`] show it while it is being written. None of this asks a model, and all of it is bounded.

mod branch;
mod decode;
mod error;
mod fuzzy;
mod history;
mod json_path;
mod partial;
mod repair;
mod reply;
mod schema;

pub use branch::Branch;
pub use decode::{DecodeError, DecodeFailure, DecodeOptions, Decoded, Incomplete, decode};
pub use error::BranchError;
pub use fuzzy::{
    Coercion, CoercionKind, ConformError, Conformed, KeyMatching, MatchError, MatchedKeys, Renamed,
    Similarity, Unmatched, conform, match_keys,
};
pub use history::History;
pub use json_path::JsonPath;
pub use partial::{PartialDecoder, PartialParser, Snapshot};
pub use repair::{Repair, RepairError, RepairKind, RepairLimits, Repaired, repair_json};
pub use reply::Reply;
pub use schema::{Schema, SchemaError, Violation};
