#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What an event costs the card at 10 events/s, as `sluice status` says it: sluiced on an ext4 of its
# own (a loop device, so that only its writes are counted), once with a commit for each event and
# once with a commit a second. As root.
#
#     bench/card_wear.sh [EVENTS] [PROGRAMS]     default 1500 events, build/release/bin
set -euo pipefail

events=${1:-1500}
programs=$(realpath "${2:-$(dirname "$0")/../build/release/bin}")
work=$(mktemp -d)
gateway=
trap 'kill "$gateway" 2>/dev/null || true; wait; umount "$work"/*/disk 2>/dev/null || true; rm -rf "$work"' EXIT

lines() {
  for ((i = 1; i <= events; ++i)); do
    echo "{\"stream\":\"pump/$((i % 20))\",\"type\":\"Measured\",\"data\":{\"bar\":4.2,\"n\":$i}}"
    sleep 0.1
  done
}

for interval in 20ms 1s; do
  here=$work/$interval
  mkdir -p "$here/disk" "$here/run"
  truncate -s 512M "$here/image"
  mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$here/image"
  mount -o loop "$here/image" "$here/disk"
  cat > "$here/sluice.toml" <<TOML
[gateway]
id = "wear"
state = "$here/disk/state"
run = "$here/run"
[log]
card_endurance = "30TB"
[log.telemetry]
commit_interval = "$interval"
TOML
  "$programs/sluiced" --config "$here/sluice.toml" 2> "$here/log" &
  gateway=$!
  until "$programs/sluice" status --gateway "$here/run" > /dev/null 2>&1; do sleep 0.1; done
  lines | "$programs/sluice" append --jsonl - --quiet --gateway "$here/run" > /dev/null
  echo "commit_interval = $interval:"
  # On a terminal, status is text for people.
  script -qc "$programs/sluice status --gateway $here/run" /dev/null | grep '^card'
  kill "$gateway" && wait "$gateway" || true
  umount "$here/disk"
done
