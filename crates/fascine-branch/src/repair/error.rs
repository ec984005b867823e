/// Why a text gives no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RepairError {
    /// There is nothing in it but space.
    #[error("the text is empty")]
    Empty,
    /// There is something in it, and none of it is JSON.
    #[error("there is no JSON in the text of {bytes} bytes")]
    NoJson {
        /// The length of the text, in bytes.
        bytes: usize,
    },
    /// Arrays and objects are nested deeper than [`RepairLimits::depth`](crate::RepairLimits::depth).
    #[error("the JSON is nested deeper than {limit} levels at byte {at}")]
    TooDeep {
        /// Where the level too many begins, in bytes.
        at: usize,
        /// The bound, in levels.
        limit: usize,
    },
    /// The text is longer than [`RepairLimits::bytes`](crate::RepairLimits::bytes).
    #[error("the text has {bytes} bytes, and at most {limit} are read")]
    TooLarge {
        /// The length of the text, in bytes.
        bytes: usize,
        /// The bound, in bytes.
        limit: usize,
    },
    /// To read it takes more than [`RepairLimits::steps`](crate::RepairLimits::steps).
    #[error("the JSON is too broken to be read in {limit} steps, which took it to byte {at}")]
    TooMuchWork {
        /// How far it was read, in bytes.
        at: usize,
        /// The bound, in steps.
        limit: u64,
    },
}
