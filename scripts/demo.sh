#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds Sluice and shows a whole installation on this machine: events on their way from a gateway
# to a hub and into a read model, through an outage of the hub.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/demo.sh [--once] [--csv FILE] [--yes] [--programs DIR]

Installs what is missing, builds, and starts nats-server, sluice-hub, sluiced and sluice-uplink on
loopback, with free ports and a scratch folder. Feeds them this machine's own telemetry, stops
nats-server for 10 s while events go on, starts it again, and says what happens as it happens.
Stays up until Ctrl-C.

  --once          end after about 30 s; the last line is one JSON object that compares what was
                  appended, stored at the hub and applied to the read model, event by event
  --csv FILE      feed a CSV file of readings instead, every row in file order; its first column
                  is the time, as in "2013-12-02 21:15:00"
  --yes           do not ask before installing packages
  --programs DIR  use the programs in this folder and build nothing

Exit codes: 0 all figures agree, 1 they do not or something failed, 2 wrong usage.
TEXT
}

once=no
yes=()
csv=
programs=
while [ $# -gt 0 ]; do
  case $1 in
    --once) once=yes ;;
    --yes) yes=(--yes) ;;
    --csv) csv=${2:?--csv needs a file}; shift ;;
    --programs) programs=${2:?--programs needs a folder}; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
if [ -n "$csv" ] && [ ! -r "$csv" ]; then
  echo "demo: $csv cannot be read" >&2
  exit 2
fi
[ -z "$csv" ] || csv=$(realpath "$csv")
[ -z "$programs" ] || programs=$(realpath "$programs")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
outage_s=0  # as measured, and so is drain_s
drain_s=0

# --- Saying what happens ---------------------------------------------------------------------------
start_s=$SECONDS
say() { printf '[%3d s] %s\n' $((SECONDS - start_s)) "$*"; }
die() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}

# --- Installing and building -----------------------------------------------------------------------
prepare() {
  local missing
  missing=$(scripts/deps.sh --list demo)
  if [ -n "$missing" ]; then
    echo "These Debian packages are missing and will be installed with apt-get:"
    echo "$missing" | tr '\n' ' ' | fold -s -w 78 | sed 's/^/  /'
    echo
    scripts/deps.sh "${yes[@]}" demo
  fi
  # shellcheck source=scripts/lib_build.sh
  source scripts/lib_build.sh  # sets jobs
  local targets=(sluice sluiced sluice-uplink sluice-hub)
  if [ ! -f build/dev/build.ninja ]; then
    echo "Building into build/dev with $jobs jobs. The first build takes about" \
      "$((10 / jobs + 1)) minutes; later ones take seconds."
    # The tests need GoogleTest, which the demo does without.
    cmake --preset dev -DSLUICE_BUILD_TESTS=OFF >build/configure.log 2>&1 ||
      { cat build/configure.log >&2; die "configuring failed"; }
  else
    echo "Building what has changed in build/dev."
  fi
  if [ -t 1 ]; then
    cmake --build --preset dev --parallel "$jobs" --target "${targets[@]}"
  else
    cmake --build --preset dev --parallel "$jobs" --target "${targets[@]}" >build/build.log 2>&1 ||
      { tail -n 40 build/build.log >&2; die "the build failed; the whole log is build/build.log"; }
  fi
  programs=$root/build/dev/bin
}
mkdir -p build
[ -n "$programs" ] || prepare
for program in sluice sluiced sluice-uplink sluice-hub; do
  [ -x "$programs/$program" ] || die "$programs/$program is missing"
done
nats_server=${SLUICE_NATS_SERVER:-nats-server}
PATH=$programs:$PATH:/usr/sbin:/sbin
command -v "$nats_server" >/dev/null || die "nats-server is missing: run scripts/deps.sh demo"

# --- Processes: each in a session of its own, ended by its pid -------------------------------------
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-demo.XXXXXX")
declare -A pid_of=()

launch() {  # launch NAME COMMAND...: its words go to $work/NAME.log
  local name=$1
  shift
  setsid "$@" >>"$work/$name.log" 2>&1 </dev/null &
  pid_of[$name]=$!
  [ "$name" = feeder ] || disown "$!"  # bash need not tell that it was killed
}

