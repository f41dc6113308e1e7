# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# A gateway: the host inside, 192.168.1.1, reaches the network outside as
# 203.0.113.254.

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
  # The gate of the NAT at which packets of a side come in; they leave on the
  # other one.
  sides = {
    inside  = { gate = 0, net = 1, address = "192.168.1.1/24" }
    outside = { gate = 1, net = 2, address = "203.0.113.1/24" }
  }
}

resource "bess_port" "side" {
  for_each = local.sides
  name     = each.key
  driver   = "TAPPort"
  args = {
    ifname    = "eth0"
    netns     = "${var.ns}${each.key}"
    mac       = "02:00:00:00:0${each.value.net}:01"
    addresses = [each.value.address]
  }
}

resource "bess_module" "in" {
  for_each = local.sides
  name     = "${each.key}_in"
  class    = "PortInc"
  args     = { port = bess_port.side[each.key].name }
}

# The gateway's addresses, see setup.sh. Other packets leave on gate 1.
resource "bess_module" "arp" {
  for_each = local.sides
  name     = "${each.key}_arp"
  class    = "ArpResponder"
}

resource "bess_module" "ttl" {
  for_each = local.sides
  name     = "${each.key}_ttl"
  class    = "UpdateTTL"
}

resource "bess_module" "nat" {
  name  = "nat"
  class = "NAT"
  args  = { ext_addrs = [{ ext_addr = "203.0.113.254", port_ranges = [{ end = 65535 }] }] }
}

# The addresses of the next hop and of the gateway's interface.
resource "bess_module" "to" {
  for_each = local.sides
  name     = "to_${each.key}"
  class    = "Update"
  args = { fields = [
    { offset = 0, size = 6, value = "0x020000000${each.value.net}01" },
    { offset = 6, size = 6, value = "0x020000000${each.value.net}fe" },
  ] }
}

resource "bess_module" "out" {
  for_each = local.sides
  name     = "${each.key}_out"
  class    = "PortOut"
  args     = { port = bess_port.side[each.key].name }
}

resource "bess_link" "in" {
  for_each = local.sides
  from     = bess_module.in[each.key].name
  to       = bess_module.arp[each.key].name
}

resource "bess_link" "answer" {
  for_each = local.sides
  from     = bess_module.arp[each.key].name
  to       = bess_module.out[each.key].name
}

resource "bess_link" "hop" {
  for_each = local.sides
  from     = bess_module.arp[each.key].name
  ogate    = 1
  to       = bess_module.ttl[each.key].name
}

resource "bess_link" "into" {
  for_each = local.sides
  from     = bess_module.ttl[each.key].name
  to       = bess_module.nat.name
  igate    = each.value.gate
}

resource "bess_link" "outof" {
  for_each = local.sides
  from     = bess_module.nat.name
  ogate    = each.value.gate
  to       = bess_module.to[each.key].name
}

resource "bess_link" "out" {
  for_each = local.sides
  from     = bess_module.to[each.key].name
  to       = bess_module.out[each.key].name
}
