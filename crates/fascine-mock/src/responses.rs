mod reading;
mod writing;

pub(crate) use reading::read;
pub(crate) use writing::{events, whole};
