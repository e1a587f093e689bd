#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Sluice needs to build and run on Debian, and nothing that is already there.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/deps.sh [--list] [--yes] [demo|test]

Installs the missing Debian packages, and unpacks the msgpack-c headers into deps/.

  demo      what building and running Sluice needs
  test      the same, and what the tests, the packages and the arm64 build need (default)

  --list    print the missing packages, one a line, change nothing; prints nothing if all is there
  --yes     do not ask on a terminal
  --help    print this

Needs root only if something is missing. Exit codes: 0 all is there, 1 it could not be
installed, 2 wrong usage.
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
msgpack_dir=$root/deps/msgpack
list_only=no
assume_yes=no
group="test"

for argument in "$@"; do
  case $argument in
    --list) list_only=yes ;;
    --yes) assume_yes=yes ;;
    --help | -h) usage; exit 0 ;;
    demo | test) group=$argument ;;
    *) usage >&2; exit 2 ;;
  esac
done

say() { printf 'deps: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# The version of the Boost headers that the compiler finds, as 108100 for 1.81; 0 without any.
boost_version() {
  sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' /usr/include/boost/version.hpp 2>/dev/null |
    grep . || echo 0
}

# libboost1.81-dev exists in Debian 12 only; a newer Debian's libboost-dev is new enough.
boost_package() {
  if apt-cache show libboost1.81-dev >/dev/null 2>&1 || ! apt-cache show libboost-dev >/dev/null 2>&1
  then echo libboost1.81-dev
  else echo libboost-dev
  fi
}

have_msgpack() {
  [ -f "$msgpack_dir/usr/include/msgpack.hpp" ] || [ -f /usr/include/msgpack.hpp ]
}

build_packages="g++ cmake ninja-build pkg-config ccache ca-certificates libnats-dev libsqlite3-dev
  libtomlplusplus-dev libcli11-dev libsodium-dev libzstd-dev libssl-dev libsystemd-dev libpq-dev
  libcurl4-openssl-dev libjs-chart.js"
run_packages="nats-server curl jq iproute2 openssl procps"
test_packages="git python3 faketime nftables libgtest-dev libgmock-dev sqlite3 systemd dpkg-dev file
  g++-aarch64-linux-gnu qemu-user postgresql chromium prometheus python3-jsonschema"

# Prints what is missing. A tool that is there without Debian's package (Node.js often is) counts.
missing_packages() {
  local packages="$build_packages $run_packages" package
  [ "$group" = test ] && packages="$packages $test_packages"
  for package in $packages; do
    installed "$package" || echo "$package"
  done
  [ "$(boost_version)" -ge 108100 ] || boost_package
  if [ "$group" = test ]; then
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
  fi
  have_msgpack || echo libmsgpack-cxx-dev
}

# libboost1.81-dev and libboost1.74-dev (behind libboost-dev) cannot be installed together, and
# apt-get -y removes the one for the other without a word. Only Boost's own -dev packages may go,
# and the msgpack-c headers, which come back below.
check_removals() {
  local removed other
  removed=$(apt-get -s install --no-install-recommends "$@" 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p')
  [ -n "$removed" ] || return 0
  other=$(grep -vE '^(libboost.*-dev|libmsgpack-cxx-dev)$' <<<"$removed" || true)
  if [ -n "$other" ]; then
    die "installing $* would remove these packages: $(tr '\n' ' ' <<<"$removed")
deps: libboost1.81-dev conflicts with libboost1.74-dev (libboost-dev). Remove what depends on
deps: Boost 1.74's headers yourself, or build in a container, then run this again."
  fi
  say "Boost 1.81's headers replace older ones; apt will remove: $(tr '\n' ' ' <<<"$removed")"
}

# Debian starts a service when its package is installed. Sluice's scripts start servers of their
# own, so nothing may be left running, now or after a boot. The machine's own policy is kept.
install_quietly() {
  local policy=/usr/sbin/policy-rc.d made_policy=no code=0 service new_services=()
  local clusters=/etc/postgresql-common/createcluster.d no_cluster=
  for service in nats-server prometheus postgresql; do
    installed "$service" || new_services+=("$service")
  done
  # The tests make clusters of their own; Debian's "main" would only take room and a port.
  if ! installed postgresql-common && [ ! -e "$clusters/sluice-deps.conf" ]; then
    no_cluster=$clusters/sluice-deps.conf
    mkdir -p "$clusters"
    echo 'create_main_cluster = false' >"$no_cluster"
  fi
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made_policy=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2 || code=$?
  [ "$made_policy" = yes ] && rm -f "$policy"
  [ -z "$no_cluster" ] || rm -f "$no_cluster"
  for service in "${new_services[@]}"; do
    if installed "$service" && command -v systemctl >/dev/null; then
      systemctl disable "$service.service" >/dev/null 2>&1 || true
    fi
  done
  return "$code"
}

# libmsgpack-cxx-dev depends on libboost-dev, which conflicts with libboost1.81-dev. It holds only
# headers, so they are unpacked beside the sources (docs/decisions/0001-msgpack-headers.md).
unpack_msgpack() {
  local scratch
  scratch=$(mktemp -d)
  (cd "$scratch" && chmod 755 . && apt-get download libmsgpack-cxx-dev >&2) ||
    die "apt-get download libmsgpack-cxx-dev failed"
  mkdir -p "$msgpack_dir"
  dpkg-deb -x "$scratch"/libmsgpack-cxx-dev_*.deb "$msgpack_dir"
  rm -rf "$scratch"
  have_msgpack || die "libmsgpack-cxx-dev holds no msgpack.hpp"
}

command -v apt-get >/dev/null || die "this script knows Debian only. Install by hand, in your
deps: system's names: $build_packages Boost >= 1.81 msgpack-cxx $run_packages"

missing=$(missing_packages)
if [ "$list_only" = yes ]; then
  [ -z "$missing" ] || printf '%s\n' "$missing"
  exit 0
fi
[ -n "$missing" ] || exit 0

say "missing: $(tr '\n' ' ' <<<"$missing")"
if [ "$missing" != libmsgpack-cxx-dev ] && [ "$(id -u)" != 0 ]; then
  die "installing them needs root: sudo $0 --yes $group"
fi
if [ "$assume_yes" = no ] && [ -t 0 ] && [ -t 2 ]; then
  read -r -p 'deps: install them now? [Y/n] ' answer
  case $answer in '' | y | Y | yes) ;; *) die "nothing was changed" ;; esac
fi

if [ "$(id -u)" = 0 ]; then
  apt-get update >&2 || die "apt-get update failed"
  missing=$(missing_packages)  # apt may know packages only now
fi
to_install=$(grep -v '^libmsgpack-cxx-dev$' <<<"$missing" || true)
if [ -n "$to_install" ]; then
  # shellcheck disable=SC2086  # one word per package is meant
  check_removals $to_install
  # shellcheck disable=SC2086
  install_quietly $to_install || die "apt-get install failed"
fi
have_msgpack || unpack_msgpack

left=$(missing_packages)
[ -z "$left" ] || die "still missing: $(tr '\n' ' ' <<<"$left")"
say "all is there"
