#!/bin/sh
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Tells the switch who lives where. BESSCTL is how to call bessctl.
set -eu
for port in red green blue; do
  ${BESSCTL:-bessctl} command module "${port}_fdb" add '{entries: [
    {addr: "02:00:00:00:01:01", gate: 1}, {addr: "02:00:00:00:01:02", gate: 2}, {addr: "02:00:00:00:01:03", gate: 3}]}'
  ${BESSCTL:-bessctl} command module "${port}_fdb" set_default_gate gate=0
done
