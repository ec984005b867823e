mod reading;
mod writing;

pub(crate) use reading::{read, read_to_count};
pub(crate) use writing::{events, whole};
