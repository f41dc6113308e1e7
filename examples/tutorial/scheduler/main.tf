# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Two workers, each with a tree of traffic classes that decides which source
# runs next.

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

variable "cores" {
  description = "CPUs of the two workers."
  type        = list(number)
  default     = [0, 1]
}

provider "bess" {
  address = var.address
}

resource "bess_worker" "w" {
  count = 2
  wid   = count.index
  core  = var.cores[count.index]
}

# Worker 0: the smallest number that can run goes first. That is limited, as
# long as it has not used up its rate; else shared, in proportion.
resource "bess_tc" "first" {
  name   = "first"
  policy = "priority"
  wid    = bess_worker.w[0].wid
}

resource "bess_tc" "limited" {
  name      = "limited"
  policy    = "rate_limit"
  resource  = "packet"
  limit     = 100000
  max_burst = 10000
  parent    = bess_tc.first.name
  priority  = 0
}

resource "bess_tc" "shared" {
  name     = "shared"
  policy   = "weighted_fair"
  resource = "packet"
  parent   = bess_tc.first.name
  priority = 1
}

# Worker 1: everybody in turn, but two that must wait for their rate.
resource "bess_tc" "turns" {
  name   = "turns"
  policy = "round_robin"
  wid    = bess_worker.w[1].wid
}

resource "bess_tc" "narrow" {
  name      = "narrow"
  policy    = "rate_limit"
  resource  = "bit"
  limit     = 100000000
  max_burst = 10000000
  parent    = bess_tc.turns.name
}

resource "bess_tc" "seldom" {
  name      = "seldom"
  policy    = "rate_limit"
  resource  = "count"
  limit     = 1000
  max_burst = 100
  parent    = bess_tc.turns.name
}

locals {
  sources = {
    urgent = { parent = bess_tc.limited.name }
    gold   = { parent = bess_tc.shared.name, share = 170 }
    silver = { parent = bess_tc.shared.name, share = 100 }
    bronze = { parent = bess_tc.shared.name, share = 100 }
    tick   = { parent = bess_tc.turns.name }
    tock   = { parent = bess_tc.turns.name }
    thin   = { parent = bess_tc.narrow.name, size = 1500 }
    rare   = { parent = bess_tc.seldom.name }
  }
}

resource "bess_module" "source" {
  for_each = local.sources
  name     = each.key
  class    = "Source"
  args     = { pkt_size = try(each.value.size, null) }
}

resource "bess_module" "sink" {
  name  = "sink"
  class = "Sink"
}

resource "bess_link" "l" {
  for_each = bess_module.source
  from     = each.value.name
  to       = bess_module.sink.name
}

resource "bess_task" "t" {
  for_each = local.sources
  module   = bess_module.source[each.key].name
  parent   = each.value.parent
  share    = try(each.value.share, null)
}
