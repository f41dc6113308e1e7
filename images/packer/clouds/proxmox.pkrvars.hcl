# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

server   = "https://proxmox.example:8006/api2/json"
user     = "root@pam"
place    = "pve"
template = "debian-12"
