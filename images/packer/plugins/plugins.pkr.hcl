# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Packer 1.7 and newer take the builders from plugins: copy this file beside
# bess.pkr.hcl and run "packer init". Packer 1.6 has them built in and does not
# know the block.
packer {
  required_plugins {
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = "~> 1.1"
    }
  }
}
