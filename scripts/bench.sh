#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures every figure of docs/performance.md, each beside its limit or peer in the same run.
#
#     scripts/bench.sh [--quick] [FILE]
#
# --quick takes about 6 minutes on two busy cores after the build (smaller logs, fewer rounds, no
# idle day). A whole pass was never timed: expect half an hour. Each program has a limit. Prints a
# table and keeps one JSON line per figure in FILE (default: build/release/bench.jsonl):
#     {"figure","value","unit","limit_or_peer","ratio","target","met"}
# A missed target is a line of the table, not an error. The other work of the machine is part of what
# is measured: let it rest.
set -euo pipefail
cd "$(dirname "$0")/.."

quick=
if [ "${1:-}" = --quick ]; then
  quick=1
  shift
fi
programs=build/release/bench
lines=${1:-build/release/bench.jsonl}

scripts/deps.sh
# shellcheck source=scripts/lib_build.sh
. scripts/lib_build.sh
configure_and_build release benchmarks >/dev/null

# A log's syncs mean nothing on a RAM disk. PostgreSQL runs as nobody, who must get in.
scratch=$(TMPDIR=${TMPDIR:-/var/tmp} mktemp -d -t sluice-bench.XXXXXX)
chmod 711 "$scratch"
export TMPDIR=$scratch
link=
# The servers that a program starts end with it.
trap '[ -z "$link" ] || kill "$link" 2>/dev/null || true; rm -rf "$scratch"' EXIT
: >"$lines"

limit=1800 # seconds, of one program
failed=
measure() {
  local begin=$SECONDS
  echo "bench: $*" >&2
  timeout --kill-after=10 "$limit" "$programs/$1" "${@:2}" | tee -a "$lines" || failed="$failed $1"
  echo "bench: $1 took $((SECONDS - begin)) s" >&2
}

# Programs share pages with others of their kind, so this one runs alone.
if [ -n "$quick" ]; then
  measure memory_bench --backlog=200000 --starts=3
else
  measure memory_bench
fi

# Idle nearly all of its time, so the others run beside it.
idle=600
[ -z "$quick" ] || idle=0
timeout --kill-after=10 "$limit" "$programs/link_bench" --idle-seconds=$idle >"$scratch/idle" &
link=$!

if [ -n "$quick" ]; then
  measure slow_sync_bench --seconds=2
  measure latency_bench --rounds=20
  measure append_bench --rounds=3 --events=20000 --retained=200000
  measure id_bench --rounds=3 --retained=200000
  measure socket_bench --rounds=3 --events=40000
  measure drain_bench --rounds=1 --events=100000
  measure thin_link_bench --events=10000
  measure projection_bench --rounds=3 --events=100000
  measure gate_bench --rounds=2 --events=50000
  measure rebuild_bench --events=100000
  measure pg_projection_bench --rounds=3 --events=100000
  measure query_bench --seconds=4
  measure workers_bench --rounds=1 --events=5000
  measure device_bench --events=50000
  measure bundle_bench --events=100000
else
  measure slow_sync_bench
  measure latency_bench
  measure append_bench
  measure id_bench --grow-to=10000000
  measure socket_bench
  measure drain_bench
  measure thin_link_bench
  measure projection_bench
  measure gate_bench
  measure rebuild_bench
  measure pg_projection_bench
  measure query_bench
  measure workers_bench
  measure device_bench
  measure bundle_bench
fi
echo "bench: waits for the idle link" >&2
wait $link || failed="$failed link_bench"
link=
cat "$scratch/idle" >>"$lines"

python3 - "$lines" <<'PYTHON'
import json
import sys

rows = [("figure", "value", "beside", "ratio", "target", "")]
for text in open(sys.argv[1], encoding="utf-8"):
    line = json.loads(text)
    rows.append((line["figure"], f"{line['value']:g} {line['unit']}", line["limit_or_peer"],
                 "" if line["ratio"] is None else f"{line['ratio']:g}", line["target"] or "",
                 {True: "met", False: "MISSED", None: ""}[line["met"]]))
widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
print()
for row in rows:
    print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
PYTHON
[ -z "$failed" ] || { echo "bench: could not measure:$failed" >&2; exit 1; }
echo "bench: took $((SECONDS / 60)) min $((SECONDS % 60)) s, the build included" >&2
