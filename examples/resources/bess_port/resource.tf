# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# A local socket: each message is a packet, in both directions.
resource "bess_port" "local" {
  name   = "local"
  driver = "UnixSocketPort"
  args   = { path = "@bess-example" }
}

# Whatever comes in goes back.
resource "bess_module" "in" {
  name  = "in"
  class = "PortInc"
  args  = { port = bess_port.local.name }

  lifecycle {
    replace_triggered_by = [bess_port.local]
  }
}

resource "bess_module" "out" {
  name  = "out"
  class = "PortOut"
  args  = { port = bess_port.local.name }

  lifecycle {
    replace_triggered_by = [bess_port.local]
  }
}

resource "bess_link" "back" {
  from = bess_module.in.name
  to   = bess_module.out.name
}
