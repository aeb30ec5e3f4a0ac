#!/bin/sh
# Publishes an exported version: copied beside its place under a name that is no number, and renamed
# into it in one step, so that no model server ever sees half of it. Run again, it does nothing.
#
#   HEED_MODEL_NAME=NAME HEED_MODEL_VERSION=N publish.sh VERSION_FOLDER MODELS_FOLDER
set -eu
source=$1
name=${HEED_MODEL_NAME:?is not set}
version=${HEED_MODEL_VERSION:?is not set}
model=$2/$name

fail() {
    echo "publish.sh: $*" >&2
    exit 1
}

case $version in
    *[!0-9]* | 0*) fail "HEED_MODEL_VERSION: expected a whole number from 1, got '$version'" ;;
esac
case $name in
    */* | .*) fail "HEED_MODEL_NAME: expected a name without '/' that begins with no '.', got '$name'" ;;
esac
[ -f "$source/saved_model.pb" ] || fail "$source holds no exported version (saved_model.pb)"

mkdir -p "$model"
if [ -e "$model/$version" ]; then
    diff -r "$source" "$model/$version" >/dev/null ||
        fail "$name has another version $version already; publish under a higher number"
    echo "$name version $version is published already"
    exit 0
fi
staging=$model/.publish-$version
rm -rf "$staging"
cp -R "$source" "$staging"
sync
mv "$staging" "$model/$version"
echo "published $name version $version"
