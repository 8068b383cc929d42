# What the scripts share; sourced, never run.

set -euo pipefail
export HOME=${HOME:-~}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$@"; exit 1; }

# Everything that is fetched or made outside the checkout lies below this folder.
cache() { echo "${XDG_CACHE_HOME:-$HOME/.cache}/elixir_scope"; }

# Erlang's debugger as unpacked by scripts/setup, one for each version of the package it fits.
debugger() {
  local version
  version=$(dpkg-query -W -f '${Version}' erlang-base 2>/dev/null) || return 1
  echo "$(cache)/debugger-${version//[^A-Za-z0-9.+]/_}"
}

# at_least FOUND WANTED: compares versions by their numbers (`sort -V` is not on every system).
at_least() {
  local IFS=. i
  local -a found=(${1%%[!0-9.]*}) wanted=($2)
  for i in "${!wanted[@]}"; do
    ((10#${found[i]:-0} > 10#${wanted[i]})) && return 0
    ((10#${found[i]:-0} < 10#${wanted[i]})) && return 1
  done
  return 0
}

# apt_install PACKAGE…: asks nothing. A second try with fresh lists, as they may be missing or old.
apt_install() {
  local log get=(apt-get -y -q -o DPkg::Lock::Timeout=300)
  log=$(mktemp)
  say "installing $* (apt-get, once)"
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
  if "${get[@]}" install --no-install-recommends "$@" >"$log" 2>&1 </dev/null ||
    { "${get[@]}" update && "${get[@]}" install --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
    rm -f "$log"
  else
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "apt-get could not install $* (its last lines stand above)"
  fi
}

# What native/fuzz takes besides Rust: cargo-fuzz, and a C++ compiler for libFuzzer.
have_cargo_fuzz() {
  command -v c++ >/dev/null || apt_install g++
  cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked </dev/null
}
