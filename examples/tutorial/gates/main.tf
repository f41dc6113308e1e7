# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# A module with several output gates, modules with several input gates.

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

provider "bess" {
  address = var.address
}

locals {
  packets = [
    { l4 = "udp", src = "172.16.100.1", dst = "10.0.0.1" },
    { l4 = "udp", src = "172.12.55.99", dst = "12.34.56.78" },
    { l4 = "udp", src = "172.12.55.99", dst = "10.0.0.1" },
    { l4 = "udp", src = "172.16.100.1", dst = "12.34.56.78" },
    { l4 = "tcp", src = "172.12.55.99", dst = "12.34.56.78" },
    { l4 = "udp", src = "192.168.1.123", dst = "12.34.56.78" },
  ]
  templates = [for p in local.packets : provider::bess::packet({
    eth     = { src = "02:1e:67:9f:4d:ae", dst = "06:16:3e:1b:72:32" }
    ip      = { src = p.src, dst = p.dst }
    (p.l4)  = { src = 10001, dst = 10002 }
    payload = "helloworld"
  })]

  modules = {
    src     = { class = "Source" }
    rewrite = { class = "Rewrite", args = { templates = local.templates } }
    # The gate is the second byte of the source address: 12, 16 or 168.
    net = { class = "Split", args = { offset = 27, size = 1 } }
    # What enters lanes at gate n leaves it at gate n.
    lanes   = { class = "Bypass" }
    others  = { class = "Merge" }
    inside  = { class = "Sink" }
    outside = { class = "Sink" }
  }

  # from, output gate, input gate, to
  links = [
    ["src", 0, 0, "rewrite"],
    ["rewrite", 0, 0, "net"],
    ["net", 12, 0, "lanes"],
    ["lanes", 0, 0, "inside"],
    ["net", 16, 1, "lanes"],
    ["lanes", 1, 0, "others"],
    ["net", 168, 1, "others"],
    ["others", 0, 0, "outside"],
  ]
}

resource "bess_module" "m" {
  for_each = local.modules
  name     = each.key
  class    = each.value.class
  args     = try(each.value.args, null)
}

resource "bess_link" "l" {
  for_each = { for l in local.links : "${l[0]}:${l[1]}" => l }
  from     = bess_module.m[each.value[0]].name
  ogate    = each.value[1]
  igate    = each.value[2]
  to       = bess_module.m[each.value[3]].name
}
