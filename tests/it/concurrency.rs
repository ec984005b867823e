//! Starting several things and ending them together.
