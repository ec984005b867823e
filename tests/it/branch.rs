//! Conversations: what is stored, and what is not when a call fails.
