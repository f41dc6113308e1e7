# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# The same steps on a hypervisor, from a template of Debian 12 that is there: with
# cloud-init, sudo without password, and what tells its address to the
# hypervisor (Proxmox: qemu-guest-agent; vSphere: open-vm-tools). One a run:
#
#   PKR_VAR_password=... packer build -only=proxmox-clone.debian -var-file=images/packer/clouds/proxmox.pkrvars.hcl \
#     -var package=dist/bess_VERSION_amd64.deb -var key=id_ed25519 images/packer/clouds/hypervisors.pkr.hcl

variable "package" {
  description = "The bess package, a .deb for amd64."
  type        = string
}

variable "key" {
  description = "Private ssh key that the template lets in."
  type        = string
}

variable "server" {
  description = "Proxmox: URL of the API. vSphere: name of the vCenter server."
  type        = string
}

variable "user" {
  description = "Who builds. Proxmox: with realm, root@pam. vSphere: with domain."
  type        = string
}

variable "password" {
  description = "That of the user; give it as PKR_VAR_password in the environment."
  type        = string
  sensitive   = true
}

variable "place" {
  description = "Proxmox: the node. vSphere: the cluster."
  type        = string
}

variable "template" {
  description = "Name of the template to clone."
  type        = string
}

variable "datastore" {
  description = "vSphere: where the disks are."
  type        = string
  default     = ""
}

source "proxmox-clone" "debian" {
  proxmox_url          = var.server
  username             = var.user
  password             = var.password
  node                 = var.place
  clone_vm             = var.template
  template_name        = "bess-{{ timestamp }}"
  os                   = "l26"
  memory               = 1024
  cores                = 2
  ssh_username         = "debian"
  ssh_private_key_file = var.key
}

source "vsphere-clone" "debian" {
  vcenter_server       = var.server
  username             = var.user
  password             = var.password
  cluster              = var.place
  datastore            = var.datastore
  template             = var.template
  vm_name              = "bess-{{ timestamp }}"
  convert_to_template  = true
  ssh_username         = "debian"
  ssh_private_key_file = var.key
}

build {
  sources = ["source.proxmox-clone.debian", "source.vsphere-clone.debian"]

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
