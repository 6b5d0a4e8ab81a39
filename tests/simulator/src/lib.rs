//! The vendor as a stateful HTTP server, with faults and an audit
