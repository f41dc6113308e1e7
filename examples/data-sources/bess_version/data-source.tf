# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

data "bess_version" "daemon" {}

output "version" {
  value = data.bess_version.daemon.version
}
