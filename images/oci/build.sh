#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Builds the container image for ARCHS into DIST. The same commit gives the
# same digest.
#
#   DIST=dist ARCHS='amd64 arm64' images/oci/build.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
archs=${ARCHS:-amd64 arm64}
for arch in $archs; do
  GOARCH=$arch make -s build-appliance BIN="$stage/$arch"
done
mkdir -p "${DIST:=dist}"
version=$(images/packages/version.sh)
go run ./images/oci -programs "$stage" -archs "${archs// /,}" -out "$DIST" \
  -version "${version//[~+]/-}" -revision "$(git rev-parse HEAD)" \
  -epoch "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" # a tag has neither "~" nor "+"
