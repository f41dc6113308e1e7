#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Makes a seed for cloud-init (NoCloud): a small disk with the label CIDATA.
#
#   images/packer/seed.sh SEED.img META-DATA USER-DATA
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
rm -f "$1"
truncate -s 1M "$1"
mkfs.vfat -n CIDATA "$1" >/dev/null
mcopy -i "$1" "$2" ::/meta-data
mcopy -i "$1" "$3" ::/user-data
