#!/bin/bash
# Healthy (status 0): every model of models.config has a version that answers. Asked over REST,
# because the gRPC health service of TensorFlow Serving says nothing about models.
set -euo pipefail
config=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Prints what the server knows of a model's versions, as JSON behind the head.
status_of() {
    exec 3<>"/dev/tcp/127.0.0.1/${HEED_TF_SERVING_REST_PORT:-8501}" || return 1
    printf 'GET /v1/models/%s HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$1" >&3
    cat <&3
}

names=$(sed -n 's/^[^#]*\bname: *"\([^"]*\)".*/\1/p' "$config/models.config")
[ -n "$names" ] || { echo "no model in $config/models.config" >&2; exit 1; }
for name in $names; do
    answer=$(status_of "$name" 2>/dev/null) || { echo "nothing answers yet" >&2; exit 1; }
    if ! grep -q '"AVAILABLE"' <<<"$answer"; then
        echo "$name has no version that answers" >&2
        exit 1
    fi
done
