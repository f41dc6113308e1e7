# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# The tutorial's pipeline with something to read: measure counts what passes
# the access list and how long that takes.

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

variable "pass" {
  description = "Source networks that the access list lets pass."
  type        = list(string)
  default     = ["172.12.0.0/16"]
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
    stamp   = { class = "Timestamp" }
    fw      = { class = "ACL", args = { rules = [for n in var.pass : { src_ip = n }] } }
    measure = { class = "Measure" }
    sink    = { class = "Sink" }
  }
  road = ["src", "rewrite", "stamp", "fw", "measure", "sink"]
}

resource "bess_module" "m" {
  for_each = local.modules
  name     = each.key
  class    = each.value.class
  args     = try(each.value.args, null)
}

resource "bess_link" "road" {
  for_each = { for i, from in slice(local.road, 0, length(local.road) - 1) : from => local.road[i + 1] }
  from     = bess_module.m[each.key].name
  to       = bess_module.m[each.value].name
}
