#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Builds the deb and rpm packages for ARCHS into DIST. The same commit gives
# the same bytes: times are those of the commit.
#
#   NFPM=bin/tools/nfpm DIST=dist ARCHS='amd64 arm64' images/packages/build.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

nfpm=$(realpath "${NFPM:-bin/tools/nfpm}")
mkdir -p "${DIST:=dist}"
dist=$(realpath "$DIST")
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
VERSION=${VERSION:-$(images/packages/version.sh)}
export SOURCE_DATE_EPOCH VERSION

package() { # ARCH
  export ARCH=$1 STAGE=$stage/$1
  mkdir "$STAGE"
  GOARCH=$ARCH make -s build-appliance BIN="$STAGE"
  for shell in bash zsh fish; do cp "$stage/$shell" "$STAGE/bessctl.$shell"; done
  local kind
  for kind in deb rpm; do
    "$nfpm" package --config images/packages/nfpm.yaml --packager "$kind" --target "$dist/"
  done
}

for shell in bash zsh fish; do go run ./appliance/cmd/bessctl completion "$shell" >"$stage/$shell"; done
for arch in ${ARCHS:-amd64 arm64}; do package "$arch"; done
