# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Six packets in turn -> access list -> end. Three of six pass.

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

  # A packet is written in layers; lengths and checksums are filled in.
  templates = [for p in local.packets : provider::bess::packet({
    eth     = { src = "02:1e:67:9f:4d:ae", dst = "06:16:3e:1b:72:32" }
    ip      = { src = p.src, dst = p.dst }
    (p.l4)  = { src = 10001, dst = 10002 }
    payload = "helloworld"
  })]
}

resource "bess_module" "src" {
  name  = "src"
  class = "Source"
}

resource "bess_module" "rewrite" {
  name  = "rewrite"
  class = "Rewrite"
  args  = { templates = local.templates }
}

resource "bess_module" "fw" {
  name  = "fw"
  class = "ACL"
  args  = { rules = [{ src_ip = "172.12.0.0/16", drop = false }] }
}

resource "bess_module" "sink" {
  name  = "sink"
  class = "Sink"
}

# src -> rewrite -> fw -> sink
resource "bess_link" "road" {
  for_each = {
    (bess_module.src.name)     = bess_module.rewrite.name
    (bess_module.rewrite.name) = bess_module.fw.name
    (bess_module.fw.name)      = bess_module.sink.name
  }
  from = each.key
  to   = each.value
}
