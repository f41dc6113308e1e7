# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# An Ethernet switch with three ports, each an interface in a network namespace
# of its own.

terraform {
  required_providers {
    bess = { source = "bessform/bess" }
  }
}

variable "address" {
  description = "Where bessd listens: host:port or unix:/path."
  type        = string
  default     = "127.0.0.1:10514"
}

variable "ns" {
  description = "What is put in front of the names of network namespaces."
  type        = string
  default     = ""
}

provider "bess" {
  address = var.address
}

locals {
  # The number of a port is the gate that leads to it.
  ports = { red = 1, green = 2, blue = 3 }

  # From each port to each other one.
  roads = merge([for from, _ in local.ports : {
    for to, gate in local.ports : "${from}-${to}" => { from = from, to = to, gate = gate } if to != from
  }]...)
}

resource "bess_port" "port" {
  for_each = local.ports
  name     = each.key
  driver   = "TAPPort"
  args = {
    ifname    = "eth0"
    netns     = "${var.ns}${each.key}"
    mac       = "02:00:00:00:01:0${each.value}"
    addresses = ["10.1.0.${each.value}/24", "fd00:1::${each.value}/64"]
  }
}

resource "bess_module" "in" {
  for_each = local.ports
  name     = "${each.key}_in"
  class    = "PortInc"
  args     = { port = bess_port.port[each.key].name }
}

# Where does an address live? The gate is the number of the port; what is for
# several or for nobody known leaves on gate 0. See setup.sh.
resource "bess_module" "fdb" {
  for_each = local.ports
  name     = "${each.key}_fdb"
  class    = "L2Forward"
}

# To all ports but the one it came from.
resource "bess_module" "flood" {
  for_each = local.ports
  name     = "${each.key}_flood"
  class    = "Replicate"
  args     = { gates = [for name, gate in local.ports : gate if name != each.key] }
}

resource "bess_module" "out" {
  for_each = local.ports
  name     = "${each.key}_out"
  class    = "PortOut"
  args     = { port = bess_port.port[each.key].name }
}

resource "bess_link" "in" {
  for_each = local.ports
  from     = bess_module.in[each.key].name
  to       = bess_module.fdb[each.key].name
}

resource "bess_link" "unknown" {
  for_each = local.ports
  from     = bess_module.fdb[each.key].name
  to       = bess_module.flood[each.key].name
}

resource "bess_link" "known" {
  for_each = local.roads
  from     = bess_module.fdb[each.value.from].name
  ogate    = each.value.gate
  to       = bess_module.out[each.value.to].name
}

resource "bess_link" "flood" {
  for_each = local.roads
  from     = bess_module.flood[each.value.from].name
  ogate    = each.value.gate
  to       = bess_module.out[each.value.to].name
}
