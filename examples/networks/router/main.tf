# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# An IPv4 router between two networks, each an interface in a network namespace.
# The router is 10.1.0.254 and 10.2.0.254.

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
  # The number of a network is the gate that leads to it, and part of all
  # addresses in it.
  nets = { left = 1, right = 2 }
}

resource "bess_port" "net" {
  for_each = local.nets
  name     = each.key
  driver   = each.key == "left" ? "TAPPort" : "VethPort" # a TAP device and a cable, to show both
  args = {
    ifname    = "eth0"
    netns     = "${var.ns}${each.key}"
    mac       = "02:00:00:00:0${each.value}:01"
    addresses = ["10.${each.value}.0.1/24"]
  }
}

resource "bess_module" "in" {
  for_each = local.nets
  name     = "${each.key}_in"
  class    = "PortInc"
  args     = { port = bess_port.net[each.key].name }
}

# Who has 10.1.0.254? See setup.sh. Other packets leave on gate 1.
resource "bess_module" "arp" {
  for_each = local.nets
  name     = "${each.key}_arp"
  class    = "ArpResponder"
}

# One gate for each neighbour; what is not IPv4 ends here. See setup.sh.
resource "bess_module" "routes" {
  name  = "routes"
  class = "IPLookup"
}

resource "bess_module" "ttl" {
  for_each = local.nets
  name     = "${each.key}_ttl"
  class    = "UpdateTTL"
}

# The addresses of the next hop and of the router's interface.
resource "bess_module" "to" {
  for_each = local.nets
  name     = "to_${each.key}"
  class    = "Update"
  args = { fields = [
    { offset = 0, size = 6, value = "0x020000000${each.value}01" },
    { offset = 6, size = 6, value = "0x020000000${each.value}fe" },
  ] }
}

resource "bess_module" "out" {
  for_each = local.nets
  name     = "${each.key}_out"
  class    = "PortOut"
  args     = { port = bess_port.net[each.key].name }
}

resource "bess_link" "in" {
  for_each = local.nets
  from     = bess_module.in[each.key].name
  to       = bess_module.arp[each.key].name
}

resource "bess_link" "answer" {
  for_each = local.nets
  from     = bess_module.arp[each.key].name
  to       = bess_module.out[each.key].name
}

resource "bess_link" "lookup" {
  for_each = local.nets
  from     = bess_module.arp[each.key].name
  ogate    = 1
  to       = bess_module.routes.name
}

resource "bess_link" "route" {
  for_each = local.nets
  from     = bess_module.routes.name
  ogate    = each.value
  to       = bess_module.ttl[each.key].name
}

resource "bess_link" "neighbour" {
  for_each = local.nets
  from     = bess_module.ttl[each.key].name
  to       = bess_module.to[each.key].name
}

resource "bess_link" "out" {
  for_each = local.nets
  from     = bess_module.to[each.key].name
  to       = bess_module.out[each.key].name
}
