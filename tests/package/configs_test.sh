#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The configurations that the packages install are accepted by the programs that read them.
# shellcheck source=tests/package/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"
bin=$build_dir/bin
config=$scratch/sluice.toml

cp "$source_dir/systemd/sluice.toml" "$config"
expect 0 "$bin/sluiced" --config "$config" --check-config
expect 0 "$bin/sluice-uplink" --config "$config" --check-config

# All that one program prints as its settings, the other leaves alone.
"$bin/sluiced" --config "$config" --print-config >"$scratch/all.toml"
expect 0 "$bin/sluiced" --config "$scratch/all.toml" --check-config
expect 0 "$bin/sluice-uplink" --config "$scratch/all.toml" --check-config

# Each line that is commented out as a default is a setting that exists, with that very default.
sed -E 's/^# ((\[|[a-z_]+ = ).*)/\1/; /^(creds|nkey|user|password|ca|token)_file = /d' \
  "$source_dir/systemd/sluice.toml" | sed '/^http_listen = /d; /^\(alarm\|picture\) = /d' >"$config"
expect 0 "$bin/sluiced" --config "$config" --check-config
expect 0 "$bin/sluice-uplink" --config "$config" --check-config
"$bin/sluiced" --config "$config" --print-config | grep -v '^lanes = ' >"$scratch/shown.toml"
grep -v '^lanes = ' "$scratch/all.toml" | diff - "$scratch/shown.toml" ||
  fail "a default shown in systemd/sluice.toml is not the default"

mkdir "$scratch/models"
cp "$source_dir/examples/host-telemetry.model.toml" "$scratch/models/"
sed "s|/etc/sluice/models|$scratch/models|" "$source_dir/systemd/hub.toml" >"$scratch/hub.toml"
expect 0 "$bin/sluice-hub" --config "$scratch/hub.toml" --check-config

# Bad configuration ends with 78, and says where it is.
printf '[gateway]\nid = "a"\nidd = "b"\n' >"$config"
for program in sluiced sluice-uplink; do
  expect 78 "$bin/$program" --config "$config" --check-config
  expect_in_output "$config:3"
  expect_in_output idd
done
printf '[hub]\nurl = "x"\n' >"$scratch/hub.toml"
expect 78 "$bin/sluice-hub" --config "$scratch/hub.toml" --check-config
expect_in_output "$scratch/hub.toml:2"
echo ok
