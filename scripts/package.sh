#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian packages: sluice (gateway, uplink, command line) and sluice-hub.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/package.sh [native] [arm64]

Builds the .debs for this machine (native), for arm64, or for both (default), and prints where they
are. Installs what building needs, as scripts/deps.sh does.
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

[ $# -gt 0 ] || set -- native arm64
for target in "$@"; do
  case $target in
    native | arm64) ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

# check_needed <build folder> <deb>: for another architecture the Depends line is not computed from
# the programs, so see that each library they need is in it.
check_needed() {
  local scratch library name version package shlibs=deps/sysroot-arm64/shlibs code=0
  scratch=$(mktemp -d)
  dpkg-deb -x "$2" "$scratch" || return 1
  for library in $(readelf -d "$scratch"/usr/bin/* | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u); do
    case $library in
      *.so.*) name=${library%%.so.*} version=${library##*.so.} ;;
      *) name=${library%%-[0-9]*} version=${library##*-} version=${version%.so} ;;
    esac
    package=$(awk -v n="$name" -v v="$version" '$1 == n && $2 == v {print $3; exit}' "$shlibs")
    if [ -z "$package" ] || ! dpkg-deb -f "$2" Depends | tr ',' '\n' | grep -q "^ *$package\b"; then
      # The dynamic linker itself comes with libc6.
      case $library in ld-linux-*) continue ;; esac
      echo "package: $2 needs $library (${package:-no package known}), which is not in its Depends" >&2
      code=1
    fi
  done
  rm -rf "$scratch"
  return "$code"
}

scripts/deps.sh --yes test
# shellcheck source=scripts/lib_build.sh
. scripts/lib_build.sh
for target in "$@"; do
  preset="package"
  if [ "$target" = arm64 ]; then
    preset="package-arm64"
    cross/sysroot.sh arm64
  fi
  configure_and_build "$preset"
  (cd "build/$preset" && rm -rf packages && cpack -G DEB)
  if [ "$target" = arm64 ]; then
    for package in "build/$preset"/packages/*.deb; do
      check_needed "build/$preset" "$package"
    done
  fi
done
printf 'package: %s\n' "$root"/build/package*/packages/*.deb
