#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds everything, runs every test, and says what was tested.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/test.sh [--quick]

Runs, in this order, and ends with a summary (exit 1 if anything failed):
  1. all tests of the dev build, against the nats-server on PATH
  2. the unit tests under the address and undefined-behaviour sanitizers
  3. under the thread sanitizer: the unit tests of storage, rpc, http and leases, and sluice-hub with
     clients that follow its tables
  4. core's and storage's tests for arm64, under qemu-user
  5. where Go is installed: the integration tests against the newest released nats-server
  6. that each test which docs/fault-matrix.md names has run in step 1, and passed

  --quick   only the unit and tidy tests of the dev build

Environment: SLUICE_JOBS (parallel compilers and tests; default: cores, at most memory / 2 GB),
XDG_CACHE_HOME (the newest nats-server is kept in $XDG_CACHE_HOME/sluice/bin).
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

quick=no
case ${1:-} in
  '') ;;
  --quick) quick=yes ;;
  --help | -h) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

began=$SECONDS
results=()   # one line per step, for the summary
servers=()   # versions of nats-server that the integration tests ran against
failed=no

note() { printf '\n=== %s\n' "$*"; }

# run_tests <title> <ctest arguments...>: failures are remembered, the other steps still run.
run_tests() {
  local title=$1 start=$SECONDS log code=0 line
  shift
  note "$title"
  log=$(mktemp)
  ctest --parallel "$jobs" --output-on-failure --no-tests=error "$@" 2>&1 | tee "$log" || code=$?
  line=$(grep -E '^[0-9]+% tests passed' "$log" || echo 'no result')
  rm -f "$log"
  if [ "$code" != 0 ]; then
    failed=yes
    line="FAILED: $line"
  fi
  results+=("$(printf '%-44s %s (%d s)' "$title" "$line" $((SECONDS - start)))")
}

# build <preset> [target...]
build() {
  local preset=$1 start=$SECONDS
  shift
  note "build: $preset"
  configure_and_build "$preset" "$@"
  results+=("$(printf '%-44s done (%d s)' "build: $preset" $((SECONDS - start)))")
}

server_version() { "$1" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+[^ ]*'; }

# Builds the newest released nats-server into the cache; prints nothing and stays there for the
# next run, whose `go install` then only asks for the newest version.
newest_server() {
  mkdir -p "$cache/bin"
  note "nats-server: the newest release, with $(go version)"
  if ! GOBIN=$cache/bin go install github.com/nats-io/nats-server/v2@latest; then
    printf '\n!!! Go is installed, but the newest nats-server could not be built (see above).\n' >&2
    printf '!!! The integration tests have NOT run against it.\n' >&2
    failed=yes
    results+=("$(printf '%-44s FAILED' 'build: newest nats-server')")
    return 1
  fi
}

mkdir -p build
exec 9>build/.test.lock
flock -n 9 || { echo "test: another scripts/test.sh runs in this tree" >&2; exit 1; }

scripts/deps.sh --yes test
# shellcheck source=scripts/lib_build.sh
. scripts/lib_build.sh

if [ "$quick" = yes ]; then
  build dev tests_unit
  run_tests 'unit and tidy' --preset dev -L '^(unit|tidy)$'
else
  server=${SLUICE_NATS_SERVER:-$(PATH=$PATH:/usr/sbin command -v nats-server)} ||
    { echo "test: nats-server is missing" >&2; exit 1; }
  export SLUICE_NATS_SERVER=$server
  build dev
  # What ran and how it ended, test by test, for the fault matrix.
  ran=$root/build/dev/ran
  rm -rf "$ran"
  mkdir -p "$ran"
  GTEST_OUTPUT=xml:$ran/ run_tests "all tests, nats-server $(server_version "$server")" \
    --preset dev --output-junit "$ran/ctest.xml"
  servers+=("$(server_version "$server") ($server)")

  build asan tests_unit
  # The simulation's 10,000 runs are the dev build's; ten times slower, a tenth must do here.
  SLUICE_SIM_RUNS=1000 run_tests 'unit tests, address sanitizer' --preset asan -L '^unit$'

  build tsan tests_storage tests_rpc tests_http tests_lease follow_test
  run_tests 'storage, rpc, http and leases, thread sanitizer' --preset tsan \
    -L '^(storage|rpc|http|lease)$' -LE '^(system|integration)$'
  # Feeds, the keeper of versions, readers and open streams: all of sluice-hub's threads at once.
  run_tests 'sluice-hub, thread sanitizer' --preset tsan -R '^follow_test$'

  note 'arm64: sysroot'
  cross/sysroot.sh arm64
  build arm64 tests_core tests_storage
  run_tests 'core and storage, arm64 under qemu' --preset arm64 \
    -L '^(core|storage)$' -LE '^system$'

  if command -v go >/dev/null; then
    if newest_server; then
      newest=$cache/bin/nats-server
      SLUICE_NATS_SERVER=$newest run_tests \
        "integration tests, nats-server $(server_version "$newest")" --preset dev \
        -L '^integration$' -LE '^(replay|link|clock|disk|rpc|gateway|reactor|page)$'  # not the server's
      servers+=("$(server_version "$newest") ($newest)")
    fi
  else
    results+=("$(printf '%-44s not run: no Go toolchain' 'newest nats-server')")
  fi
fi

if [ "$quick" = no ]; then
  note 'fault matrix'
  if python3 tests/tidy/fault_matrix.py "$root" --ran "$ran" | tee "$ran/matrix"; then
    unproved=$(grep -c '^!!!' "$ran/matrix" || true)
    results+=("$(printf '%-44s every named test ran and passed%s' 'fault matrix' \
      "$([ "$unproved" = 0 ] || echo ", BUT $unproved CANNOT RUN HERE (see above)")")")
  else
    failed=yes
    results+=("$(printf '%-44s FAILED' 'fault matrix')")
  fi
fi

note 'summary'
printf '%s\n' "${results[@]}"
for version in "${servers[@]}"; do
  printf 'tested against nats-server %s\n' "$version"
done
printf 'total time %d min %02d s\n' $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60))
if [ "$failed" = yes ]; then
  echo 'RESULT: FAILED'
  exit 1
fi
echo 'RESULT: all passed'
