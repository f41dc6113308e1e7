// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command terraform-provider-bess is the Terraform provider of the BESS
// appliance. Terraform starts it.
package main

import (
	"context"
	"flag"
	"log"
	"runtime/debug"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/bessform/terraform-provider-bess/provider/internal/provider"
)

// version is set when a release is built; otherwise it is the one that go has
// put into the program.
var version = ""

// address is where registries and configurations find the provider.
const address = "registry.terraform.io/bessform/bess"

func main() {
	attach := flag.Bool("debug", false, "run until interrupted, for a debugger to attach to")
	flag.Parse()
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		version = info.Main.Version
	}
	opts := providerserver.ServeOpts{Address: address, Debug: *attach}
	if err := providerserver.Serve(context.Background(), provider.New(version), opts); err != nil {
		log.Fatal(err)
	}
}
