//! What each replica has, and the smallest exchange that makes two of them equal: a pure state machine.
