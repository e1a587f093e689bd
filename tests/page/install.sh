#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts the page's tests and what they need into a folder of their own.
# Usage: install.sh SOURCES FOLDER
set -euo pipefail
sources=$1 folder=$2

mkdir -p "$folder"
if ! cmp -s "$sources/package-lock.json" "$folder/installed.json"; then
  rm -rf "$folder/node_modules" "$folder/installed.json"
  cp "$sources/package.json" "$sources/package-lock.json" "$folder/"
  (cd "$folder" && npm ci --prefer-offline --no-audit --no-fund --ignore-scripts)
  cp "$sources/package-lock.json" "$folder/installed.json"
fi
cp "$sources"/*.mjs "$folder/"
