#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Cuts the power under Sluice and its peers, with the same rig and the same load, and prints one table.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/lab/peers/peers.sh [--runs N] [--seconds N] [--rate N] [--only WORD] [--json FILE]

Installs Debian's mosquitto, rsyslog and the Python modules it needs (as root, without starting any
service), then runs each peer on an ext4 of its own, cuts its power under load, starts it again, and
counts what of the acknowledged messages is left. Needs root, loop devices and the dev build.

  --runs N      cuts of each row (default 5)
  --seconds N   of load before the cut (default 10)
  --rate N      messages a second (default 500)
  --only WORD   only the rows whose name holds WORD
  --json FILE   append each row as a line of JSON
TEXT
}

case ${1:-} in --help | -h) usage; exit 0 ;; esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "peers: needs root, for loop devices and mounts" >&2; exit 1; }

packages="nats-server mosquitto rsyslog rsyslog-relp python3-msgpack"
missing=""
for package in $packages; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
    missing="$missing $package"
done
if [ -n "$missing" ]; then
  # Debian starts services when it installs them; none is wanted here.
  policy=/usr/sbin/policy-rc.d
  made=no
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; made=yes; }
  code=0
  # shellcheck disable=SC2086  # one word per package is meant
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >&2 || code=$?
  [ "$made" = no ] || rm -f "$policy"
  for service in mosquitto rsyslog nats-server; do  # none is to start at the next boot either
    case $missing in *$service*) systemctl disable "$service.service" >/dev/null 2>&1 || true ;; esac
  done
  [ "$code" = 0 ] || { echo "peers: could not install$missing" >&2; exit 1; }
fi

export SLUICE_BIN_DIR=${SLUICE_BIN_DIR:-$root/build/dev/bin}
[ -x "$SLUICE_BIN_DIR/sluiced" ] || { echo "peers: build Sluice first ($SLUICE_BIN_DIR)" >&2; exit 1; }
PATH=$PATH:/usr/sbin:/sbin exec unshare --mount --propagation private \
  /usr/bin/python3 "$root/tests/lab/peers/peers.py" "$@"
