//! Which traces want what, as a trace point has to know it: without a lock, a wait or an allocation.
//!
//! Up to 64 traces run at one time, each with a bit of its own. A [`Points`] answers for a function
//! called by a process, or for anything else that a process does, with the set of traces that want
//! it. What a trace used of its budgets is counted where the events are drained: [`Usage`]. There, too,
//! wait the calls of which only slow ones are kept: [`Held`]. Where more comes than a trace may record,
//! [`Thinning`] says what is left out.
//!
//! It is not a tracer: it knows neither the virtual machine nor events, words are opaque to it, and it
//! takes nothing away by itself.
//!
//! # Examples
//!
//! ```
//! use scope_trace::{Function, Points, Traces, Wish};
//!
//! static POINTS: Points = Points::new();
//!
//! let (orders, place) = (Traces::of(3), Function { name: 0x2b_0000_001b, arity: 2 });
//! POINTS.begin(orders, &Wish { any_process: true, ..Wish::default() });
//! POINTS.add_function(place, orders, Traces::NONE);
//! POINTS.go(orders);
//!
//! assert_eq!(POINTS.of_call(place, 77), orders);
//! POINTS.end(orders);
//! assert!(POINTS.of_call(place, 77).is_empty());
//! ```

mod calls;
mod held;
mod places;
mod points;
mod primitive;
mod sets;
mod thinning;
mod traces;
mod usage;
mod words;

pub use calls::{OpenCalls, RUNAWAY};
pub use held::{HELD_BYTES, HELD_CALLS, Held, Order, Released, Seen, Side};
pub use places::Places;
pub use points::{Function, LIMITS, Points, Wish};
pub use sets::Sets;
pub use thinning::{Decision, TOP, Thinning, Unit};
pub use traces::{TRACES, Traces};
pub use usage::{Usage, Used};
