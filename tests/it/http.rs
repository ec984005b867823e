//! Bytes over HTTP: bodies, pools, timeouts, broken servers.
