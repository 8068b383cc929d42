//! Terms of the virtual machine, seen only through predicates that are safe in a tracer.
//!
//! Everything here is allowed with the traced process's locks held: nothing allocates, waits or
//! makes a term. What is missing is missing on purpose: the type query aborts the newest machine
//! on a native record, the length of a list is a walk over all of it, and an external encoding has
//! no bound.

use rustler::sys::{
    ErlNifBinary, ErlNifCharEncoding, ErlNifEnv, ErlNifMapIterator, ErlNifMapIteratorEntry,
    ErlNifPid, ErlNifTerm, enif_get_atom, enif_get_double, enif_get_int64, enif_get_list_cell,
    enif_get_local_pid, enif_get_map_size, enif_get_map_value, enif_get_tuple, enif_inspect_binary,
    enif_is_atom, enif_is_binary, enif_is_empty_list, enif_is_fun, enif_is_list, enif_is_map,
    enif_is_number, enif_is_pid, enif_is_port, enif_is_ref, enif_map_iterator_create,
    enif_map_iterator_destroy, enif_map_iterator_get_pair, enif_map_iterator_next,
    enif_release_binary, enif_self, enif_term_to_binary,
};
use std::ffi::{c_char, c_int, c_uint};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// Characters of the longest atom.
const LONGEST_ATOM: usize = 255;

/// The environment of a call: terms got from it live as long as it does.
#[derive(Clone, Copy)]
pub(crate) struct Env<'e> {
    raw: *mut ErlNifEnv,
    call: PhantomData<&'e ErlNifEnv>,
}

/// A term that is only looked at.
#[derive(Clone, Copy)]
pub(crate) struct Term<'e> {
    env: Env<'e>,
    raw: ErlNifTerm,
}

impl<'e> Env<'e> {
    /// # Safety
    /// `raw` is the environment of the running call, and `'e` does not outlast it.
    pub(crate) unsafe fn new(raw: *mut ErlNifEnv) -> Self {
        Self {
            raw,
            call: PhantomData,
        }
    }

    /// # Safety
    /// `raw` belongs to this environment.
    pub(crate) unsafe fn term(self, raw: ErlNifTerm) -> Term<'e> {
        Term { env: self, raw }
    }

    /// The word of the calling process; 0 where no process calls.
    pub(crate) fn caller(self) -> u64 {
        let mut pid = MaybeUninit::<ErlNifPid>::uninit();
        // SAFETY: the environment is the running call's; the pid is read only if it was written.
        unsafe {
            if enif_self(self.raw, pid.as_mut_ptr()).is_null() {
                return 0;
            }
            word_of_pid(&pid.assume_init())
        }
    }
}

impl Env<'_> {
    /// Writes the text of an atom into `room`, as UTF-8, and answers its length; `None` for one that
    /// has characters outside Latin-1.
    pub(crate) fn latin1_text(self, word: u64, room: &mut [u8]) -> Option<usize> {
        let mut latin1 = [0u8; LONGEST_ATOM + 1];
        let latin1_size = LONGEST_ATOM as c_uint + 1;
        // SAFETY: `word` is that of an atom; at most so many bytes are written.
        let written = unsafe {
            let to = latin1.as_mut_ptr().cast::<c_char>();
            let encoding = ErlNifCharEncoding::ERL_NIF_LATIN1;
            enif_get_atom(self.raw, term_of(word), to, latin1_size, encoding)
        };
        let length = usize::try_from(written).ok()?.checked_sub(1)?;
        let mut used = 0;
        for byte in &latin1[..length] {
            let to = room.get_mut(used..)?;
            let character = char::from(*byte);
            used += to
                .get_mut(..character.len_utf8())
                .map(|to| character.encode_utf8(to).len())?;
        }
        Some(used)
    }
}

