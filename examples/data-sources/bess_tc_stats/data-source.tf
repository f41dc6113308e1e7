# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

resource "bess_module" "queue" {
  name  = "queue"
  class = "Queue"
}

# The traffic class of a module's task has a name of its own.
data "bess_tc_stats" "queue" {
  name = "!leaf_${bess_module.queue.name}:0"
}

output "packets" {
  value = data.bess_tc_stats.queue.packets
}
