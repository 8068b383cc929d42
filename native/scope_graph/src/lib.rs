//! The module dependency graph over petgraph, incremental.
