# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Debian with the bess package: the disk of images/debian is booted, the
# package installed over ssh, and what is left is the image. For Packer 1.6.6
# and newer; newer ones need plugins/ too, see README.md.

variable "base" {
  description = "Disk image to start from, made by images/debian."
  type        = string
}

variable "package" {
  description = "The bess package, a .deb for amd64."
  type        = string
}

variable "seed" {
  description = "Disk image with cloud-init's NoCloud data; it lets the key in. seed.sh makes it."
  type        = string
}

variable "key" {
  description = "Private ssh key for the build; it is not in the image."
  type        = string
}

variable "output" {
  description = "Folder for the image; it must not exist."
  type        = string
  default     = "dist/packer"
}

variable "accelerator" {
  description = "kvm, or tcg where KVM does not work: accelerator.sh tells."
  type        = string
  default     = "tcg"
}

variable "cpu" {
  description = "Model of the processor: host with kvm, max with tcg."
  type        = string
  default     = "max"
}

source "qemu" "debian" {
  disk_image       = true
  iso_url          = var.base
  iso_checksum     = "none"
  format           = "qcow2"
  disk_compression = true
  accelerator      = var.accelerator
  machine_type     = "q35"
  memory           = 1024
  headless         = true
  disable_vnc      = true # nothing is typed; and a busy host is slow to open it
  vm_name          = "bess.qcow2"
  output_directory = var.output

  communicator           = "ssh"
  ssh_username           = "debian"
  ssh_private_key_file   = var.key
  ssh_timeout            = "60m" # emulated, on a busy host
  ssh_handshake_attempts = 1000
  boot_wait              = "1s"
  shutdown_command       = "sudo systemctl poweroff"
  shutdown_timeout       = "15m"

  # Nothing is reachable from the machine, and only ssh from here to it; what
  # Packer would say instead forwards the port on all addresses.
  qemuargs = [
    ["-cpu", var.cpu],
    ["-smp", "2"],
    ["-display", "none"],
    ["-netdev", "user,id=user.0,restrict=on,hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22"],
    ["-device", "virtio-net-pci,netdev=user.0"],
    ["-device", "virtio-rng-pci"],
    ["-drive", "if=virtio,format=qcow2,discard=unmap,file={{ .OutputDir }}/{{ .Name }}"],
    ["-drive", "if=virtio,format=raw,readonly=on,file=${var.seed}"],
  ]
}

build {
  sources = ["source.qemu.debian"]

  # The same steps make images of clouds; see clouds/.
  provisioner "file" {
    source      = var.package
    destination = "/tmp/bess.deb"
  }
  provisioner "file" {
    source      = "${path.root}/files/"
    destination = "/tmp"
  }
  provisioner "shell" {
    script          = "${path.root}/provision.sh"
    execute_command = "sudo sh '{{ .Path }}'"
  }

  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "${var.output}/SHA256SUMS"
  }
}
