//! What a column remembers per process or per key: nothing, at the start of each section.

#[cold]
fn forget<T: Default>(value: &mut T) {
    *value = T::default();
}

/// Values by number that start anew in each section, without touching all of them there.
///
/// Invariant: a value whose `section` is not the present one counts as `T::default()`.
pub(super) struct Fresh<T> {
    values: Vec<(u32, T)>,
    section: u32,
}

impl<T: Default + Clone> Fresh<T> {
    /// Room for the numbers below `len`.
    pub(super) fn new(len: usize) -> Self {
        Self {
            values: vec![(0, T::default()); len],
            section: 0,
        }
    }

    /// A section begins.
    pub(super) fn next_section(&mut self) {
        self.section += 1;
    }

    /// The value of a number, which must be below the length.
    #[inline]
    pub(super) fn of(&mut self, number: u32) -> &mut T {
        let (section, value) = &mut self.values[number as usize];
        if *section != self.section {
            *section = self.section;
            forget(value);
        }
        value
    }
}
