# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# An access list. Its rules are changed in place, while packets flow.
resource "bess_module" "firewall" {
  name  = "firewall"
  class = "ACL"
  args = {
    rules = [
      { src_ip = "172.12.0.0/16", drop = false },
      { dst_port = 53, drop = false },
      { drop = true },
    ]
  }
}

# Packets made from layers; lengths and checksums are filled in.
resource "bess_module" "rewrite" {
  name  = "rewrite"
  class = "Rewrite"
  args = {
    templates = [
      provider::bess::packet({
        eth     = { src = "02:1e:67:9f:4d:ae", dst = "06:16:3e:1b:72:32" }
        ip      = { src = "172.12.0.3", dst = "10.0.0.1" }
        udp     = { src = 10001, dst = 10002 }
        payload = "helloworld"
      }),
    ]
  }
}

# Without a name the daemon chooses one.
resource "bess_module" "sink" {
  class = "Sink"
}
