/// What a record survives once a store has said that it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The loss of power: every append waits for the disk.
    #[default]
    Power,
    /// The end of the process, however it comes. Much faster; after a loss of power the last records may be missing.
    Process,
}
