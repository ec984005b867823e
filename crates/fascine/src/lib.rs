//! Everything of Fascine under one name; re-exports only.

pub use fascine_branch as branch;
pub use fascine_concurrency as concurrency;
pub use fascine_flow as flow;
pub use fascine_http as http;
pub use fascine_message as message;
pub use fascine_model as model;
pub use fascine_resilience as resilience;
pub use fascine_rt as rt;
pub use fascine_session as session;