alive() { [ -n "${pid_of[$1]:-}" ] && kill -0 "${pid_of[$1]}" 2>/dev/null; }

end() {  # end NAME SIGNAL: ends a process and waits for it, at most 10 s
  local pid=${pid_of[$1]:-} i
  unset "pid_of[$1]"
  [ -n "$pid" ] || return 0
  kill "-$2" "$pid" 2>/dev/null || true
  for ((i = 0; i < 100; i++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
}

clean_up() {
  local code=$? name
  trap - EXIT INT TERM HUP
  for name in telemetry feeder sluice-uplink sluiced sluice-hub nats-server; do end "$name" TERM; done
  if [ "$code" -ne 0 ] && [ "$code" -ne 130 ]; then
    echo "demo: the logs of all programs are kept in $work" >&2
  else
    rm -rf "$work"
  fi
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' HUP TERM

wait_for() {  # wait_for SECONDS WHAT COMMAND...
  local deadline=$((SECONDS + $1)) what=$2 name
  shift 2
  until "$@" >/dev/null 2>&1; do
    for name in nats-server sluice-hub sluiced sluice-uplink; do
      if [ -n "${pid_of[$name]:-}" ] && ! alive "$name"; then
        tail -n 20 "$work/$name.log" >&2
        die "$name ended by itself"
      fi
    done
    if [ "$SECONDS" -ge "$deadline" ]; then
      tail -n 5 "$work"/*.log >&2
      die "$what did not happen in time"
    fi
    sleep 0.1
  done
}

port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {  # free_port WISH: that one if nobody has it, else some other
  local port=$1
  # Below 32768, where the kernel takes the ports of outgoing connections from: such a port looks
  # free here, and cannot be listened on.
  while port_is_open "$port"; do port=$((20000 + RANDOM % 12000)); done
  echo "$port"
}

# --- Configuration ---------------------------------------------------------------------------------
nats_port=$(free_port 4222)
hub_port=$(free_port 8090)
gateway_port=$(free_port 8080)
export SLUICE_NATS=nats://127.0.0.1:$nats_port
export SLUICE_HUB=http://127.0.0.1:$hub_port
export SLUICE_GATEWAY=$work/run
gateway=demo

configure() {
  mkdir -p "$work"/{state,run,hub,models,nats}
  if [ -n "$csv" ]; then cp examples/machine-temperature.model.toml "$work/models/"
  else cp examples/host-telemetry.model.toml "$work/models/"; fi
  cp examples/delivery.model.toml "$work/models/"
  cat >"$work/gateway.toml" <<TOML
[gateway]
id    = "$gateway"
state = "$work/state"
run   = "$work/run"

[ingest]
http_listen = "127.0.0.1:$gateway_port"

[uplink]
urls            = ["$SLUICE_NATS"]
report_interval = "5s"
report_change_interval = "1s"
TOML
  cat >"$work/hub.toml" <<TOML
[hub]
urls   = ["$SLUICE_NATS"]
models = ["$work/models"]
state  = "$work/hub"
listen = "127.0.0.1:$hub_port"
TOML
}

start_nats() {
  launch nats-server "$nats_server" -a 127.0.0.1 -p "$nats_port" -js -sd "$work/nats"
  wait_for 20 "the start of nats-server" port_is_open "$nats_port"
}

start_all() {
  configure
  start_nats
  say "nats-server listens on port $nats_port ($("$nats_server" --version))"
  sluice provision --max-bytes 1GiB --keep-forever --json >"$work/provision.json" ||
    die "sluice provision failed"
  say "hub stream EVENTS-main and bucket SLUICE-REPORTS are made (sluice provision)"
  launch sluice-hub sluice-hub --config "$work/hub.toml"
  launch sluiced sluiced --config "$work/gateway.toml"
  wait_for 20 "the start of sluiced" sluice status
  launch sluice-uplink sluice-uplink --config "$work/gateway.toml"
  wait_for 20 "the start of sluice-hub" curl -fsS "$SLUICE_HUB/healthz"
  wait_for 30 "the first connection to the hub" link_is up
  say "sluice-hub, sluiced (gateway \"$gateway\") and sluice-uplink run; the link is up"
}

# --- Looking ---------------------------------------------------------------------------------------
gateway_says() { sluice status --json | jq -r "$1"; }
link_is() { [ "$(gateway_says .link.state)" = "$1" ]; }
in_log() { gateway_says '[.lanes[].last] | add'; }
# The uplink knows of an acknowledgement up to 5 s before the log has it on disk.
acked="(. as \$all | .lanes | to_entries
  | map({key, value: ([.value.acked, (\$all.link.lanes // {})[.key].acked // 0] | max)}) | from_entries)"
# Events in the log, events that wait for the hub, the link: of one moment.
snapshot() {
  gateway_says "([.lanes[].last] | add) as \$last | $acked as \$acked
    | \"\\(\$last) \\(\$last - ([\$acked[]] | add)) \\(.link.state)\""
}
# The last seq of each lane, to be waited for: "alarm 1 system 3 telemetry 712 bulk 1".
heads() { gateway_says '.lanes | to_entries | map("\(.key) \(.value.last)") | join(" ")'; }
hub_has() {  # hub_has LANE SEQ...: all of it is acknowledged
  local there
  there=$(gateway_says "$acked") || return 1
  while [ $# -gt 0 ]; do
    [ "$(jq -r ".$1" <<<"$there")" -ge "$2" ] || return 1
    shift 2
  done
}

models_have() {  # models_have N: every model has read that much of the hub stream
  curl -fsS "$SLUICE_HUB/v1/models" | jq -e "[.models[].shards[].position] | all(. >= $1)"
}

# --- Feeding ---------------------------------------------------------------------------------------
start_feeding() {
  if [ -n "$csv" ]; then
    launch feeder sluice import "$csv" --stream machine/1 --type Reading \
      --time "$(head -n 1 "$csv" | cut -d, -f1 | tr -d '"\r')" --quiet --json
    say "feeding every row of $(basename "$csv") (sluice import)"
    return
  fi
  local interval=1
  [ "$once" = no ] || interval=0.2
  mkfifo "$work/feed"
  setsid sluice append --jsonl - --quiet --json <"$work/feed" >>"$work/feeder.log" 2>&1 &
  pid_of[feeder]=$!
  setsid examples/host-telemetry.sh --interval "$interval" >"$work/feed" 2>>"$work/telemetry.log" &
  pid_of[telemetry]=$!
  disown "$!"
  say "feeding this machine's telemetry, a sample every $interval s" \
    "(examples/host-telemetry.sh | sluice append --jsonl -)"
}

finish_feeding() {  # the feeder ends by itself once its input has
  [ -z "${pid_of[telemetry]:-}" ] || end telemetry TERM
  local pid=${pid_of[feeder]:-} code=0
  [ -n "$pid" ] || return 0
  wait "$pid" || code=$?
  unset "pid_of[feeder]"
  [ "$code" -eq 0 ] || { tail -n 5 "$work/feeder.log" >&2; die "the feeder ended with code $code"; }
}

sleep_until() {  # sleep_until NANOSECONDS: of the wall clock; not at all if that is over
  sleep "$(awk -v now="$(date +%s%N)" -v then="$1" 'BEGIN { print (then > now ? (then - now) / 1e9 : 0) }')"
}

# --- The outage ------------------------------------------------------------------------------------
outage() {
  local before killed_ns returned_ns done_ns i marks log waits link
  before=$(in_log)
  end nats-server KILL
  killed_ns=$(date +%s%N)
  say "OUTAGE: nats-server is killed. Events go on."
  for ((i = 1; i <= 10; i++)); do
    sleep_until $((killed_ns + i * 1000000000))
    read -r log waits link <<<"$(snapshot)"
    say "  hub away for $i s: link $link, $((log - before)) events appended since," \
      "$waits wait on the gateway's disk"
  done
  say "  why, in the gateway's words: $(gateway_says '.link.last_error | if . == "" then "(none)" else . end')"
  start_nats
  returned_ns=$(date +%s%N)
  outage_s=$(awk -v a="$killed_ns" -v b="$returned_ns" 'BEGIN { printf "%.0f", (b - a) / 1e9 }')
  read -ra marks <<<"$(heads)"
  read -r log waits link <<<"$(snapshot)"
  say "nats-server is back with its store; $waits events wait. The uplink finds out by itself" \
    "(it tries again after 15 s at the latest)."
  wait_for 90 "draining the backlog" hub_has "${marks[@]}"
  done_ns=$(date +%s%N)
  drain_s=$(awk -v a="$returned_ns" -v b="$done_ns" 'BEGIN { printf "%.1f", (b - a) / 1e9 }')
  say "all that waited is at the hub, $drain_s s after its return"
}

# --- The count, each figure at its own place -------------------------------------------------------
figures=
agreed=no
count_all() {
  local marks audit
  read -ra marks <<<"$(heads)"
  wait_for 60 "the last acknowledgements" hub_has "${marks[@]}"
  wait_for 60 "reading into the models" models_have "$(in_log)"
  say "counting each event in the gateway's log, the hub stream and the read model (sluice audit)"
  # The read model is a moment behind the hub stream: ask again until it agrees, for 30 s at most.
  local deadline=$((SECONDS + 30))
  while :; do
    audit=$(sluice audit --state "$work/state" --model delivery --table applied --json) && agreed=yes
    if [ "$agreed" = yes ] || [ "$SECONDS" -ge "$deadline" ]; then break; fi
    sleep 0.5
  done
  [ -n "$audit" ] || die "the audit failed"
  # What the feeder was promised must be in the log, not only what is in the log at the hub.
  local promised
  promised=$(jq -s 'map(select(.summary)) | last | .summary.appended + .summary.duplicates' "$work/feeder.log")
  # Beside the feeder somebody at another terminal may have appended too, but not in --once.
  local logged
  logged=$(jq .appended <<<"$audit")
  if [ "$logged" -lt "$promised" ] || { [ "$once" = yes ] && [ "$logged" -ne "$promised" ]; }; then
    agreed=no
    echo "demo: the gateway acknowledged $promised events, its log holds $logged" >&2
  fi
  figures=$(jq -c --argjson outage "$outage_s" --argjson drain "$drain_s" \
    '{appended, stored, applied, missing, duplicated, outage_s: $outage, drain_s: $drain}' <<<"$audit")
  jq -r '.examples[]' <<<"$audit" >&2
  jq -e '.appended == .stored and .stored == .applied and .missing == 0 and .duplicated == 0' \
    >/dev/null <<<"$figures" || agreed=no
}

show_model() {
  if [ -n "$csv" ]; then
    say "the read model: sluice query machine-temperature machine"
    sluice query machine-temperature machine --json
  else
    say "the read model: sluice query host-telemetry host"
    sluice query host-telemetry host --json
  fi
}

addresses() {
  cat <<TEXT

Everything is up. Open:
  $SLUICE_HUB/      the hub's page: gateways, models, holds
  http://127.0.0.1:$gateway_port/metrics   the gateway's figures, for Prometheus

Look around from another terminal:
  export PATH=$programs:\$PATH
  export SLUICE_GATEWAY=$SLUICE_GATEWAY SLUICE_HUB=$SLUICE_HUB SLUICE_NATS=$SLUICE_NATS
  sluice status
  sluice tail --follow
  sluice append pump/7 PressureSampled '{"bar": 4.2}'

Ctrl-C ends it all and compares the figures. (The model "delivery", which counts each event's
effect, knows the types named in examples/delivery.model.toml: others would count as missing.)
TEXT
}

# --- The show --------------------------------------------------------------------------------------
start_s=$SECONDS
start_all
start_feeding
if [ -n "$csv" ]; then wait_for 30 "the first third of the rows" bash -c \
  "[ \$(sluice status --json | jq .lanes.telemetry.last) -gt \$((\$(wc -l <'$csv') / 3)) ]"
else sleep 5; fi
read -r log waits link <<<"$(snapshot)"
say "$log events in the log, $waits of them on their way; link $link"
outage

if [ "$once" = no ]; then
  addresses
  interrupted=no
  trap 'interrupted=yes' INT
  while [ "$interrupted" = no ]; do
    for name in nats-server sluice-hub sluiced sluice-uplink; do
      alive "$name" || { tail -n 20 "$work/$name.log" >&2; die "$name ended by itself"; }
    done
    sleep 1 || true
  done
  trap - INT
  echo
else
  [ -n "$csv" ] || sleep 3
fi
finish_feeding
count_all
show_model
if [ "$agreed" = yes ]; then say "every event is there once"
else say "THE FIGURES DO NOT AGREE"; fi
printf '%s\n' "$figures"
[ "$agreed" = yes ]
