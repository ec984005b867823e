//! Operations of branches as the steps of a flow.
