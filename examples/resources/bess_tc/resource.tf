# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

resource "bess_worker" "main" {
  wid  = 0
  core = 0
}

# What is below "urgent" runs first, the rest shares what is left 3 to 1.
resource "bess_tc" "root" {
  name   = "root"
  policy = "priority"
  wid    = bess_worker.main.wid
}

resource "bess_tc" "urgent" {
  name     = "urgent"
  policy   = "round_robin"
  parent   = bess_tc.root.name
  priority = 0
}

resource "bess_tc" "rest" {
  name     = "rest"
  policy   = "weighted_fair"
  parent   = bess_tc.root.name
  priority = 1
  resource = "cycle"
}

resource "bess_tc" "bulk" {
  name   = "bulk"
  policy = "round_robin"
  parent = bess_tc.rest.name
  share  = 3
}

# At most a million packets per second, whatever is left.
resource "bess_tc" "guests" {
  name      = "guests"
  policy    = "rate_limit"
  parent    = bess_tc.rest.name
  share     = 1
  resource  = "packet"
  limit     = 1000000
  max_burst = 1000
}
