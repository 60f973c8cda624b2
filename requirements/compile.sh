#!/bin/sh
# Resolves the lists together, so that no package has two versions here. UPGRADE=1 takes newer ones.
set -eu
cd "$(dirname "$0")"
uv=${UV:-../.venv/bin/uv}
command -v "$uv" >/dev/null || {
    echo "error: there is no $uv" >&2
    echo "  fix:   make venv brings it; or name another one: UV=/path/to/uv" >&2
    exit 1
}
lock() {
    output=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links --custom-compile-command requirements/compile.sh \
        ${UPGRADE:+--upgrade} --output-file "$output" "$@"
}
lock dev.txt dev.in
lock airflow.txt --constraints dev.txt airflow.in
lock infra.txt --constraints dev.txt infra.in
lock uv.txt uv.in
lock npm.txt --constraints dev.txt npm.in
lock go.txt go.in
