#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Runs the pipeline suite on a daemon of its own. Arguments go to bessctl
# bench: `hack/bench.sh --only acl- --target other:10514` compares with another
# engine, `hack/bench.sh storm` measures a busy control plane, `hack/bench.sh rules`
# large tables.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
bin/bessd -f -skip_root_check -i "$dir/pid" -grpc_url "unix:$dir/ctl" 2>"$dir/log" &
daemon=$!
trap 'kill $daemon 2>/dev/null || true; wait $daemon 2>/dev/null || true; rm -rf "$dir"' EXIT
for _ in $(seq 100); do
  [[ -S $dir/ctl ]] && break
  kill -0 $daemon 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
  sleep 0.1
done
bin/bessctl bench "$@" --target "unix:$dir/ctl"
