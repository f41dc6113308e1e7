# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

resource "bess_module" "firewall" {
  name  = "firewall"
  class = "ACL"
  args  = { rules = [{ src_ip = "172.12.0.0/16", drop = false }] }
}

data "bess_module" "firewall" {
  name = bess_module.firewall.name
}

# Packets let through, dropped, and decided by each rule.
output "firewall" {
  value = {
    counters = data.bess_module.firewall.counters
    rules    = data.bess_module.firewall.rule_packets
  }
}
