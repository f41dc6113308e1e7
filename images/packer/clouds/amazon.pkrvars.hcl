# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

region  = "eu-central-1"
machine = "t3.small"
