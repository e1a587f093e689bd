# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For scripts that build: source it from the top of the tree. Sets `jobs` and `cache`, and turns
# ccache on. Compilers of this code take up to 2 GB each.

# shellcheck disable=SC2034  # used by the scripts that source this
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice
cores=$(nproc)
memory_gb=$(awk '/^MemTotal/ {print int($2 / 1048576)}' /proc/meminfo)
jobs=${SLUICE_JOBS:-$((cores * 2 <= memory_gb + 1 ? cores : (memory_gb + 1) / 2))}
[ "$jobs" -ge 1 ] || jobs=1

if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1  # another clone's objects count as well
fi

# configure_and_build <preset> [target...]: all targets without one.
configure_and_build() {
  local preset=$1
  shift
  cmake --preset "$preset"
  cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"}
}
