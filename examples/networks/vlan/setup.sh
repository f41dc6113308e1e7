#!/bin/sh
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Makes the cable between the two switches. NS is what precedes the namespaces'
# names.
set -eu
ip -n "${NS:-}cable" link add cable type bridge
ip -n "${NS:-}cable" link set cable up
ip -n "${NS:-}cable" link set switch-a master cable
ip -n "${NS:-}cable" link set switch-b master cable
