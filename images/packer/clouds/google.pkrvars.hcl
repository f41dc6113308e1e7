# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

region  = "europe-west3-a"
machine = "e2-small"
account = "my-project"
