#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The units are well-formed and hardened, and the check that says so can fail.
# shellcheck source=tests/package/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

command -v systemd-analyze >/dev/null || fail "systemd-analyze is missing; run scripts/deps.sh"

# The programs are not in /usr/bin on the machine that builds them.
for unit in sluiced sluice-uplink sluice-hub; do
  sed "s|/usr/bin/|$build_dir/bin/|" "$source_dir/systemd/$unit.service" >"$scratch/$unit.service"
done
for unit in sluiced sluice-uplink sluice-hub; do
  expect 0 systemd-analyze verify --man=no "$scratch/$unit.service"
  [ -z "$output" ] || fail "systemd-analyze verify $unit says: $output"
  expect 0 systemd-analyze security --offline=yes --threshold=15 "$scratch/$unit.service"
done

# A unit that lost its sandbox, and one with a misspelt line, are noticed.
sed '/^ProtectSystem=\|^CapabilityBoundingSet=\|^SystemCallFilter=/d' "$scratch/sluiced.service" \
  >"$scratch/open.service"
expect 1 systemd-analyze security --offline=yes --threshold=15 "$scratch/open.service"
sed 's/^WatchdogSec=/WatchdogSecs=/' "$scratch/sluiced.service" >"$scratch/misspelt.service"
output=$(systemd-analyze verify --man=no "$scratch/misspelt.service" 2>&1 || true)
expect_in_output WatchdogSecs

# What the design relies on.
for unit in sluiced sluice-uplink sluice-hub; do
  for line in Type=notify WatchdogSec= RestartPreventExitStatus=78 StartLimitIntervalSec=0 \
              Restart=always LimitCORE=0; do
    grep -q "^$line" "$scratch/$unit.service" || fail "$unit.service has no $line"
  done
  ! grep -q '^ProtectClock=\|^ProcSubset=' "$scratch/$unit.service" ||
    fail "$unit.service hides the clock's state or the boot's id from the program"
done
echo ok
