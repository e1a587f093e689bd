#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The users example, whole: README.md beside it tells what it shows.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: examples/users/run.sh [--programs DIR]

Starts nats-server, PostgreSQL, sluice-hub, sluiced, sluice-uplink and a receiver of webhooks and
mails, all on loopback in a scratch folder; appends the events of events.jsonl; lists users; then
sends everything again and builds the read model anew, and compares what was received. The last
line is one JSON object.

  --programs DIR  Sluice's programs (default: build/dev/bin)

Exit codes: 0 each event had each effect once, 1 not so or something failed, 2 wrong usage.
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=$here/../../build/dev/bin
while [ $# -gt 0 ]; do
  case $1 in
    --programs) programs=${2:?--programs needs a folder}; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
programs=$(cd "$programs" && pwd)
postgres=${SLUICE_POSTGRES_BIN:-$(find /usr/lib/postgresql -name initdb -path '*/bin/*' -printf '%h\n' | sort -V | tail -n 1)}
PATH=$programs:$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
die() { printf 'users: %s\n' "$*" >&2; exit 1; }
[ -x "$postgres/initdb" ] || die "PostgreSQL is missing: scripts/deps.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-users.XXXXXX")
declare -A pid_of=()
launch() {  # launch NAME COMMAND...
  local name=$1
  shift
  setsid "$@" >>"$work/$name.log" 2>&1 </dev/null &
  pid_of[$name]=$!
  disown "$!"
}
end() {  # end NAME SIGNAL: and waits, at most 10 s
  local pid=${pid_of[$1]:-} i
  unset "pid_of[$1]"
  [ -n "$pid" ] || return 0
  kill "-$2" "$pid" 2>/dev/null || true
  for ((i = 0; i < 100; i++)); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
}
clean_up() {
  local code=$? name
  trap - EXIT INT TERM HUP
  for name in sluice-uplink sluiced sluice-hub sink nats-server; do end "$name" TERM; done
  end postgres INT
  if [ "$code" = 0 ]; then rm -rf "$work"; else say "users: the logs are kept in $work" >&2; fi
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT HUP TERM
wait_for() {  # wait_for SECONDS WHAT COMMAND...
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || { tail -n 5 "$work"/*.log >&2; die "$what did not happen in time"; }
    sleep 0.1
  done
}
port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  # Below 32768: the kernel takes the ports of outgoing connections from there on, which look free
  # here and cannot be listened on.
  while port=$((20000 + RANDOM % 12000)) && port_is_open "$port"; do :; done
  echo "$port"
}

# --- PostgreSQL, a receiver, the hub, a gateway ----------------------------------------------------
as_postgres=()
chmod 755 "$work"
mkdir -p "$work"/{pg,sink,hub,state,run,nats,files}
if [ "$(id -u)" = 0 ]; then  # PostgreSQL refuses root
  chown nobody "$work/pg"
  as_postgres=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi
"${as_postgres[@]}" "$postgres/initdb" -D "$work/pg/data" -U sluice -A trust -E UTF8 --locale=C.UTF-8 \
  --no-sync >"$work/initdb.log" 2>&1 || { cat "$work/initdb.log" >&2; die "initdb failed"; }
launch postgres "${as_postgres[@]}" "$postgres/postgres" -D "$work/pg/data" -k "$work/pg" -c listen_addresses= -c fsync=off
launch sink python3 "$here/sink.py" "$work/sink"
nats_port=$(free_port) hub_port=$(free_port)
export SLUICE_NATS=nats://127.0.0.1:$nats_port SLUICE_HUB=http://127.0.0.1:$hub_port
export SLUICE_GATEWAY=$work/run
start_nats() {
  launch nats-server "${SLUICE_NATS_SERVER:-nats-server}" -a 127.0.0.1 -p "$nats_port" -js -sd "$work/nats"
  wait_for 20 "the start of nats-server" port_is_open "$nats_port"
  sluice provision --max-bytes 1GiB --keep-forever --json >"$work/provision.json"
}
start_nats
wait_for 20 "the start of the receiver" test -s "$work/sink/smtp_port"
wait_for 20 "the start of PostgreSQL" "${as_postgres[@]}" "$postgres/psql" -h "$work/pg" -U sluice -d postgres -c 'SELECT 1'
echo "a secret of this example" >"$work/hook.key"
cp "$here/users.model.toml" "$work/files/"
sed -e "s|@HTTP_PORT@|$(cat "$work/sink/http_port")|" -e "s|@SMTP_PORT@|$(cat "$work/sink/smtp_port")|" \
  -e "s|@WORK@|$work|" "$here/users.reactor.toml.in" >"$work/files/users.reactor.toml"
cat >"$work/hub.toml" <<TOML
[hub]
urls     = ["$SLUICE_NATS"]
models   = ["$work/files"]
reactors = ["$work/files"]
postgres = "host=$work/pg user=sluice dbname=postgres"
state    = "$work/hub"
listen   = "127.0.0.1:$hub_port"
check_interval = "1s"
TOML
cat >"$work/gateway.toml" <<TOML
[gateway]
id    = "office"
state = "$work/state"
run   = "$work/run"

[uplink]
urls = ["$SLUICE_NATS"]
TOML
start_hub() {
  launch sluice-hub sluice-hub --config "$work/hub.toml"
  wait_for 20 "the start of sluice-hub" curl -fsS "$SLUICE_HUB/healthz"
}
start_hub
reactor() { curl -fsS "$SLUICE_HUB/v1/reactors" | jq -e ".reactors[0] | $1"; }
# "Now" is when the reactor first sees its hub stream: the gateway begins after that.
wait_for 30 "the reactor's beginning" reactor '.shards[0].state == "running"'
launch sluiced sluiced --config "$work/gateway.toml"
wait_for 20 "the start of sluiced" sluice status
launch sluice-uplink sluice-uplink --config "$work/gateway.toml"

# --- Events, and what follows from them ------------------------------------------------------------
rows() { curl -fsS "$SLUICE_HUB/v1/models/users/$1"; }
sluice append --jsonl "$here/events.jsonl" --quiet
wait_for 60 "the last event in the read model" sh -c \
  "curl -fsS '$SLUICE_HUB/v1/models/users/users' | jq -e '(.rows | length) == 2 and (.rows[] | select(.id == \"bob\")).name == \"Bob Rayner\"'"
wait_for 30 "eight webhooks" sh -c "[ \$(wc -l <'$work/sink/webhooks') -ge 8 ]"
wait_for 30 "three mails" sh -c "[ \$(wc -l <'$work/sink/mails') -ge 3 ]"
say "GET /v1/models/users/users?fields=id,name,logins&order=id"
rows 'users?fields=id,name,logins&order=id' | jq -c '.rows[]'
say "GET /v1/models/users/users?id=ann"
rows 'users?id=ann' | jq -c '.rows[0]'
say "GET /v1/models/users/members?fields=title,name"
rows 'members?fields=title,name' | jq -c '.rows[]'
say "sluice reactor list"
sluice reactor list
rows 'users?order=id' | jq -cS .rows >"$work/before.json"

# --- All of it again: a hub without its store, a killed sluice-hub, a model built anew ----------------
say "nats-server loses its store; the gateway sends its log again"
end nats-server KILL
rm -rf "${work:?}/nats"
start_nats
stored() { curl -fsS "$SLUICE_HUB/v1/models" |
  jq -e '.models[0].shards[0] | .begun_anew >= 1 and .lag == 0 and .position >= 16'; }
wait_for 90 "reading all of it again" stored
say "sluice-hub is killed"
end sluice-hub KILL
start_hub
say "sluice model rebuild users"
sluice model rebuild users --reason "an example" --wait >"$work/rebuild.log" 2>&1 || { cat "$work/rebuild.log" >&2; die "the rebuild failed"; }
same() { [ "$(rows 'users?order=id' | jq -cS .rows)" = "$(cat "$work/before.json")" ]; }
wait_for 60 "the same rows as before" same
wait_for 30 "an empty outbox" reactor 'all(.reactions[]; .waiting == 0)'

# --- What was received: each effect once ---------------------------------------------------------------
twice() { cut -f 1 "$work/sink/$1" | sort | uniq -d | wc -l; }
webhooks=$(wc -l <"$work/sink/webhooks") mails=$(wc -l <"$work/sink/mails")
dead=$(curl -fsS "$SLUICE_HUB/v1/reactors" | jq '[.reactors[].reactions[].dead] | add')
ok=false
[ "$webhooks $mails $(twice webhooks) $(twice mails) $dead" = "8 3 0 0 0" ] && ok=true
jq -cn --argjson ok "$ok" --argjson webhooks "$webhooks" --argjson mails "$mails" --argjson dead "$dead" \
  '{webhooks: $webhooks, mails: $mails, twice: 0, dead: $dead, ok: $ok}'
[ "$ok" = true ] || { cat "$work/sink/webhooks" "$work/sink/mails" >&2; exit 1; }
