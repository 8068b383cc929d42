//! Which module depends on which, why, and what follows from it.
//!
//! A [`Graph`] holds modules and the [`Reference`]s between them: what the compiler saw
//! (compile-time, exports, runtime), with file and line, and what was observed at run time. It is
//! loaded at once ([`Graph::load`], [`Builder`]) or changed one module at a time
//! ([`Graph::replace`], [`Graph::observe`]); a module that was compiled again without depending on
//! anything else than before changes nothing.
//!
//! - who depends on whom: [`Graph::direct`], [`Graph::walk`] (with distances), [`Graph::why`] (a
//!   shortest way), [`Graph::gates`] (what no way leads around);
//! - the whole: [`Graph::components`], [`Graph::cycles`], [`Graph::layers`];
//! - what a change comes to: [`Graph::affected`];
//! - versions: a graph is a value, [`Diff`] leads from one to another, and both have a compact
//!   canonical form in bytes; [`Graph::part`] is one of some modules;
//! - everything else: [`Graph::view`] lets petgraph's algorithms run on it without a copy.
//!
//! It does not find dependencies, read files or know Erlang, and nothing in it recurses.
//!
//! An example is at [`Graph`].

mod affected;
mod builder;
mod change;
mod codec;
mod components;
mod cycles;
mod diff;
mod direction;
mod error;
mod fact;
mod gates;
mod graph;
mod groups;
mod kind;
mod layers;
mod link;
mod minus;
mod names;
mod part;
mod reach;
mod reference;
mod view;
mod why;

pub use affected::{Affected, Extent};
pub use builder::{Builder, FileId};
pub use change::Change;
pub use components::Components;
pub use cycles::Cycle;
pub use diff::Diff;
pub use direction::Direction;
pub use error::{DecodeError, GraphError};
pub use graph::{Graph, ModuleId, Version};
pub use kind::{Kind, Kinds};
pub use layers::Layers;
pub use reach::{Reach, Walk};
pub use reference::{Place, Reference};
pub use view::{Marks, Neighbours, View};
