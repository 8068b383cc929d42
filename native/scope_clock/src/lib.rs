//! Hybrid logical clock of a scope: one affine function under a sequence lock, NTP64 stamps.
