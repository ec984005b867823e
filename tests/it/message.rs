//! Messages as data.
