//! Functions that the machine calls directly.
//!
//! The generated wrapper of an ordinary NIF collects its arguments in a vector and catches panics,
//! which costs more than recording an event does. What is registered here must not panic.

use crate::erl::{Env, Term};
use rustler::sys::{ErlNifEnv, ErlNifTerm};
use std::ffi::c_int;

/// A function that the machine calls directly.
pub(crate) type Function =
    unsafe extern "C" fn(*mut ErlNifEnv, c_int, *const ErlNifTerm) -> ErlNifTerm;

/// Registers a raw function under the name and arity that the Erlang side knows.
macro_rules! register {
    ($name:literal / $arity:literal => $function:path) => {
        rustler::codegen_runtime::inventory::submit! {
            rustler::Nif {
                name: $name.as_ptr(),
                arity: $arity,
                flags: 0,
                raw_func: $function as $crate::raw::Function,
            }
        }
    };
}
pub(crate) use register;

/// The arguments of a raw function.
///
/// # Safety
/// To be called with what the machine gave to a function that was registered with arity `N`.
pub(crate) unsafe fn arguments<'e, const N: usize>(
    env: *mut ErlNifEnv,
    argv: *const ErlNifTerm,
) -> (Env<'e>, [Term<'e>; N]) {
    // SAFETY: the machine passes as many terms as the arity says, all of this environment.
    unsafe {
        let env = Env::new(env);
        let terms = *argv.cast::<[ErlNifTerm; N]>();
        (env, terms.map(|term| env.term(term)))
    }
}
