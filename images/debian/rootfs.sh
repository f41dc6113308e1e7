#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Writes the root file system of a small Debian with cloud-init into a tar file.
# As root; nothing is mounted on this machine.
#
#   images/debian/rootfs.sh dist/debian/rootfs.tar
set -euo pipefail
out=$1
here=$(dirname "$0")
mapfile -t packages < <(grep -v '^#' "$here/packages.list")
mkdir -p "$(dirname "$out")"
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct)}
mmdebstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="copy-in $here/files/boot $here/files/etc /" \
  --customize-hook='chroot "$1" systemctl enable systemd-networkd.service systemd-resolved.service' \
  --customize-hook='rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname; : >"$1/etc/machine-id"' \
  bookworm "$out"
