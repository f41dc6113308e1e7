#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Prints "kvm host" if KVM works here, else "tcg max". It is tried, because there
# are hosts with /dev/kvm where machines abort or hang: the BIOS must say a word
# within 20 seconds.
said=$(timeout 20 qemu-system-x86_64 -accel kvm -cpu host -nodefaults -no-user-config -display none \
  -chardev stdio,id=debug -device isa-debugcon,iobase=0x402,chardev=debug 2>/dev/null </dev/null | head -c 16) || true
if [[ $said == *SeaBIOS* ]]; then echo kvm host; else echo tcg max; fi
