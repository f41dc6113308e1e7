#!/usr/bin/env bash
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0

# Prints the version of the packages. deb and rpm sort "~" before the end of a
# version and "+" after it: 1.2.0 for the tag v1.2.0; 1.2.0+5.gabc1234 five
# commits later; 0.0.0~20261127.gabc1234 while there is no tag.
set -euo pipefail
if tag=$(git describe --tags --match 'v[0-9]*' 2>/dev/null); then
  tag=${tag#v}
  if [[ $tag =~ ^(.*)-([0-9]+)-(g[0-9a-f]+)$ ]]; then
    tag=${BASH_REMATCH[1]}+${BASH_REMATCH[2]}.${BASH_REMATCH[3]}
  fi
  echo "${tag/-/\~}" # a candidate such as 1.2.0-rc1 comes before 1.2.0
else
  echo "0.0.0~$(TZ=UTC git log -1 --date=format-local:%Y%m%d --format=%cd).g$(git rev-parse --short HEAD)"
fi
