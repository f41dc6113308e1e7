#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Builds the image with Packer from DIST/debian/base.qcow2 and the package in
# DIST, into DIST/packer.
set -euo pipefail
here=$(dirname "$0")
dist=${DIST:-dist}
package=$(ls -t "$dist"/bess_*_amd64.deb | head -1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ssh-keygen -q -t ed25519 -N '' -C build -f "$work/key"
echo 'instance-id: build' >"$work/meta-data"
printf '#cloud-config\nssh_authorized_keys: ["%s"]\n' "$(cat "$work/key.pub")" >"$work/user-data"
"$here/seed.sh" "$work/seed.img" "$work/meta-data" "$work/user-data"
read -r accelerator cpu < <("$here/accelerator.sh")
rm -rf "$dist/packer"
export CHECKPOINT_DISABLE=1 PACKER_CACHE_DIR=$work/cache TMPDIR=$work
packer build -var "base=$dist/debian/base.qcow2" -var "package=$package" -var "seed=$work/seed.img" -var "key=$work/key" \
  -var "output=$dist/packer" -var "accelerator=$accelerator" -var "cpu=$cpu" "$here/bess.pkr.hcl"
