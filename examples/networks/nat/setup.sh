#!/bin/sh
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Tells the gateway its addresses, and the host inside its gateway. BESSCTL is
# how to call bessctl, NS what precedes the namespaces' names.
set -eu
${BESSCTL:-bessctl} command module inside_arp add ip=192.168.1.254 mac_addr=02:00:00:00:01:fe
${BESSCTL:-bessctl} command module outside_arp add ip=203.0.113.254 mac_addr=02:00:00:00:02:fe
ip -n "${NS:-}inside" route replace default via 192.168.1.254
