#!/bin/sh
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Tells the router its addresses and networks, and the hosts their router.
# BESSCTL is how to call bessctl, NS what precedes the namespaces' names.
set -eu
${BESSCTL:-bessctl} command module left_arp add ip=10.1.0.254 mac_addr=02:00:00:00:01:fe
${BESSCTL:-bessctl} command module right_arp add ip=10.2.0.254 mac_addr=02:00:00:00:02:fe
${BESSCTL:-bessctl} command module routes add prefix=10.1.0.0 prefix_len=24 gate=1
${BESSCTL:-bessctl} command module routes add prefix=10.2.0.0 prefix_len=24 gate=2
ip -n "${NS:-}left" route replace default via 10.1.0.254
ip -n "${NS:-}right" route replace default via 10.2.0.254
