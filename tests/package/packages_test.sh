#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the .debs, installs them into a scratch root, and runs the programs from there.
# shellcheck source=tests/package/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"
root=$scratch/root

(cd "$build_dir" && rm -rf packages && cpack -G DEB >"$scratch/cpack.log" 2>&1) ||
  fail "cpack: $(tail -20 "$scratch/cpack.log")"
arch=$(dpkg --print-architecture)
gateway=("$build_dir"/packages/sluice_*_"$arch".deb)
hub=("$build_dir"/packages/sluice-hub_*_"$arch".deb)
for package in "${gateway[0]}" "${hub[0]}"; do
  [ -f "$package" ] || fail "cpack made no $package but $(ls "$build_dir/packages")"
done

for package in "${gateway[0]}" "${hub[0]}"; do
  expect 0 dpkg-deb --info "$package"
  expect_in_output 'Description: event sourcing for the edge'
  expect_in_output 'libc6 (>='
  expect_in_output libsqlite3-0
  expect_in_output libnats
  expect 0 dpkg-deb --contents "$package"
  # Owned by root, no absolute path of the machine that built it, nothing below /usr/local.
  ! grep -vE '^.{10} root/root ' <<<"$output" || fail "$package: a file is not root's"
  ! grep -E '/usr/local|/tmp/|\.so|\.a$|\.hpp$' <<<"$output" || fail "$package: a file that has no place"
  dpkg-deb -x "$package" "$root"
  dpkg-deb -e "$package" "$scratch/control"
  while read -r conffile; do
    [ -f "$root$conffile" ] || fail "$package: conffile $conffile is not in it"
  done <"$scratch/control/conffiles"
  for script in postinst prerm postrm; do
    expect 0 sh -n "$scratch/control/$script"
  done
done

# A gateway's board needs nothing of the hub's libraries.
! dpkg-deb -f "${gateway[0]}" Depends | grep -E 'libpq|libcurl' || fail "${gateway[0]}: needs the hub's libraries"

# Every program finds its libraries, knows its version, and takes the configuration beside it.
for program in sluiced sluice-uplink sluice sluice-hub sluice-model; do
  expect 0 "$root/usr/bin/$program" --version
  expect_in_output "$(sed -n 's/^ *VERSION \([0-9.]*\) .*/\1/p; s/^project(sluice VERSION \([0-9.]*\) .*/\1/p' \
    "$source_dir/CMakeLists.txt")"
  ! readelf -d "$root/usr/bin/$program" | grep -E 'RPATH|RUNPATH' || fail "$program has an rpath"
done
for program in sluiced sluice-uplink; do
  expect 0 "$root/usr/bin/$program" --config "$root/etc/sluice/sluice.toml" --check-config
done
sed -i "s|/etc/sluice/models|$root/etc/sluice/models|" "$root/etc/sluice/hub.toml"
expect 0 "$root/usr/bin/sluice-hub" --config "$root/etc/sluice/hub.toml" --check-config

expect 0 "$root/usr/bin/sluice" model check "$root"/etc/sluice/models/*.model.toml

# The users are made as the units name them.
mkdir -p "$root/etc"
expect 0 systemd-sysusers --root="$root" sluice.conf sluice-hub.conf
for user in sluice sluice-hub; do
  grep -q "^$user:" "$root/etc/passwd" || fail "systemd-sysusers made no user $user"
done
grep -q '^sluice:.*:sluice-hub$' "$root/etc/group" || fail "sluice-hub is not in the group sluice"
for unit in sluiced sluice-uplink sluice-hub; do
  [ -f "$root/usr/lib/systemd/system/$unit.service" ] || fail "$unit.service is not installed"
  exec_start=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$root/usr/lib/systemd/system/$unit.service")
  [ -x "$root$exec_start" ] || fail "$unit.service starts $exec_start, which is not installed"
done
echo ok
