#!/usr/bin/env bash
# Runs the tests of the containers with a Docker engine: the one that answers, or one that a program
# starts for the time of the tests.
#
# Usage: tools/test_deploy.sh [ENGINE] [PYTEST ARGUMENTS ...]
#   ENGINE  a program; `ENGINE start DIR` starts an engine that keeps its data in DIR and writes
#           DIR/env, which leads docker to it; `ENGINE stop DIR` ends it. Empty: none.
set -euo pipefail
engine=${1:-}
[ $# -eq 0 ] || shift

if ! docker info >/dev/null 2>&1; then
    if [ -z "$engine" ]; then
        echo "heed: error: no Docker engine answers; start one, or name a program that does:" \
            "make test-deploy ENGINE=PROGRAM" >&2
        exit 1
    fi
    folder=$(mktemp -d -t heed-engine.XXXX)
    end_engine() {
        "$engine" stop "$folder"
        for _ in $(seq 60); do [ -e "$folder/d.pid" ] || break; sleep 1; done
        rm -rf "$folder"
    }
    trap end_engine EXIT
    "$engine" start "$folder"
    # shellcheck disable=SC1091
    source "$folder/env"
fi
[ $# -gt 0 ] || set -- tests/system/deploy
HEED_TEST_DEPLOY=required "${PYTHON:-.venv/bin/python}" -m pytest "$@"
