#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes deps/sysroot-<arch>: the target's C library and the libraries Sluice links, from the same
# Debian as this machine. No root, and the host's packages stay as they are: apt runs on a private
# configuration, and the packages are unpacked, not installed.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: cross/sysroot.sh arm64 [--again]

Makes or updates the sysroot that the CMake preset of the same name builds with. Does nothing if it
is there already; --again makes it anew, with the packages' newest versions.
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
arch=${1:-}
case $arch in
  arm64) triplet=aarch64-linux-gnu ;;
  --help | -h) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac
again=${2:-}
sysroot=$root/deps/sysroot-$arch

packages="libc6-dev libstdc++-12-dev libnats-dev libsqlite3-dev libssl-dev libzstd-dev
  libsodium-dev libsystemd-dev libpq-dev libcurl4-openssl-dev libgtest-dev libgmock-dev"
# Header-only and the same for every machine: taken from the host, one by one. /usr/include itself
# must never be on a cross build's path.
host_headers="boost toml++ CLI"

stamp="$packages $host_headers $(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) 1"
if [ "$again" != --again ] && [ "$(cat "$sysroot/.stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi

say() { printf 'sysroot: %s\n' "$*" >&2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,archives/partial,state,out}
: >"$work/state/status"
cat >"$work/apt.conf" <<CONF
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "";
Dir::State "$work/state";
Dir::State::Lists "$work/lists";
Dir::State::status "$work/state/status";
Dir::Cache "$work";
Dir::Cache::archives "$work/archives";
CONF

export APT_CONFIG=$work/apt.conf
log=$work/log
# shellcheck disable=SC2086  # one word per package is meant
if ! { apt-get update &&
       apt-get -y --no-install-recommends --download-only install $packages; } >"$log" 2>&1; then
  cat "$log" >&2
  say "apt could not fetch the $arch packages"
  exit 1
fi

for package in "$work"/archives/*.deb; do
  dpkg-deb -x "$package" "$work/out"
done

# Absolute links would lead to the host's libraries.
find "$work/out" -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
  ln -sfnr "$work/out$(readlink "$link")" "$link"
done

for name in $host_headers; do
  [ -e "/usr/include/$name" ] || { say "/usr/include/$name is missing; run scripts/deps.sh"; exit 1; }
  ln -s "/usr/include/$name" "$work/out/usr/include/$name"
done
msgpack=$root/deps/msgpack/usr/include
[ -e "$msgpack/msgpack.hpp" ] || msgpack=/usr/include
for name in msgpack.hpp msgpack; do
  ln -s "$msgpack/$name" "$work/out/usr/include/$name"
done

# What each library needs at run time, for the package's Depends: soname -> package (>= version).
for package in "$work"/archives/*.deb; do
  dpkg-deb -I "$package" shlibs 2>/dev/null || true
done | sort -u >"$work/out/shlibs"

rm -rf "$work/out/usr/share/doc" "$sysroot"
mkdir -p "$(dirname "$sysroot")"
mv "$work/out" "$sysroot"
printf '%s' "$stamp" >"$sysroot/.stamp"
say "$sysroot: $(find "$work/archives" -name '*.deb' | wc -l) packages, $(du -sh "$sysroot" | cut -f1) ($triplet)"
