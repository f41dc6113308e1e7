#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Makes a disk that boots with BIOS and with UEFI from a root file system in a
# tar file. Nothing is mounted and no loop device is used: the file systems
# are written as files and put where the partition table says. As root, for
# the owners of files only.
#
#   images/debian/disk.sh dist/debian/rootfs.tar dist/debian/base.qcow2 [SIZE_MIB]
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
tar=$1 out=$2 size=${3:-1536}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grub=/usr/lib/grub
readonly first=2048 # sector of the first partition, as everywhere
readonly bios=$first esp=$((first + 2048)) root=$((first + 2048 + 16 * 2048))
readonly sectors=$((size * 2048))
readonly last=$((sectors - 2048)) # the copy of the table is behind it

# number writes an integer of so many bytes, the lowest first, into a file.
number() { # FILE OFFSET BYTES VALUE
  local i
  for ((i = 0; i < $3; i++)); do printf "\\x$(printf %02x $(($4 >> 8 * i & 255)))"; done |
    dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none
}
put() { # FILE SECTOR
  dd if="$1" of="$work/disk" bs=512 seek="$2" conv=notrunc,sparse status=none
}

truncate -s "${size}M" "$work/disk"
sfdisk --quiet "$work/disk" <<TABLE
label: gpt
first-lba: $first
start=$bios, size=2048, type=21686148-6449-6E6F-744E-656564454649, name=bios
start=$esp, size=$((16 * 2048)), type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=esp
start=$root, size=$((last - root)), type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root
TABLE

# The root file system; it grows to the disk it is booted from.
mkdir "$work/root"
tar -C "$work/root" --numeric-owner --xattrs --xattrs-include='*' -xf "$tar"
truncate -s $(((last - root) * 512)) "$work/ext4"
mke2fs -q -t ext4 -L bess-root -d "$work/root" "$work/ext4"
put "$work/ext4" $root
rm -rf "$work/root" "$work/ext4"

# GRUB with all it needs in one file; what it shows is in the root file system.
cat >"$work/early.cfg" <<'CFG'
search.fs_label bess-root root
set prefix=($root)/boot/grub
CFG
modules=(part_gpt ext2 search search_label normal configfile linux echo test serial terminal)
grub-mkimage -O i386-pc -d "$grub/i386-pc" -p /boot/grub -c "$work/early.cfg" -o "$work/core" biosdisk "${modules[@]}"
grub-mkimage -O x86_64-efi -d "$grub/x86_64-efi" -p /boot/grub -c "$work/early.cfg" -o "$work/efi" fat "${modules[@]}"

# What grub-install does for a BIOS: the first sector loads the second stage,
# whose first sector loads the rest (GRUB: grub-core/boot/i386/pc/{boot,diskboot}.S).
blocks=$(($(stat -c %s "$work/core") / 512))
((blocks * 512 == $(stat -c %s "$work/core"))) || { truncate -s $((++blocks * 512)) "$work/core"; }
((blocks <= 2048)) || { echo "disk: GRUB is larger than its partition" >&2; exit 1; }
cp "$grub/i386-pc/boot.img" "$work/boot"
number "$work/boot" 0x5c 8 $bios
number "$work/boot" 0x66 2 0x9090
number "$work/core" 0x1f4 8 $((bios + 1))
number "$work/core" 0x1fc 2 $((blocks - 1))
dd if="$work/boot" of="$work/disk" bs=440 count=1 conv=notrunc status=none
put "$work/core" $bios

truncate -s 16M "$work/vfat"
mkfs.vfat -n ESP "$work/vfat" >/dev/null
mmd -i "$work/vfat" ::/EFI ::/EFI/BOOT
mcopy -i "$work/vfat" "$work/efi" ::/EFI/BOOT/BOOTX64.EFI
put "$work/vfat" $esp

qemu-img convert -c -O qcow2 "$work/disk" "$out"