impl<'e> Term<'e> {
    /// The environment it belongs to.
    pub(crate) fn env(self) -> Env<'e> {
        self.env
    }

    /// What a map holds under an atom.
    pub(crate) fn field(self, atom: u64) -> Option<Term<'e>> {
        let mut raw = self.raw;
        // SAFETY: see `is_atom`; the value is used only if it was written.
        let is =
            unsafe { enif_get_map_value(self.env.raw, self.raw, term_of(atom), &raw mut raw) != 0 };
        is.then_some(Term { raw, ..self })
    }

    /// The word itself: what atoms and local pids are known by in this machine.
    pub(crate) fn word(self) -> u64 {
        word_of(self.raw)
    }

    pub(crate) fn is_atom(self) -> bool {
        // SAFETY: a term of its own environment, as everywhere below.
        unsafe { enif_is_atom(self.env.raw, self.raw) != 0 }
    }

    #[inline]
    pub(crate) fn int(self) -> Option<i64> {
        let mut value = 0;
        // SAFETY: see `is_atom`.
        let is = unsafe { enif_get_int64(self.env.raw, self.raw, &raw mut value) != 0 };
        is.then_some(value)
    }

    /// Any number: one that is neither an `int` nor a `float` is a large integer.
    pub(crate) fn is_number(self) -> bool {
        // SAFETY: see `is_atom`.
        unsafe { enif_is_number(self.env.raw, self.raw) != 0 }
    }

    pub(crate) fn float(self) -> Option<f64> {
        let mut value = 0.0;
        // SAFETY: see `is_atom`.
        let is = unsafe { enif_get_double(self.env.raw, self.raw, &raw mut value) != 0 };
        is.then_some(value)
    }

    /// The bytes of a binary. One that is not byte-aligned is copied whole by the machine: the one
    /// cost here that has no bound.
    pub(crate) fn binary(self) -> Option<&'e [u8]> {
        let mut binary = MaybeUninit::<ErlNifBinary>::uninit();
        // SAFETY: see `is_atom`; an inspected binary lives as long as its term.
        unsafe {
            if enif_is_binary(self.env.raw, self.raw) == 0
                || enif_inspect_binary(self.env.raw, self.raw, binary.as_mut_ptr()) == 0
            {
                return None;
            }
            let binary = binary.assume_init();
            if binary.size == 0 {
                return Some(&[]);
            }
            Some(std::slice::from_raw_parts(binary.data, binary.size))
        }
    }

    /// The elements of a tuple.
    #[inline]
    pub(crate) fn tuple(self) -> Option<impl ExactSizeIterator<Item = Term<'e>>> {
        let (mut arity, mut elements): (c_int, *const ErlNifTerm) = (0, std::ptr::null());
        // SAFETY: see `is_atom`; the machine writes where the elements are and how many.
        let elements = unsafe {
            if enif_get_tuple(self.env.raw, self.raw, &raw mut arity, &raw mut elements) == 0 {
                return None;
            }
            match usize::try_from(arity) {
                Ok(arity @ 1..) => std::slice::from_raw_parts(elements, arity),
                _ => &[],
            }
        };
        Some(elements.iter().map(move |&raw| Term { env: self.env, raw }))
    }

    pub(crate) fn is_map(self) -> bool {
        // SAFETY: see `is_atom`.
        unsafe { enif_is_map(self.env.raw, self.raw) != 0 }
    }

    pub(crate) fn is_empty_list(self) -> bool {
        // SAFETY: see `is_atom`.
        unsafe { enif_is_empty_list(self.env.raw, self.raw) != 0 }
    }

    pub(crate) fn is_list(self) -> bool {
        // SAFETY: see `is_atom`.
        unsafe { enif_is_list(self.env.raw, self.raw) != 0 }
    }

    /// Head and tail of a list that is not empty.
    pub(crate) fn cell(self) -> Option<(Term<'e>, Term<'e>)> {
        let (mut head, mut tail) = (self.raw, self.raw);
        // SAFETY: see `is_atom`.
        let is = unsafe {
            enif_get_list_cell(self.env.raw, self.raw, &raw mut head, &raw mut tail) != 0
        };
        is.then_some((Term { raw: head, ..self }, Term { raw: tail, ..self }))
    }

    /// A number of arguments, or how many there are in a list of them.
    #[inline]
    pub(crate) fn arity(self) -> u8 {
        match self.int() {
            Some(arity) => u8::try_from(arity).unwrap_or(u8::MAX),
            None => self.arguments(),
        }
    }

    /// How many arguments are in a list of them: at most 255.
    #[inline]
    pub(crate) fn arguments(mut self) -> u8 {
        let mut count = 0;
        while let (Some((_, rest)), true) = (self.cell(), count < u8::MAX) {
            (count, self) = (count + 1, rest);
        }
        count
    }

    /// The pairs of a map, and how many there are.
    pub(crate) fn map(self) -> Option<(u32, Pairs<'e>)> {
        let (mut size, mut iterator) = (0, MaybeUninit::uninit());
        // SAFETY: see `is_atom`; the iterator is destroyed by `Pairs`.
        unsafe {
            if enif_get_map_size(self.env.raw, self.raw, &raw mut size) == 0
                || enif_map_iterator_create(
                    self.env.raw,
                    self.raw,
                    iterator.as_mut_ptr(),
                    ErlNifMapIteratorEntry::ERL_NIF_MAP_ITERATOR_HEAD,
                ) == 0
            {
                return None;
            }
            let pairs = Pairs {
                left: size,
                env: self.env,
                iterator: iterator.assume_init(),
            };
            Some((u32::try_from(size).unwrap_or(u32::MAX), pairs))
        }
    }

    /// The word of a process of this node.
    pub(crate) fn local_pid(self) -> Option<u64> {
        let mut pid = MaybeUninit::<ErlNifPid>::uninit();
        // SAFETY: see `is_atom`; the pid is read only if it was written.
        unsafe {
            (enif_get_local_pid(self.env.raw, self.raw, pid.as_mut_ptr()) != 0)
                .then(|| word_of_pid(&pid.assume_init()))
        }
    }

    pub(crate) fn is_pid(self) -> bool {
        // SAFETY: see `is_atom`.
        unsafe { enif_is_pid(self.env.raw, self.raw) != 0 }
    }

    pub(crate) fn is_reference(self) -> bool {
        // SAFETY: see `is_atom`.
        unsafe { enif_is_ref(self.env.raw, self.raw) != 0 }
    }

    pub(crate) fn is_port(self) -> bool {
        // SAFETY: see `is_atom`.
        unsafe { enif_is_port(self.env.raw, self.raw) != 0 }
    }

    /// What `use_bytes` makes of its encoding in the external format, which the machine allocates: to
    /// be asked only of what is known to be small.
    pub(crate) fn with_external<T>(self, use_bytes: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let mut binary = MaybeUninit::<ErlNifBinary>::uninit();
        // SAFETY: see `is_atom`; the binary is read and released only if it was made.
        unsafe {
            if enif_term_to_binary(self.env.raw, self.raw, binary.as_mut_ptr()) == 0 {
                return None;
            }
            let mut binary = binary.assume_init();
            let used = use_bytes(std::slice::from_raw_parts(binary.data, binary.size));
            enif_release_binary(&raw mut binary);
            Some(used)
        }
    }

    pub(crate) fn is_fun(self) -> bool {
        // SAFETY: see `is_atom`.
        unsafe { enif_is_fun(self.env.raw, self.raw) != 0 }
    }
}

