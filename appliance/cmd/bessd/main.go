// SPDX-FileCopyrightText: The BESS appliance authors
// SPDX-License-Identifier: Apache-2.0

// Command bessd is the packet engine behind the BESSControl API.
package main

import (
	"os"

	"google.golang.org/grpc"

	"github.com/bessform/terraform-provider-bess/appliance/daemon"
	"github.com/bessform/terraform-provider-bess/appliance/declare"
	"github.com/bessform/terraform-provider-bess/appliance/engine"
	hooks "github.com/bessform/terraform-provider-bess/appliance/hook/all"
	"github.com/bessform/terraform-provider-bess/appliance/internal/version"
	modules "github.com/bessform/terraform-provider-bess/appliance/module/all"
	ports "github.com/bessform/terraform-provider-bess/appliance/port/all"
)

func main() {
	cat := declare.Catalog{Classes: modules.Classes(), Drivers: ports.Drivers()}
	os.Exit(daemon.Main(daemon.Config{
		Engine:   engine.Options{Classes: cat.Classes, Drivers: cat.Drivers, Hooks: hooks.Hooks()},
		Version:  version.String(),
		Register: func(g *grpc.Server, e *engine.Engine) { declare.Register(g, e, cat) },
		Apply:    func(e *engine.Engine, file string) error { return declare.ApplyFile(e, cat, file) },
	}, os.Args[1:], os.Stdout, os.Stderr))
}
