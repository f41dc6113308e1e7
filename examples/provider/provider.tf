# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

terraform {
  required_providers {
    bess = {
      source = "bessform/bess"
    }
  }
}

provider "bess" {
  # Also taken from the environment variable BESS_ADDRESS.
  address = "127.0.0.1:10514"

  # On another machine also, as paths or as the texts themselves:
  # ca   = "ca.crt"
  # cert = "terraform.crt"
  # key  = "terraform.key"
}

# Packets of 100 bytes, counted and thrown away.
resource "bess_module" "source" {
  name  = "source"
  class = "Source"
  args  = { pkt_size = 100 }
}

resource "bess_module" "sink" {
  name  = "sink"
  class = "Sink"
}

resource "bess_link" "to_sink" {
  from = bess_module.source.name
  to   = bess_module.sink.name
}
