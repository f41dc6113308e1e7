# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

resource "bess_port" "local" {
  name   = "local"
  driver = "UnixSocketPort"
  args   = { path = "@bess-example" }
}

data "bess_port_stats" "local" {
  name = bess_port.local.name
}

output "received" {
  value = data.bess_port_stats.local.inc.packets
}
