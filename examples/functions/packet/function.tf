# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

locals {
  eth = { src = "02:1e:67:9f:4d:ae", dst = "06:16:3e:1b:72:32" }
}

output "udp" {
  value = provider::bess::packet({
    eth     = local.eth
    ip      = { src = "172.12.0.3", dst = "10.0.0.1", ttl = 32 }
    udp     = { src = 10001, dst = 10002 }
    payload = "helloworld"
  })
}

# A tunnel is a list, outermost layer first.
output "vxlan" {
  value = provider::bess::packet([
    { eth = local.eth },
    { ip = { src = "192.0.2.1", dst = "192.0.2.2" } },
    { udp = { src = 1234 } },
    { vxlan = { vni = 7 } },
    { eth = local.eth },
    { arp = { sender_ip = "10.0.0.1", target_ip = "10.0.0.2" } },
  ])
}