/// The keys and values of a map, in the machine's order.
pub(crate) struct Pairs<'e> {
    left: usize,
    env: Env<'e>,
    iterator: ErlNifMapIterator,
}

impl<'e> Iterator for Pairs<'e> {
    type Item = (Term<'e>, Term<'e>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (mut key, mut value) = (ErlNifTerm::default(), ErlNifTerm::default());
        let at = &raw mut self.iterator;
        // SAFETY: the iterator was created over a map of this environment and not yet destroyed.
        unsafe {
            if enif_map_iterator_get_pair(self.env.raw, at, &raw mut key, &raw mut value) == 0 {
                return None;
            }
            enif_map_iterator_next(self.env.raw, at);
        }
        Some((
            Term {
                env: self.env,
                raw: key,
            },
            Term {
                env: self.env,
                raw: value,
            },
        ))
    }
}

impl Drop for Pairs<'_> {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once.
        unsafe { enif_map_iterator_destroy(self.env.raw, &raw mut self.iterator) }
    }
}

/// The word behind a term. Only those of immediates (atoms, local pids) mean anything later.
pub(crate) fn word_of(raw: ErlNifTerm) -> u64 {
    // SAFETY: a term is one word (`repr(transparent)`).
    let word: usize = unsafe { std::mem::transmute::<ErlNifTerm, usize>(raw) };
    word as u64
}

/// The term behind the word of an atom or a local pid.
pub(crate) fn term_of(word: u64) -> ErlNifTerm {
    // SAFETY: a term is one word (`repr(transparent)`), and `word` came from one.
    unsafe { std::mem::transmute::<usize, ErlNifTerm>(word as usize) }
}

fn word_of_pid(pid: &ErlNifPid) -> u64 {
    // SAFETY: a local pid is a struct of one term.
    word_of(unsafe { std::mem::transmute_copy::<ErlNifPid, ErlNifTerm>(pid) })
}
