//! `export_*`: events in the formats that other tools read. A table is written from what a reading found,
//! a part at a time; what shows causes from a picture.

mod table;
mod told;
mod trace;
mod value;

use rustler::{Encoder, Env, Term};

/// What went wrong, in words.
fn text<'a>(env: Env<'a>, text: &str) -> Term<'a> {
    text.encode(env)
}
