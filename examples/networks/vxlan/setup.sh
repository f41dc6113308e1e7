#!/bin/sh
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Makes the provider's network, a switch between the two sites. NS is what
# precedes the namespaces' names.
set -eu
ip -n "${NS:-}provider" link add switch type bridge
ip -n "${NS:-}provider" link set switch up
ip -n "${NS:-}provider" link set site-a master switch
ip -n "${NS:-}provider" link set site-b master switch
