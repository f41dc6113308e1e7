#!/bin/sh
# SPDX-FileCopyrightText: The BESS appliance authors
# SPDX-License-Identifier: Apache-2.0
#
# Generates docs/, the pages that a Terraform registry shows, from the
# provider's schemas and from examples/. Nothing is downloaded: terraform is
# told to take the provider that is built here.
set -eu

cd "$(dirname "$0")/.."

PATH=$PWD/bin/tools:$PATH
for tool in terraform tfplugindocs; do
	command -v $tool >/dev/null && continue
	echo "docs: $tool is missing; 'make docs' installs tfplugindocs, terraform is yours to install" >&2
	exit 1
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go build -o "$work/plugins/terraform-provider-bess" ./provider
cat >"$work/terraformrc" <<RC
provider_installation {
  dev_overrides {
    "bessform/bess" = "$work/plugins"
  }
}
RC
cat >"$work/main.tf" <<TF
terraform {
  required_providers {
    bess = { source = "bessform/bess" }
  }
}
TF
TF_CLI_CONFIG_FILE=$work/terraformrc CHECKPOINT_DISABLE=1 \
	terraform -chdir="$work" providers schema -json |
	sed 's#registry.terraform.io/bessform/bess#registry.terraform.io/hashicorp/bess#' >"$work/schema.json" # where tfplugindocs looks

# The pages show the examples without their licence headers.
for file in $(cd examples && find provider resources data-sources functions -type f); do
	mkdir -p "$work/examples/$(dirname "$file")"
	sed '/^# SPDX-/d' "examples/$file" | sed '1{/^$/d}' >"$work/examples/$file"
done

tfplugindocs generate --provider-name terraform-provider-bess --rendered-provider-name BESS \
	--providers-schema "$work/schema.json" --examples-dir "$(realpath --relative-to=. "$work/examples")"
