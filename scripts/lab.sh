#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The fault lab: breaks the disk, the hub, the link and the clock under a gateway at work, and prints
# one table of what became of every event that was acknowledged.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/lab.sh [--full] [--only FOLDER]...
       scripts/lab.sh --peers [option]...

Builds the dev preset and runs the programs of tests/lab: replay (power cut at every write, n-th call
fails), disk (real filesystems), hub, link, clock. Prints one table and exits with 1 if an
acknowledged event was lost, took effect twice or out of order, if a run needed an operator, or if a
row is missing. docs/fault-lab.md says how to read it.

  --full         1,000,000 power-cut images, every n of the n-th call, 200 cuts of a real
                 filesystem, a disk that is full for ten minutes, and every other fault five times
                 as often: hours
  --only FOLDER  only this part of tests/lab; may be given several times
  --peers        the same rig and load for other programs: tests/lab/peers/peers.sh

Root is needed for loop devices and network namespaces; without it their rows say NOT RUN, and the
exit code is 1. Where the newest nats-server was built (scripts/test.sh does it if Go is there), the
hub's part runs against it as well, as a table of its own.

Environment: SLUICE_JOBS (parallel compilers), SLUICE_NATS_SERVER (another nats-server),
SLUICE_LAB_SEED (of the power-cut images; printed with them).
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

full=no
only=()
while [ $# -gt 0 ]; do
  case $1 in
    --full) full=yes ;;
    --only) only+=("${2:?--only needs a folder of tests/lab}"); shift ;;
    --peers) shift; exec tests/lab/peers/peers.sh "$@" ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
whole=no
if [ ${#only[@]} = 0 ]; then
  whole=yes
  only=(site replay disk hub link clock)
fi
for folder in "${only[@]}"; do
  [ -d "tests/lab/$folder" ] || { echo "lab: there is no tests/lab/$folder" >&2; exit 2; }
done

if [ "$full" = yes ]; then
  export SLUICE_LAB_IMAGES=1000000 SLUICE_LAB_CUTS=200 SLUICE_LAB_RUNS=5 SLUICE_LAB_STEP=1
  export SLUICE_LAB_FULL_SECONDS=600
fi

scripts/deps.sh --yes test
# shellcheck source=scripts/lib_build.sh
. scripts/lib_build.sh
out=$root/build/dev/lab
mkdir -p "$out"

# The programs of one folder, as ctest knows them: name, then the command line, tab-separated.
programs_of() {
  ctest --test-dir build/dev --show-only=json-v1 | python3 -c '
import json, sys
folder = sys.argv[1]
for test in json.load(sys.stdin)["tests"]:
    where = [p["value"] for p in test["properties"] if p["name"] == "WORKING_DIRECTORY"]
    if where and where[0].endswith("/tests/lab/" + folder) and test.get("command"):
        print(test["name"], *test["command"], sep="\t")' "$1"
}

failed=()
# run_folder <folder> <report>
run_folder() {
  local folder=$1 line fields name code start
  while IFS= read -r line; do
    IFS=$'\t' read -r -a fields <<<"$line"
    name=${fields[0]}
    start=$SECONDS
    code=0
    (cd "build/dev/tests/lab/$folder" &&
      SLUICE_LAB_REPORT=$2 "${fields[@]:1}") >"$out/$name.log" 2>&1 </dev/null || code=$?
    printf 'lab: %-24s exit %d, %d s\n' "$name" "$code" $((SECONDS - start)) >&2
    if [ "$code" != 0 ]; then
      failed+=("$name (exit $code; its words are in ${out#"$root"/}/$name.log)")
      grep -E '^!!!|Failure|FAILED' "$out/$name.log" | head -5 >&2 || true
    fi
  done < <(programs_of "$folder")
}

configure_and_build dev lab
mkdir -p "$out"
report=$out/report.jsonl
: >"$report"
for folder in "${only[@]}"; do
  run_folder "$folder" "$report"
done

server=${SLUICE_NATS_SERVER:-$(PATH=$PATH:/usr/sbin command -v nats-server)}
version() { "$1" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+[^ ]*'; }
code=0
echo
if [ "$whole" = yes ]; then
  python3 tests/lab/table.py "$report" --rows tests/lab/rows.txt \
    --title "Fault lab, nats-server $(version "$server")" || code=1
else
  python3 tests/lab/table.py "$report" --title "Fault lab: ${only[*]}" || code=1
fi

newest=$cache/bin/nats-server
if [[ " ${only[*]} " == *" hub "* ]] && [ -z "${SLUICE_NATS_SERVER:-}" ] && [ -x "$newest" ]; then
  : >"$out/newest.jsonl"
  SLUICE_NATS_SERVER=$newest run_folder hub "$out/newest.jsonl"
  echo
  python3 tests/lab/table.py "$out/newest.jsonl" --rows tests/lab/rows.txt --only 'hub: ' \
    --title "The hub's faults, nats-server $(version "$newest")" || code=1
fi

if [ ${#failed[@]} != 0 ]; then
  printf '\n!!! programs that failed:\n'
  printf '!!!   %s\n' "${failed[@]}"
  code=1
fi
exit "$code"
