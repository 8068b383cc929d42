//! One single-producer ring per OS thread, a table of lanes, exact loss counters, one wake-up.
