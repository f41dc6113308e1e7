// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command bessd is the packet engine behind the BESSControl API.
package main

import (
	"os"

	"github.com/bessform/terraform-provider-bess/appliance/daemon"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	hooks "github.com/bessform/terraform-provider-bess/appliance/hook/all"
	"github.com/bessform/terraform-provider-bess/appliance/internal/version"
	modules "github.com/bessform/terraform-provider-bess/appliance/module/all"
	ports "github.com/bessform/terraform-provider-bess/appliance/port/all"
)

func main() {
	os.Exit(daemon.Main(daemon.Config{
		Engine:  engine.Options{Classes: modules.Classes(), Drivers: ports.Drivers(), Hooks: hooks.Hooks()},
		Version: version.String(),
	}, os.Args[1:], os.Stdout, os.Stderr))
}
