# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For the tests in this folder: source it with the source and build folders as arguments.
set -euo pipefail

# shellcheck disable=SC2034  # for the tests
source_dir=$1 build_dir=$2 output=
scratch=$(mktemp -d "${TMPDIR:-/tmp}/slp-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# expect <exit code> <command...>: the command's output is in $output.
expect() {
  local wanted=$1 code=0
  shift
  output=$("$@" 2>&1) || code=$?
  [ "$code" = "$wanted" ] || fail "$* ended with $code, not $wanted:
$output"
}

expect_in_output() {
  grep -qF -- "$1" <<<"$output" || fail "'$1' is not in:
$output"
}
