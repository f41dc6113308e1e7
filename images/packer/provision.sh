#!/bin/sh
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Runs in the machine, as root: installs the package and makes the machine one
# that has never been started.
set -eu
cloud-init status --wait >/dev/null || true
export DEBIAN_FRONTEND=noninteractive
dpkg --install /tmp/bess.deb
install -D -m 644 /tmp/cloud-init.conf /etc/systemd/system/bessd.service.d/cloud-init.conf
systemctl daemon-reload
systemctl is-active bessd.service
bessctl version

systemctl stop bessd.service
rm -rf /var/lib/bess/* /tmp/bess.deb /tmp/cloud-init.conf
rm -f /etc/ssh/ssh_host_* /home/*/.ssh/authorized_keys /root/.ssh/authorized_keys
cloud-init clean --logs
rm -rf /var/log/journal/* /var/lib/systemd/random-seed /etc/hostname
: >/etc/machine-id
fstrim / || true
sync
