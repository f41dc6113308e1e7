# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# The recording over and over again -> access list -> nowhere. Its rules are
# changed while packets flow.

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

variable "capture" {
  description = "Absolute path of the recording to read."
  type        = string
}

variable "rules" {
  description = "The access list. The first rule that matches decides; what none matches is dropped."
  type = list(object({
    src_ip   = optional(string)
    dst_ip   = optional(string)
    src_port = optional(number)
    dst_port = optional(number)
    drop     = optional(bool)
  }))
  default = [{ src_ip = "172.12.0.0/16", drop = false }]
}

# Every packet shall be accounted for: the task that reads gets its place when
# the road is complete, see ../main.tf.
provider "bess" {
  address = var.address
  resume  = false
}

resource "bess_worker" "w" {
  wid  = 0
  core = 0
}

resource "bess_port" "loop" {
  name   = "loop"
  driver = "PMDPort"
  args   = { vdev = "net_pcap1,rx_pcap=${var.capture},infinite_rx=1" }
}

resource "bess_port" "nowhere" {
  name   = "nowhere"
  driver = "PMDPort"
  args   = { vdev = "net_null0" }
}

resource "bess_module" "rx" {
  name       = "rx"
  class      = "PortInc"
  args       = { port = bess_port.loop.name }
  depends_on = [bess_worker.w]
}

resource "bess_module" "fw" {
  name  = "fw"
  class = "ACL"
  args  = { rules = var.rules }
}

resource "bess_module" "tx" {
  name  = "tx"
  class = "PortOut"
  args  = { port = bess_port.nowhere.name }
}

resource "bess_link" "in" {
  from = bess_module.rx.name
  to   = bess_module.fw.name
}

resource "bess_link" "out" {
  from = bess_module.fw.name
  to   = bess_module.tx.name
}

resource "bess_task" "rx" {
  module     = bess_module.rx.name
  wid        = bess_worker.w.wid
  depends_on = [bess_link.in, bess_link.out]
}
