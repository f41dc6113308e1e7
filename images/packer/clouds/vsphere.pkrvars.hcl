# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

server    = "vcenter.example"
user      = "builder@vsphere.local"
place     = "cluster1"
datastore = "datastore1"
template  = "debian-12"
