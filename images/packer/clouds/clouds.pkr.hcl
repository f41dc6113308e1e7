# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# The same steps on a cloud, from Debian's own image there. Takes the
# credentials of the cloud's command line. One cloud a run:
#
#   packer build -only=amazon-ebs.debian -var-file=images/packer/clouds/amazon.pkrvars.hcl \
#     -var package=dist/bess_VERSION_amd64.deb images/packer/clouds/clouds.pkr.hcl

variable "package" {
  description = "The bess package, a .deb for amd64."
  type        = string
}

variable "region" {
  description = "Region or zone to build in."
  type        = string
}

variable "machine" {
  description = "Type of the machine to build on."
  type        = string
}

variable "account" {
  description = "Google: the project. Azure: the subscription."
  type        = string
  default     = ""
}

variable "group" {
  description = "Azure: the resource group for the image."
  type        = string
  default     = ""
}

source "amazon-ebs" "debian" {
  region        = var.region
  instance_type = var.machine
  ami_name      = "bess-{{ timestamp }}"
  ena_support   = true
  ssh_username  = "admin"
  source_ami_filter {
    owners      = ["136693071363"] # Debian
    most_recent = true
    filters = {
      name                = "debian-12-amd64-*"
      architecture        = "x86_64"
      virtualization-type = "hvm"
    }
  }
}

source "googlecompute" "debian" {
  project_id          = var.account
  zone                = var.region
  machine_type        = var.machine
  source_image_family = "debian-12"
  image_name          = "bess-{{ timestamp }}"
  image_family        = "bess"
  ssh_username        = "debian"
}

source "azure-arm" "debian" {
  subscription_id                   = var.account
  use_azure_cli_auth                = true
  location                          = var.region
  vm_size                           = var.machine
  os_type                           = "Linux"
  image_publisher                   = "Debian"
  image_offer                       = "debian-12"
  image_sku                         = "12-gen2"
  managed_image_name                = "bess-{{ timestamp }}"
  managed_image_resource_group_name = var.group
  ssh_username                      = "debian"
}

build {
  sources = ["source.amazon-ebs.debian", "source.googlecompute.debian", "source.azure-arm.debian"]

  provisioner "file" {
    source      = var.package
    destination = "/tmp/bess.deb"
  }
  provisioner "file" {
    source      = "${path.root}/../files/"
    destination = "/tmp"
  }
  provisioner "shell" {
    script          = "${path.root}/../provision.sh"
    execute_command = "sudo sh '{{ .Path }}'"
  }
}
