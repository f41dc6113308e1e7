// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// This is bessd with one module class more than those it comes with. It takes
// the flags of bessd and serves the same clients.
package main

import (
	"os"

	"github.com/bessform/terraform-provider-bess/appliance/daemon"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	hooks "github.com/bessform/terraform-provider-bess/appliance/hook/all"
	modules "github.com/bessform/terraform-provider-bess/appliance/module/all"
	ports "github.com/bessform/terraform-provider-bess/appliance/port/all"

	"github.com/bessform/terraform-provider-bess/examples/custom-class/dscpmark"
)

func main() {
	os.Exit(daemon.Main(daemon.Config{
		Engine: engine.Options{
			Classes: append(modules.Classes(), dscpmark.Class),
			Drivers: ports.Drivers(),
			Hooks:   hooks.Hooks(),
		},
		Version: "custom",
	}, os.Args[1:], os.Stdout, os.Stderr))
}
