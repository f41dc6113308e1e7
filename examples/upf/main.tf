# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# The user plane that upf.yaml describes, with every module, port and link as a
# resource of its own, so that a plan shows what a change of the file does.

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

variable "declaration" {
  description = "Path of the description."
  type        = string
  default     = "upf.yaml"
}

variable "sockets" {
  description = "Paths of the sockets of N3, N6 and the control program."
  type        = object({ access = string, core = string, notify = string, pfcp = string })
}

# Nothing is received before all is there.
provider "bess" {
  address = var.address
  resume  = false
}

locals {
  spec = yamldecode(templatefile(var.declaration, {
    ACCESS = var.sockets.access
    CORE   = var.sockets.core
    NOTIFY = var.sockets.notify
    PFCP   = var.sockets.pfcp
  })).spec
  # "a -> b:1 -> c" is two links, one of which leaves b on gate 1.
  hops = flatten([for chain in local.spec.links : [
    for i in range(length(split(" -> ", chain)) - 1) : {
      from  = split(":", split(" -> ", chain)[i])[0]
      ogate = try(tonumber(split(":", split(" -> ", chain)[i])[1]), 0)
      to    = split(":", split(" -> ", chain)[i + 1])[0]
    }
  ]])
  inputs = ["accessIn", "coreIn", "pfcpIn"]
}

resource "bess_worker" "w" {
  wid  = 0
  core = 0
}

resource "bess_port" "port" {
  for_each = local.spec.ports
  name     = each.key
  driver   = each.value.driver
  args     = each.value.args
}

resource "bess_module" "module" {
  for_each   = local.spec.modules
  name       = each.key
  class      = each.value.class
  args       = try(each.value.args, {})
  depends_on = [bess_worker.w, bess_port.port]
}

resource "bess_link" "link" {
  for_each = { for hop in local.hops : "${hop.from}:${hop.ogate}" => hop }
  from     = bess_module.module[each.value.from].name
  ogate    = each.value.ogate
  to       = bess_module.module[each.value.to].name
}

resource "bess_task" "input" {
  for_each   = toset(local.inputs)
  module     = bess_module.module[each.key].name
  wid        = bess_worker.w.wid
  depends_on = [bess_link.link]
}
