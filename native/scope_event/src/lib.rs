//! The event model: bounded terms, structural deltas, dictionaries and the block codec.
