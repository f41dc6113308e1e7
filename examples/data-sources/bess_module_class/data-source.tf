# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

data "bess_module_class" "source" {
  name = "Source"
}

output "commands" {
  value = data.bess_module_class.source.commands[*].name
}
