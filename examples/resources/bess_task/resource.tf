# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

resource "bess_worker" "main" {
  wid  = 0
  core = 0
}

resource "bess_tc" "slow" {
  name     = "slow"
  policy   = "rate_limit"
  wid      = bess_worker.main.wid
  resource = "packet"
  limit    = 1000
}

resource "bess_module" "slow" {
  name  = "slow"
  class = "Source"
}

resource "bess_module" "queue" {
  name  = "queue"
  class = "Queue"
}

# The source makes a thousand packets per second.
resource "bess_task" "slow" {
  module = bess_module.slow.name
  parent = bess_tc.slow.name
}

# The queue is emptied whenever the worker has time.
resource "bess_task" "queue" {
  module = bess_module.queue.name
  wid    = bess_worker.main.wid
}
