#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Installs the Debian packages that build the images of machines, and those
# that start them. What is in an image itself is downloaded by the build and not
# installed: images/appliance/packages.list, images/debian/packages.list.
set -euo pipefail
packages=(binutils dosfstools mtools genisoimage e2fsprogs zstd qemu-utils qemu-system-x86 ovmf
  mmdebstrap fdisk grub-common grub-pc-bin grub-efi-amd64-bin packer openssh-client)
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq # the build downloads packages by version
if ((${#missing[@]})); then
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
