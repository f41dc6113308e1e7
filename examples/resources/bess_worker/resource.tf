# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# A worker on CPU 0 that runs the tasks of all modules.
resource "bess_worker" "main" {
  wid  = 0
  core = 0
}
