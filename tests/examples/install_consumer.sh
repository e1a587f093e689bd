#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts the JavaScript consumer and what it needs into a folder of its own.
# Usage: install_consumer.sh EXAMPLES FOLDER
set -euo pipefail
examples=$1 folder=$2

mkdir -p "$folder"
if ! cmp -s "$examples/package.json" "$folder/installed.json"; then
  rm -rf "$folder/node_modules" "$folder/installed.json"
  cp "$examples/package.json" "$folder/"
  (cd "$folder" && npm install --prefer-offline --no-audit --no-fund --no-package-lock)
  cp "$examples/package.json" "$folder/installed.json"
fi
cp "$examples/consumer.mjs" "$folder/"
