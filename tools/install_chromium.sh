#!/usr/bin/env bash
# Installs Chromium for the tests of the attention explorer, where that can be done without asking:
# on Debian and Ubuntu as root. Otherwise says what is missing; those tests are then skipped.
set -uo pipefail

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "Chromium is not installed, so the tests of the web page are skipped (Debian: apt-get install chromium)" >&2
    exit 0
fi

echo "Installing Chromium for the tests of the web page ..."
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; }; then
    echo "Chromium could not be installed, so the tests of the web page are skipped" >&2
fi
