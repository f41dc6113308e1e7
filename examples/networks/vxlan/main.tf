# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# One site of two: Ethernet frames of its hosts travel to the other site in
# VXLAN network 5000. One daemon, and one state of Terraform, for each site.

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

variable "site" {
  description = "Which site: a or b."
  type        = string
  validation {
    condition     = contains(["a", "b"], var.site)
    error_message = "There are the sites a and b."
  }
}

locals {
  here  = var.site == "a" ? 1 : 2
  there = 3 - local.here
}

# 50 bytes less than what is outside, for what is put around the frames.
resource "bess_port" "lan" {
  name   = "lan"
  driver = "TAPPort"
  args = {
    ifname    = "eth0"
    netns     = "${var.ns}site-${var.site}"
    mac       = "02:00:00:00:00:0${local.here}"
    mtu       = 1450
    addresses = ["10.9.0.${local.here}/24", "fd00:9::${local.here}/64"]
  }
}

# The way to the provider: this end of the tunnel is 198.51.100.1 or .2.
resource "bess_port" "wan" {
  name   = "wan"
  driver = "TAPPort"
  args   = { ifname = "site-${var.site}", netns = "${var.ns}provider" }
}

resource "bess_module" "in" {
  for_each = { lan = bess_port.lan.name, wan = bess_port.wan.name }
  name     = "${each.key}_in"
  class    = "PortInc"
  args     = { port = each.value }
}

resource "bess_module" "out" {
  for_each = { lan = bess_port.lan.name, wan = bess_port.wan.name }
  name     = "${each.key}_out"
  class    = "PortOut"
  args     = { port = each.value }
}

resource "bess_module" "tunnel" {
  name  = "tunnel"
  class = "SetMetadata"
  args = { attrs = [
    { name = "tun_id", size = 4, value_int = 5000 },
    { name = "tun_ip_src", size = 4, value_int = "0xc633640${local.here}" },
    { name = "tun_ip_dst", size = 4, value_int = "0xc633640${local.there}" },
    { name = "ether_src", size = 6, value_int = "0x02000000ff0${local.here}" },
    { name = "ether_dst", size = 6, value_int = "0x02000000ff0${local.there}" },
  ] }
}

resource "bess_module" "plain" {
  for_each = { vxlan = "VXLANEncap", ip = "IPEncap", ether = "EtherEncap", plain = "VXLANDecap" }
  name     = each.key
  class    = each.value
}

# Nothing but the tunnel comes in.
resource "bess_module" "ours" {
  name  = "ours"
  class = "BPF"
  args = { filters = [{
    gate = 1
    filter = join(" and ", [
      "ether dst 02:00:00:00:ff:0${local.here}",
      "ip dst 198.51.100.${local.here}",
      "ip src 198.51.100.${local.there}",
      "udp dst port 4789",
    ])
  }] }
}

resource "bess_module" "network" {
  name  = "network"
  class = "Split"
  args  = { attribute = "tun_id", size = 4 }
}

locals {
  module = merge(bess_module.in, bess_module.plain, { tunnel = bess_module.tunnel, ours = bess_module.ours, network = bess_module.network })
}

# lan_in -> tunnel -> vxlan -> ip -> ether -> wan_out
resource "bess_link" "out" {
  for_each = {
    lan    = bess_module.tunnel.name
    tunnel = bess_module.plain["vxlan"].name
    vxlan  = bess_module.plain["ip"].name
    ip     = bess_module.plain["ether"].name
    ether  = bess_module.out["wan"].name
  }
  from = local.module[each.key].name
  to   = each.value
}

# wan_in -> ours:1 -> plain -> network:5000 -> lan_out
resource "bess_link" "in" {
  for_each = {
    wan     = { ogate = 0, to = bess_module.ours.name }
    ours    = { ogate = 1, to = bess_module.plain["plain"].name }
    plain   = { ogate = 0, to = bess_module.network.name }
    network = { ogate = 5000, to = bess_module.out["lan"].name }
  }
  from  = local.module[each.key].name
  ogate = each.value.ogate
  to    = each.value.to
}
