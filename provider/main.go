// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command terraform-provider-bess is the Terraform provider of the BESS
// appliance. Terraform starts it.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/bessform/terraform-provider-bess/provider/internal/provider"
)

// version is set when a release is built.
var version = "dev"

// address is where registries and configurations find the provider.
const address = "registry.terraform.io/bessform/bess"

func main() {
	debug := flag.Bool("debug", false, "run until interrupted, for a debugger to attach to")
	flag.Parse()
	opts := providerserver.ServeOpts{Address: address, Debug: *debug}
	if err := providerserver.Serve(context.Background(), provider.New(version), opts); err != nil {
		log.Fatal(err)
	}
}
