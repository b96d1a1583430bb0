#!/bin/sh
# What one `track` costs from each language, beside the bare foreign call in the same run. Takes what each binding's
# `check` has installed, and says where it has not.
cd "$(dirname "$0")/../bindings" || exit 1
# Where events go at once, and not among the person's own.
export CI=true PACT_TELEMETRY_STATE_DIR="$PWD/../build/bench-state"

cost() { # cost LANGUAGE NEEDED COMMAND…
    language=$1
    needed=$2
    shift 2
    printf '\n== %s\n' "$language"
    if [ -e "$language/$needed" ]; then
        (cd "$language" && "$@" 2>&1) || echo "$language: failed"
    else
        echo "not measured: run bindings/$language/check first"
    fi
}

cost js node_modules node bench/track.mjs
cost ruby bench ruby bench
cost go go.mod go run ./bench
cost jvm target/test-classes ./bench
cost python .venv/bin/python .venv/bin/python bench.py
cost php bench.php php bench.php
cost dotnet build/Bench.exe bench/track
cost cpp bench ./bench
