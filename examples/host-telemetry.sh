#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# This machine's own telemetry as JSON lines for `sluice append --jsonl -`: real values from /proc
# and /sys, with nothing but a POSIX shell, awk, df and date. It also shows how to feed anything:
# print one JSON object per line with stream, type, data and (if you know it) occurred_at.
#
#   examples/host-telemetry.sh | sluice append --jsonl -
set -eu

usage() {
  cat <<'TEXT'
usage: examples/host-telemetry.sh [--interval SECONDS] [--count N]
  --interval SECONDS  time between samples (default 1; fractions as 0.2 work)
  --count N           stop after N samples (default: go on until stopped)

Each sample is one line per thing measured, all in stream host/<hostname>:
  CpuSampled          busy_percent (since the sample before), load1
  MemorySampled       used_bytes, total_bytes
  DiskSampled         mount, used_bytes, total_bytes
  NetSampled          interface, rx_bytes, tx_bytes (since it came up)
  TemperatureSampled  sensor, celsius (on machines that have sensors)
TEXT
}

interval=1
count=0
while [ $# -gt 0 ]; do
  case "$1" in
    --interval) interval=${2:?--interval needs seconds}; shift 2 ;;
    --count) count=${2:?--count needs a number}; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

host=$(uname -n | tr -c 'A-Za-z0-9._-' '-' | sed 's/-*$//')

# line TYPE DATA: one event, stamped with this machine's clock. A reader that went away (a closed
# pipe) ends the script quietly.
line() {
  printf '{"stream":"host/%s","type":"%s","data":%s,"occurred_at":"%s"}\n' \
    "$host" "$1" "$2" "$now" 2>/dev/null || exit 0
}

# Jiffies of all CPUs since boot: "busy total". Waiting for I/O counts as idle.
cpu_jiffies() {
  awk '/^cpu / { idle = $5 + $6; for (i = 2; i <= 9; i++) total += $i; print total - idle, total; exit }' /proc/stat
}

cpu() {
  # shellcheck disable=SC2046,SC2086  # two numbers each, on purpose
  set -- $before $(cpu_jiffies)
  before="$3 $4"
  line CpuSampled "$(awk -v b0="$1" -v t0="$2" -v b1="$3" -v t1="$4" '{
    busy = t1 > t0 ? 100 * (b1 - b0) / (t1 - t0) : 0
    printf "{\"busy_percent\":%.1f,\"load1\":%.2f}", busy, $1 }' /proc/loadavg)"
}

memory() {
  line MemorySampled "$(awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { free = $2 }
    END { printf "{\"used_bytes\":%.0f,\"total_bytes\":%.0f}", (total - free) * 1024, total * 1024 }' /proc/meminfo)"
}

# Every real file system once: what df knows of devices under /dev, and the root.
disks() {
  df -P -k 2>/dev/null | awk 'NR > 1 && ($1 ~ "^/dev/" || $6 == "/") && !seen[$1]++ {
    gsub(/[\\"]/, "\\\\&", $6)
    printf "{\"mount\":\"%s\",\"used_bytes\":%.0f,\"total_bytes\":%.0f}\n", $6, $3 * 1024, $2 * 1024 }' |
    while read -r data; do line DiskSampled "$data"; done
}

network() {
  awk -F: 'NR > 2 { gsub(/ /, "", $1); split($2, n, " ")
    printf "{\"interface\":\"%s\",\"rx_bytes\":%.0f,\"tx_bytes\":%.0f}\n", $1, n[1], n[9] }' /proc/net/dev |
    while read -r data; do line NetSampled "$data"; done
}

temperatures() {
  for zone in /sys/class/thermal/thermal_zone*; do
    [ -r "$zone/temp" ] || continue
    milli=$(cat "$zone/temp" 2>/dev/null) || continue
    name=$(tr -cd 'A-Za-z0-9._-' <"$zone/type")
    line TemperatureSampled "$(awk -v m="$milli" -v n="$name-${zone##*zone}" \
      'BEGIN { printf "{\"sensor\":\"%s\",\"celsius\":%.1f}", n, m / 1000 }')"
  done
}

before=$(cpu_jiffies)
sample=0
while :; do
  sleep "$interval"
  now=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
  cpu
  memory
  disks
  network
  temperatures
  sample=$((sample + 1))
  [ "$sample" -ne "$count" ] || exit 0
done
