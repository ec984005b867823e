//! The embedded model server.
