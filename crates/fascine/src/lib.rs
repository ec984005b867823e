//! Everything under one name.
