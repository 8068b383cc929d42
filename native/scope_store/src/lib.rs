//! Blocks in segments, in memory and on disk: index, retention, recovery, queries.
