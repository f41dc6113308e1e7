#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Installs the Debian packages that tests and generation use. Terraform is not
# among them: without it the tests that need it are skipped, and say so.
set -euo pipefail
packages=(protobuf-compiler libprotobuf-dev iproute2 iputils-ping tcpdump ethtool curl iperf3 procps gcc libc6-dev
  python3 python3-grpcio python3-protobuf systemd rpm packer)
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
if ((${#missing[@]})); then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
