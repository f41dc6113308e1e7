# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# One switch of two: hosts of VLAN 10 and of VLAN 20 at access ports, and a
# trunk to the other switch, on which frames have a tag. One daemon, and one
# state of Terraform, for each switch.

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

variable "switch" {
  description = "Which switch: a or b."
  type        = string
  validation {
    condition     = contains(["a", "b"], var.switch)
    error_message = "There are the switches a and b."
  }
}

locals {
  vlans = { ten = 10, twenty = 20 }
  host  = var.switch == "a" ? 1 : 2
}

resource "bess_port" "ten" {
  name   = "ten"
  driver = "TAPPort"
  args = {
    ifname    = "eth0"
    netns     = "${var.ns}ten-${var.switch}"
    mac       = "02:00:00:00:10:0${local.host}"
    addresses = ["10.10.0.${local.host}/24", "fd00:10::${local.host}/64"]
  }
}

# The same in the words of BESS.
resource "bess_port" "twenty" {
  name   = "twenty"
  driver = "VPort"
  args = {
    ifname   = "eth0"
    netns    = "/run/netns/${var.ns}twenty-${var.switch}"
    ip_addrs = ["10.20.0.${local.host}/24", "fd00:20::${local.host}/64"]
  }
}

locals {
  access = { ten = bess_port.ten.name, twenty = bess_port.twenty.name }
}

resource "bess_port" "trunk" {
  name   = "trunk"
  driver = "TAPPort"
  args   = { ifname = "switch-${var.switch}", netns = "${var.ns}cable" }
}

resource "bess_module" "in" {
  for_each = local.vlans
  name     = "${each.key}_in"
  class    = "PortInc"
  args     = { port = local.access[each.key] }
}

resource "bess_module" "trunk_in" {
  name  = "trunk_in"
  class = "PortInc"
  args  = { port = bess_port.trunk.name }
}

resource "bess_module" "tag" {
  for_each = local.vlans
  name     = "${each.key}_tag"
  class    = "VLANPush"
  args     = { tci = each.value }
}

# The gate is the VLAN's number; frames of other VLANs, and those without a
# tag, end here.
resource "bess_module" "vlans" {
  name  = "vlans"
  class = "VLANSplit"
}

resource "bess_module" "out" {
  for_each = local.vlans
  name     = "${each.key}_out"
  class    = "PortOut"
  args     = { port = local.access[each.key] }
}

resource "bess_module" "trunk_out" {
  name  = "trunk_out"
  class = "PortOut"
  args  = { port = bess_port.trunk.name }
}

resource "bess_link" "in" {
  for_each = local.vlans
  from     = bess_module.in[each.key].name
  to       = bess_module.tag[each.key].name
}

resource "bess_link" "to_trunk" {
  for_each = local.vlans
  from     = bess_module.tag[each.key].name
  to       = bess_module.trunk_out.name
}

resource "bess_link" "from_trunk" {
  from = bess_module.trunk_in.name
  to   = bess_module.vlans.name
}

resource "bess_link" "out" {
  for_each = local.vlans
  from     = bess_module.vlans.name
  ogate    = each.value
  to       = bess_module.out[each.key].name
}
