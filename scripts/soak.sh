#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills every part of an installation at random moments, for as long as asked, and checks after each
# run that nothing acknowledged was lost and nothing took effect twice.
#
#     scripts/soak.sh [MINUTES] [FIRST-SEED]      default: 60 minutes, a seed from the clock
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-60}
seed=${2:-$(date +%s)}
scripts/deps.sh
cmake --preset dev >/dev/null
cmake --build --preset dev --target sluice-chaos
echo "soak: ${minutes} min, first seed ${seed}; repeat one run with: build/dev/tests/sluice-chaos --seed N"
exec build/dev/tests/sluice-chaos --minutes "$minutes" --seed "$seed"
