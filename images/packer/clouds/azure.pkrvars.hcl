# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

region  = "westeurope"
machine = "Standard_B1ms"
account = "00000000-0000-0000-0000-000000000000"
group   = "images"
