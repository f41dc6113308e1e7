#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Runs a command and fails if it changes any file of the work tree.
set -euo pipefail
state() { git status --porcelain; git diff | sha256sum; git ls-files --others --exclude-standard -z | xargs -0 -r sha256sum; }
before=$(state)
"$@"
after=$(state)
if [[ $before != "$after" ]]; then
  echo "'$*' changed checked-in files; commit what it wrote:" >&2
  git status --short >&2
  git --no-pager diff --stat >&2
  exit 1
fi
