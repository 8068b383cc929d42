#!/bin/sh
# Runs the crate's tests under Miri: undefined behaviour, data races and leaks of the real code.
#
# Needs a nightly toolchain with Miri: rustup +nightly component add miri
# Miri has neither membarrier nor a partial mprotect: the lanes then come from the allocator and
# both sides fence. The counts of the property and stress tests shrink by themselves.
set -eu

cd "$(dirname "$0")"
if ! cargo +nightly miri --version; then
    echo "Miri is not installed: rustup +nightly component add miri" >&2
    exit 1
fi

# The clock is needed for naps; nothing else of the host is touched.
export MIRIFLAGS="${MIRIFLAGS:--Zmiri-disable-isolation}"
exec cargo +nightly miri test -p scope_ring --lib --tests "$@"
