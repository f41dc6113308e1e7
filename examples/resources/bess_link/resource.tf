# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

resource "bess_module" "split" {
  name  = "split"
  class = "RandomSplit"
  args  = { gates = [0, 1] }
}

resource "bess_module" "merge" {
  name  = "merge"
  class = "Merge"
}

resource "bess_module" "sink" {
  name  = "sink"
  class = "Sink"
}

# Every output gate has one link.
resource "bess_link" "left" {
  from  = bess_module.split.name
  ogate = 0
  to    = bess_module.merge.name
  igate = 0
}

resource "bess_link" "right" {
  from  = bess_module.split.name
  ogate = 1
  to    = bess_module.merge.name
  igate = 1
}

# Gates are 0 unless said otherwise.
resource "bess_link" "out" {
  from = bess_module.merge.name
  to   = bess_module.sink.name
}
