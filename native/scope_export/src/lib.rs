//! The formats other tools read.
